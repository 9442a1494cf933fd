//! Benchmarks: figures, never verdicts.

mod compliance;
mod failover;
mod figures;
mod ledger;
mod payments;

use crate::cli::Benchmark;
use crate::failure::Failure;

/// Runs a benchmark and prints its figures.
pub fn run(benchmark: &Benchmark) -> Result<bool, Failure> {
    match benchmark {
        Benchmark::Ledger(arguments) => ledger::run(arguments),
        Benchmark::Compliance(arguments) => compliance::run(arguments),
        Benchmark::Failover(arguments) => failover::run(arguments),
        Benchmark::Payments(arguments) => payments::run(arguments),
    }
}
