//! Throughput of the bare engine with the test application: `rate TRANSFERS ACCOUNTS PER_COMMAND`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::float_arithmetic,
    missing_docs
)]
#[path = "../tests/toy/mod.rs"]
mod toy;
use engine::runtime::{Engine, SystemClock};
use engine::store::sqlite::SqliteStore;
use engine::*;
use std::sync::Arc;
use std::time::Instant;
use toy::*;

fn main() {
    let args: Vec<u64> = std::env::args()
        .skip(1)
        .map(|a| a.parse().unwrap())
        .collect();
    let (n, accounts, per) = (args[0], args[1], args[2]);
    let dir = tempfile::tempdir_in(".").unwrap();
    let store = Arc::new(SqliteStore::open(dir.path()).unwrap());
    let running = Engine::start(
        Arc::new(Toy),
        store,
        Arc::new(Vault::new(&[7; 32]).unwrap()),
        Arc::new(SystemClock),
        ShardOptions {
            shard: ShardCode::FIRST,
            first_business_date: "2026-11-20".parse().unwrap(),
            limits: CacheLimits::default(),
            sweep_min: 2048,
        },
    )
    .unwrap();
    let e = running.engine.clone();
    let actor = Actor::new("bench", "ledger");
    for chunk in (0..accounts).collect::<Vec<_>>().chunks(4000) {
        let names = chunk.iter().map(|i| format!("a{i}")).collect();
        e.submit_blocking(Envelope::new(
            actor.clone(),
            ToyCommand::Open {
                names,
                overdraft: true,
            },
        ))
        .unwrap();
    }
    let begun = Instant::now();
    let mut rng = 88172645463325252u64;
    let mut id = 1u128 << 80;
    let mut pending = std::collections::VecDeque::new();
    let mut done = 0u64;
    let mut mark = Instant::now();
    while done < n {
        let list = (0..per)
            .map(|_| {
                rng ^= rng << 13;
                rng ^= rng >> 7;
                rng ^= rng << 17;
                id += 1 << 40;
                let d = rng % accounts;
                let c = (d + 1 + (rng >> 32) % (accounts - 1)) % accounts;
                (
                    id + (rng & 0xffff) as u128,
                    d + 1,
                    c + 1,
                    1 + (rng >> 50) as i64,
                )
            })
            .collect();
        pending.push_back(
            e.submit_later(Envelope::new(actor.clone(), ToyCommand::Transfers(list)))
                .unwrap(),
        );
        if pending.len() as u64 > 24_000 / per.min(24_000) {
            pending
                .pop_front()
                .unwrap()
                .blocking_recv()
                .unwrap()
                .unwrap();
        }
        done += per;
        if done % 1_000_000 < per {
            println!("{done} {:.0}/s", 1e6 / mark.elapsed().as_secs_f64());
            mark = Instant::now();
        }
    }
    for p in pending {
        p.blocking_recv().unwrap().unwrap();
    }
    let s = begun.elapsed().as_secs_f64();
    let b = runtime::Counters::get(&e.counters().batches);
    println!(
        "{:.0} transfers/s, {} batches, {:.1} bytes each",
        done as f64 / s,
        b,
        e.queries().size_bytes().unwrap() as f64 / done as f64
    );
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    println!(
        "{}",
        status.lines().find(|l| l.starts_with("VmHWM")).unwrap()
    );
    drop(e);
    running.stop();
}
