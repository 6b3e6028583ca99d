//! One case of `stack/`, run so often: what `scripts/instructions.py` counts with callgrind.
//!
//! `cargo bench --bench instructions` alone lists the cases; with `NAME ROUNDS` it runs one.

mod stack;

use stack::cases;

fn main() {
    // Cargo adds an option of its own.
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let (name, rounds) = (arguments.next(), arguments.next());
    let Some((name, rounds)) = name.zip(rounds) else {
        cases::all().for_each(|case| println!("{}\t{}", case.per_round, case.name));
        return;
    };
    let rounds = rounds.parse().expect("a number of rounds");
    let case = cases::all().find(|case| case.name == name).expect("a case of this name");
    let mut run = (case.start)();
    run(rounds);
}
