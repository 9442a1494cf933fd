//! Random business days over faulty stores, processes and channels: every law holds in every run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use sim::{Failure, Options, RunSummary, run};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

const SEEDS: u64 = 1_000;
const THREADS: usize = 2;

fn seeds() -> u64 {
    match std::env::var("SIM_SEEDS") {
        Ok(text) => text.parse().expect("SIM_SEEDS is a number of seeds"),
        Err(_) => SEEDS,
    }
}

/// Runs seeds 0 to `count`, up to the first that fails, whichever thread is faster.
fn run_all(count: u64) -> Result<Vec<RunSummary>, Failure> {
    let next = AtomicU64::new(0);
    let results = Mutex::new((Vec::new(), None::<Failure>));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let failed_before = |failure: &Failure| failure.seed < seed;
                    if seed >= count
                        || results
                            .lock()
                            .unwrap()
                            .1
                            .as_ref()
                            .is_some_and(failed_before)
                    {
                        return;
                    }
                    let result = run(seed, &Options::default());
                    let mut results = results.lock().unwrap();
                    match result {
                        Ok(summary) => results.0.push(summary),
                        Err(failure) => {
                            let earlier = results.1.take().filter(failed_before);
                            results.1 = earlier.or(Some(failure));
                        }
                    }
                }
            });
        }
    });
    match results.into_inner().unwrap() {
        (_, Some(failure)) => Err(failure),
        (summaries, None) => Ok(summaries),
    }
}

#[test]
fn every_law_holds_on_every_day() {
    let count = seeds();
    let summaries = run_all(count).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(summaries.len() as u64, count);
    let sum = |of: fn(&RunSummary) -> u64| summaries.iter().map(of).sum::<u64>();
    println!(
        "{count} days: {} batches, {} commands, {} rows, {} crashes, {} answers withheld, {} retries, {} replays, \
         {} orders, {} paid, {} refunds, {} payouts, {} holds, {} signs of risk",
        sum(|s| s.batches),
        sum(|s| s.commands),
        sum(|s| s.rows),
        sum(|s| s.crashes),
        sum(|s| s.store_faults),
        sum(|s| s.retries),
        sum(|s| s.replays),
        sum(|s| s.orders.0),
        sum(|s| s.orders.1),
        sum(|s| s.refunds),
        sum(|s| s.payouts),
        sum(|s| s.holds),
        sum(|s| s.signals),
    );
    if count >= 100 {
        // A simulation in which nothing happens holds every law.
        for (what, average) in [
            ("commands", sum(|s| s.commands) / count),
            ("retries", sum(|s| s.retries) / count),
        ] {
            assert!(average >= 10, "only {average} {what} a day");
        }
        for (what, total) in [
            ("crashes", sum(|s| s.crashes)),
            ("orders paid", sum(|s| s.orders.1)),
            ("refunds", sum(|s| s.refunds)),
            ("payouts", sum(|s| s.payouts)),
            ("holds", sum(|s| s.holds)),
            ("signs of risk", sum(|s| s.signals)),
            ("replays", sum(|s| s.replays)),
        ] {
            assert!(total >= count, "only {total} {what} in {count} days");
        }
    }
}

#[test]
fn the_same_seed_is_the_same_day() {
    for seed in [3, 5_000_000_007] {
        let first = run(seed, &Options::default()).unwrap_or_else(|failure| panic!("{failure}"));
        let second = run(seed, &Options::default()).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(first, second);
    }
}

#[test]
fn a_day_without_faults_is_a_day_too() {
    let options = Options {
        faults: false,
        ..Options::default()
    };
    for seed in 0..10 {
        let summary = run(seed, &options).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!((summary.crashes, summary.store_faults), (0, 0));
    }
}
