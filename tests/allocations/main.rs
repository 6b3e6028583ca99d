//! How often the hot paths allocate, and how much, is a budget: the tables under "Budgets" in `docs/performance.md`.
//!
//! Who changes a number writes it down: `BUDGETS=write cargo test --test allocations` does. A number that grows is a
//! decision, and one that shrinks is a gain to keep: both fail here until then. No test here looks at a clock.

#[path = "../../benches/stack/mod.rs"]
mod stack;

mod copies;
mod held;
mod table;

use allocation_counter::measure;
use stack::{
    cases::{CASES, Case},
    layers::{AROUND_EVENTS, AROUND_REQUESTS},
};
use table::{Row, assert_budget};

fn count(case: &Case) -> Row {
    let mut run = (case.start)();
    // After some rounds all buffers have found their size.
    let (warm_up, rounds) = if case.per_round < 100 { (64, 16) } else { (4, 2) };
    run(warm_up);
    // A hash table whose names come and go tidies up now and then, by chance: the least of some is free of that.
    let counts = (0..4).map(|_| measure(|| run(rounds)));
    let least = counts.min_by_key(|count| (count.count_total, count.bytes_total)).unwrap_or_default();
    Row::new(case.name, least.count_total, least.bytes_total, rounds * case.per_round)
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "an optimizer leaves an allocation out here and there")]
fn paths_allocate_as_often_as_it_is_written() {
    assert_budget("paths", CASES.iter().map(count).collect());
}

/// However many receive a broadcast, it allocates as often; only the list of them is longer.
#[test]
fn a_delivery_allocates_nothing() {
    let [few, many] = ["broadcast to 8, per delivery", "broadcast to 64, per delivery"].map(|name| {
        let case = CASES.iter().find(|case| case.name == name).expect("a case of this name");
        count(&Case { per_round: 1, ..*case })
    });
    assert_eq!(few.allocations, many.allocations);
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "an optimizer leaves an allocation out here and there")]
fn layers_allocate_as_often_as_it_is_written() {
    assert_budget("layers around events", AROUND_EVENTS.iter().map(count).collect());
    assert_budget("layers around requests", AROUND_REQUESTS.iter().map(count).collect());
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "an optimizer leaves an allocation out here and there")]
fn what_is_held_is_as_large_as_it_is_written() {
    assert_budget("held", held::rows());
}

/// Tables grow by doubling, so a client's share of them may be twice as large just after they have grown. Nothing else
/// may depend on how many there are.
#[test]
fn a_client_among_fifty_thousand_holds_what_one_among_a_thousand_does() {
    let [few, more, many] = [1_000, 10_000, 50_000].map(held::bytes_for_each_of);
    assert!(more * 10 <= few * 11, "{more} bytes each among 10 000, {few} among 1 000");
    assert!(many * 10 <= few * 11, "{many} bytes each among 50 000, {few} among 1 000");
}
