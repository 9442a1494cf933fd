//! Runs many seeds and reports progress and failures: `soak [first seed] [count]`.
//!
//! With a count of 1 it also prints what the day was like. Exit code 1 when a law was broken.

use sim::{Options, RunSummary, run};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

/// A simulated day allocates all the time; many days are over sooner with this one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Seeds between two lines of progress.
const PROGRESS_EVERY: u64 = 1_000;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u64| match arguments.next() {
        Some(text) => text.parse().map_err(|_| text),
        None => Ok(default),
    };
    let (first, count) = match (number(0), number(1_000)) {
        (Ok(first), Ok(count)) => (first, count),
        (Err(text), _) | (_, Err(text)) => {
            eprintln!("not a number: {text}; usage: soak [first seed] [count]");
            return ExitCode::from(2);
        }
    };
    let next = AtomicU64::new(first);
    let failures = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        return;
                    }
                    match run(seed, &Options::default()) {
                        Ok(summary) => report(&summary, first, count),
                        Err(failure) => {
                            failures.fetch_add(1, Ordering::Relaxed);
                            println!("FAILED {failure}");
                        }
                    }
                }
            });
        }
    });
    let failures = failures.into_inner();
    println!("{count} seeds from {first}: {failures} failed");
    if failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn report(summary: &RunSummary, first: u64, count: u64) {
    if count == 1 {
        println!("{summary:#?}");
    }
    let done = summary.seed - first + 1;
    if done.is_multiple_of(PROGRESS_EVERY) {
        println!("about {done} of {count} seeds");
    }
}
