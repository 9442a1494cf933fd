//! What a benchmark reports.
#![allow(clippy::float_arithmetic)] // rates and durations, not money

use serde::Serialize;
use std::time::Duration;

/// One benchmark's figures; absent ones do not apply.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Figures {
    /// Benchmark.
    pub name: String,
    /// Operations made.
    pub operations: u64,
    /// Operations per second over the whole run.
    pub per_second: u64,
    /// Median time from submission to durable answer, microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_us: Option<u64>,
    /// 99th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_us: Option<u64>,
    /// Longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_us: Option<u64>,
    /// Peak resident memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rss_bytes: Option<u64>,
    /// Size of the database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub db_bytes: Option<u64>,
    /// Rate of the first million operations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_million_per_second: Option<u64>,
    /// Rate of the last million.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_million_per_second: Option<u64>,
    /// Figures of this benchmark only.
    #[serde(flatten)]
    pub more: serde_json::Map<String, serde_json::Value>,
}

/// Operations per second, rounded down.
pub fn rate(operations: u64, took: Duration) -> u64 {
    let seconds = took.as_secs_f64();
    if seconds > 0.0 {
        (operations as f64 / seconds) as u64
    } else {
        0
    }
}

/// One rate as a part of another, three decimals.
pub fn ratio(rate: u64, of: u64) -> f64 {
    (rate as f64 / of.max(1) as f64 * 1_000.0).round() / 1_000.0
}

/// A share of a total, two decimals.
pub fn hundredths(total: u64, among: u64) -> f64 {
    (total as f64 / among.max(1) as f64 * 100.0).round() / 100.0
}

/// Median, 99th percentile and maximum of durations in microseconds.
pub fn percentiles(samples: &mut [u64]) -> Option<(u64, u64, u64)> {
    samples.sort_unstable();
    let at = |part: usize| {
        samples
            .get((samples.len().saturating_sub(1)) * part / 100)
            .copied()
    };
    Some((at(50)?, at(99)?, samples.last().copied()?))
}

/// Peak resident memory of this process.
pub fn peak_rss_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// Prints figures for people.
pub fn print(figures: &Figures) {
    println!("{}", figures.name);
    let value = serde_json::to_value(figures).unwrap_or_default();
    for (name, value) in value.as_object().into_iter().flatten() {
        let text = match value {
            serde_json::Value::Number(number) => number
                .as_i64()
                .map_or_else(|| number.to_string(), crate::output::grouped),
            other => other.to_string(),
        };
        if name != "name" {
            println!("  {name:<28}{text:>16}");
        }
    }
}
