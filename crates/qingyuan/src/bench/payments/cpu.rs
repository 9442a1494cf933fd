//! Processor time by kind of thread: tells what a figure is made of, and unlike a rate it hardly
//! changes when something else runs on the machine.

use crate::bench::figures;
use std::collections::BTreeMap;

/// Length of the kernel's unit of processor time on Linux, in microseconds.
const TICK_US: u64 = 10_000;

/// Processor time used so far, by thread name.
#[derive(Debug, Clone, Default)]
pub struct CpuTimes(BTreeMap<String, u64>);

impl CpuTimes {
    /// Of this process; empty where the system does not tell.
    pub fn now() -> CpuTimes {
        let mut times = BTreeMap::new();
        let Ok(threads) = std::fs::read_dir("/proc/self/task") else {
            return CpuTimes::default();
        };
        for thread in threads.flatten() {
            let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            if let Some((name, ticks)) = read(&stat) {
                *times.entry(name.to_owned()).or_default() += ticks * TICK_US;
            }
        }
        CpuTimes(times)
    }

    /// Microseconds per operation since `before`, by thread name, two decimals; threads that did
    /// next to nothing are left out.
    pub fn each_since(&self, before: &CpuTimes, operations: u64) -> BTreeMap<String, f64> {
        let since = |(name, now): (&String, &u64)| {
            let used = now.saturating_sub(before.0.get(name).copied().unwrap_or(0));
            let each = figures::hundredths(used, operations);
            (used >= 10 * TICK_US).then(|| (name.clone(), each))
        };
        self.0.iter().filter_map(since).collect()
    }
}

/// Name and ticks in user and kernel mode of a line of `/proc/…/stat`.
fn read(stat: &str) -> Option<(&str, u64)> {
    let (before, after) = stat.rsplit_once(')')?;
    let (_, name) = before.split_once('(')?;
    let mut fields = after.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    Some((name, user + kernel))
}
