//! The hot paths of the whole server in memory, one after the other: an event in and its answer out, emits,
//! broadcasts, heartbeats, clients that come and go; then the same with each layer.
//!
//! They are the cases of `stack/`, whose allocations have a budget (`tests/allocations`) and whose instructions
//! `scripts/instructions.py` counts. Here it is time, without a kernel: what is not seen there are caches.
//! `cargo bench --bench paths -- --quick` takes half a minute.

mod stack;

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use stack::{
    cases::{CASES, Case},
    layers::{AROUND_EVENTS, AROUND_REQUESTS},
};

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    measure(&mut criterion, "path", CASES);
    measure(&mut criterion, "layer around events", AROUND_EVENTS);
    measure(&mut criterion, "layer around requests", AROUND_REQUESTS);
    criterion.final_summary();
}

fn measure(criterion: &mut Criterion, name: &str, cases: &[Case]) {
    let mut group = criterion.benchmark_group(name);
    for case in cases {
        // Set up only if it is asked for.
        let mut run = None;
        group.throughput(Throughput::Elements(case.per_round));
        group.bench_function(case.name, |bencher| {
            let run = run.get_or_insert_with(case.start);
            bencher.iter_custom(|rounds| {
                let start = Instant::now();
                run(rounds);
                start.elapsed()
            });
        });
    }
    group.finish();
}
