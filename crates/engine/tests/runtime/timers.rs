//! Timers and housekeeping over a running engine: what is due, and what is damaged.

use crate::callers::{envelope, under_key, value};
use crate::rig::{add, add_later, key};
use crate::toy::ToyCommand;
use crate::world::World;
use engine::Verdict;
use engine::runtime::{Counters, Timers};

#[tokio::test]
async fn due_timers_fire_once() {
    let mut world = World::new();
    let timers = Timers::new(world.running.engine.clone());
    for (counter, seconds) in [("a", 10), ("b", 20), ("c", 30)] {
        world.submit(envelope(add_later(counter, 1, seconds))).await;
    }
    assert_eq!(timers.pass().await.unwrap(), 0);
    world.wait(20);
    assert_eq!(timers.pass().await.unwrap(), 2);
    assert_eq!(timers.pass().await.unwrap(), 0);
    world.wait(10);
    assert_eq!(timers.pass().await.unwrap(), 1);
    for counter in ["a", "b", "c"] {
        assert_eq!(value(&world.store, counter), Some(1));
    }
    drop(timers);
    world.running.stop();
}

/// Submitted for ever, they would fill the journal.
#[tokio::test]
async fn damaged_timers_and_expired_records_are_left_out() {
    let world = World::new();
    for counter in ["a", "b"] {
        let request = under_key(add_later(counter, 1, 0), key(counter, "body"));
        world.submit(request).await;
    }
    let damaged = world.store.tables().keys("idempotency").swap_remove(0);
    world.store.damage_record("idempotency", &damaged);
    world.store.damage_record("timer", "add-a");
    let mut world = world.restarted();
    let timers = Timers::new(world.running.engine.clone());
    world.wait(7 * 24 * 3_600 + 1);
    timers.pass().await.unwrap();
    assert_eq!(timers.housekeep(100).await.unwrap(), 1);
    let journal = world.store.tables().journal.len();
    timers.pass().await.unwrap();
    assert_eq!(timers.housekeep(100).await.unwrap(), 0);
    let tables = world.store.tables();
    assert_eq!(tables.journal.len(), journal);
    assert_eq!(tables.keys("idempotency"), [damaged]);
    assert_eq!(tables.keys("timer"), ["add-a"]);
    drop(timers);
    world.running.stop();
}

/// Written by another release, and sound: each step of housekeeping broke, wrote that it did, and deleted nothing any more.
#[tokio::test]
async fn an_expired_record_that_cannot_be_read_does_not_keep_the_others() {
    let world = World::new();
    for number in ["1", "2", "3"] {
        let request = under_key(add("a", 1), key(number, "body"));
        world.submit(request).await;
    }
    let unreadable = world.store.tables().keys("idempotency").remove(0);
    let body = "{\"later\":true}";
    world.store.put_record("idempotency", &unreadable, body);
    let mut world = world.restarted();
    world.wait(7 * 24 * 3_600 + 1);
    let timers = Timers::new(world.running.engine.clone());
    assert_eq!(timers.housekeep(100).await.unwrap(), 1);
    let kept = |kind: &str| world.store.tables().keys(kind);
    assert_eq!(kept("idempotency"), [unreadable]);
    assert_eq!(timers.housekeep(100).await.unwrap(), 0);
    assert!(kept("set_aside").is_empty());
    drop(timers);
    world.running.stop();
}

#[tokio::test]
async fn housekeeping_goes_on_while_there_is_something_expired() {
    let mut world = World::new();
    let timers = Timers::new(world.running.engine.clone());
    for number in 0..1_100 {
        let request = under_key(add("a", 1), key(&number.to_string(), "body"));
        drop(world.running.engine.submit_later(request).unwrap());
    }
    world.submit(envelope(add("b", 1))).await;
    assert_eq!(timers.housekeep(100).await.unwrap(), 0);
    world.wait(7 * 24 * 3_600 + 1);
    assert_eq!(timers.housekeep(1).await.unwrap(), 1);
    assert_eq!(timers.housekeep(100).await.unwrap(), 2);
    assert!(world.store.tables().keys("idempotency").is_empty());
    drop(timers);
    world.running.stop();
}

/// Timers and expired records as many as are read at a time, each damaged, stopped all behind them for ever.
#[tokio::test]
async fn however_many_are_damaged_those_behind_them_have_their_turn() {
    let world = World::new();
    for number in 0..1_100 {
        let command = add_later(&format!("{number:04}"), 1, 0);
        let request = under_key(command, key(&number.to_string(), "body"));
        drop(world.running.engine.submit_later(request).unwrap());
    }
    world.submit(envelope(add("z", 1))).await;
    for kind in ["idempotency", "timer"] {
        for key in world.store.tables().keys(kind) {
            world.store.damage_record(kind, &key);
        }
    }
    let mut world = world.restarted();
    world.wait(1);
    let last = under_key(add_later("last", 1, 0), key("last", "body"));
    world.submit(last).await;
    let timers = Timers::new(world.running.engine.clone());
    world.wait(7 * 24 * 3_600 + 2);
    assert_eq!(timers.pass().await.unwrap(), 1);
    assert_eq!(timers.housekeep(100).await.unwrap(), 1);
    let tables = world.store.tables();
    let left = ["timer", "idempotency"].map(|kind| tables.keys(kind).len());
    assert_eq!(left, [1_100; 2]);
    assert_eq!(timers.housekeep(100).await.unwrap(), 0);
    drop(timers);
    world.running.stop();
}

/// Only what the store refused was counted.
#[tokio::test]
async fn every_command_that_is_set_aside_is_counted() {
    let world = World::new();
    world.submit(envelope(add("a", 1))).await;
    world.submit(envelope(add_later("a", 1, 0))).await;
    let refused = ToyCommand::AddOrRefuseLater {
        counter: "b".into(),
        by: -1,
        seconds: 0,
    };
    world.submit(envelope(refused)).await;
    world.store.damage_record("counter", "a");
    let world = world.restarted();
    let engine = &world.running.engine;
    let set_aside = || Counters::get(&engine.counters().set_aside);
    let denied = world.submit(envelope(add("a", 1))).await;
    assert!(matches!(denied, Verdict::Denied(_)));
    assert_eq!(set_aside(), 1);
    let timers = Timers::new(engine.clone());
    assert_eq!(timers.pass().await.unwrap(), 2);
    assert_eq!(set_aside(), 3);
    // One comes again in five minutes, the other never.
    assert_eq!(timers.pass().await.unwrap(), 0);
    assert_eq!(world.store.tables().keys("timer"), ["add-a"]);
    drop(timers);
    world.running.stop();
}
