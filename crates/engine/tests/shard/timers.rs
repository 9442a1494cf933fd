//! Commands submitted later.

use crate::memory::MemoryStore;
use crate::rig::{NOTHING, Rig, add, add_later, broken, emit, refused};
use crate::toy::{ToyCommand, ToyReply};
use engine::{SetAside, TimerRecord, Verdict};

#[test]
fn a_timer_fires_once_and_not_before_it_is_due() {
    let mut rig = Rig::new();
    rig.done(add_later("a", 3, 60));
    let timer: TimerRecord = rig.stored("add-a").unwrap();
    assert_eq!(timer.due, rig.now + jiff::SignedDuration::from_secs(60));
    rig.wait(59);
    assert_eq!(rig.fire("add-a"), Verdict::Noted);
    rig.restart();
    rig.wait(1);
    assert_eq!(rig.fire("add-a"), Verdict::Done(ToyReply::Value(3)));
    assert_eq!(rig.fire("add-a"), Verdict::Noted);
    assert_eq!(rig.counter("a"), Some(3));
    assert!(rig.stored::<TimerRecord>("add-a").is_none());
    assert!(!rig.tables().index.iter().any(|(kind, ..)| kind == "timer"));
}

#[test]
fn twice_in_one_batch_is_once() {
    let mut rig = Rig::new();
    rig.done(add_later("a", 3, 0));
    let task = || engine::Task::Timer {
        key: "add-a".into(),
    };
    let (first, second) = (rig.run(task()), rig.run(task()));
    let outcomes = rig.commit();
    assert_eq!(outcomes[&first].result, Verdict::Done(ToyReply::Value(3)));
    assert_eq!(outcomes[&second].result, Verdict::Noted);
}

#[test]
fn setting_a_timer_again_moves_it() {
    let mut rig = Rig::new();
    rig.done(add_later("a", 3, 10));
    rig.done(add_later("a", 5, 100));
    rig.wait(50);
    assert_eq!(rig.fire("add-a"), Verdict::Noted);
    let entries: Vec<String> = rig
        .tables()
        .index
        .into_iter()
        .filter(|(kind, ..)| kind == "timer")
        .map(|(_, _, value, _)| value)
        .collect();
    let due = rig.now + jiff::SignedDuration::from_secs(50);
    assert_eq!(
        entries,
        [engine::index_time(due)],
        "one entry, at the later time"
    );
    rig.wait(50);
    assert_eq!(rig.fire("add-a"), Verdict::Done(ToyReply::Value(5)));
}

#[test]
fn a_cancelled_timer_is_gone() {
    let mut rig = Rig::new();
    rig.done(add_later("a", 3, 10));
    rig.done(ToyCommand::CancelLater {
        counter: "a".into(),
    });
    rig.done(ToyCommand::CancelLater {
        counter: "never set".into(),
    });
    rig.wait(20);
    assert_eq!(rig.fire("add-a"), Verdict::Noted);
    assert_eq!(rig.counter("a"), None);
}

/// A refused command is undone, and with it went the removal of its timer: it was due again at the
/// next tick, and at every tick after that, each time with a row in the journal.
#[test]
fn a_timer_whose_command_is_refused_is_set_aside() {
    let mut rig = Rig::new();
    let command = ToyCommand::AddOrRefuseLater {
        counter: "a".into(),
        by: -1,
        seconds: 0,
    };
    rig.done(command);
    assert_eq!(rig.fire("add-a"), refused("a would be -1"));
    assert!(rig.stored::<TimerRecord>("add-a").is_none());
    let [record]: [SetAside; 1] = rig.tables().of_kind().try_into().unwrap();
    assert_eq!(record.reason, "refused: \"a would be -1\"");
    assert_eq!(record.task, "{\"timer\":\"add-a\"}");
    assert_eq!(rig.fire("add-a"), Verdict::Noted);
}

/// It was cancelled for ever, and what it was to do was never done, though its row was restored.
#[test]
fn a_timer_whose_command_breaks_comes_again_until_it_goes_through() {
    let mut rig = Rig::over(MemoryStore::default(), NOTHING, 1);
    rig.done(add("a", 5));
    rig.done(add_later("a", 3, 0));
    let sound = rig.tables().records;
    rig.store.damage_record("counter", "a");
    rig.restart();
    for minutes in [5, 10, 20, 40, 60, 60] {
        let reason = broken(rig.fire("add-a"));
        assert_eq!(reason, rig.tables().of_kind::<SetAside>()[0].reason);
        let timer: TimerRecord = rig.stored("add-a").unwrap();
        assert_eq!(
            timer.due,
            rig.now + jiff::SignedDuration::from_mins(minutes)
        );
        rig.wait(minutes * 60 - 1);
        assert_eq!(rig.fire("add-a"), Verdict::Noted, "not before its time");
        rig.wait(1);
    }
    // However often it broke, one record tells of it.
    let [record]: [SetAside; 1] = rig.tables().of_kind().try_into().unwrap();
    assert_eq!(
        (record.id.as_str(), record.task.as_str()),
        ("timer/add-a", "{\"timer\":\"add-a\"}")
    );
    assert_eq!(record.at, rig.now - jiff::SignedDuration::from_hours(1));
    let row = &sound[&("counter".to_owned(), "a".to_owned())].0;
    rig.store
        .put_record("counter", "a", std::str::from_utf8(row).unwrap());
    assert_eq!(rig.fire("add-a"), Verdict::Done(ToyReply::Value(8)));
    assert!(rig.stored::<TimerRecord>("add-a").is_none());
    rig.verify();
}

#[test]
fn a_timer_that_is_set_anew_begins_with_the_short_pause() {
    let mut rig = Rig::over(MemoryStore::default(), NOTHING, 1);
    rig.done(add("a", 5));
    rig.store.damage_record("counter", "a");
    rig.restart();
    for _ in 0..2 {
        rig.done(add_later("a", 3, 0));
        assert!(matches!(rig.fire("add-a"), Verdict::Denied(_)));
        let timer: TimerRecord = rig.stored("add-a").unwrap();
        assert_eq!(timer.due, rig.now + jiff::SignedDuration::from_mins(5));
    }
}

/// Its report is recorded again every few minutes: each time was a record more.
#[test]
fn an_effect_whose_report_breaks_has_one_record_of_it() {
    let mut rig = Rig::over(MemoryStore::default(), NOTHING, 1);
    rig.done(add("answered-n-paid", 1));
    let id = rig.effect_of(emit("n", engine::Repeat::Always));
    rig.store.damage_record("counter", "answered-n-paid");
    rig.restart();
    for _ in 0..3 {
        let report = engine::EffectReport::Answered {
            answer: "paid".into(),
        };
        let verdict = rig.report(&id, engine::AttemptMode::Query, report);
        assert!(matches!(verdict, Verdict::Denied(_)), "{verdict:?}");
        let due = rig.now + jiff::SignedDuration::from_mins(5);
        assert_eq!(rig.effect(&id).next_at, due);
        rig.wait(300);
    }
    let [record]: [SetAside; 1] = rig.tables().of_kind().try_into().unwrap();
    assert_eq!(record.id, format!("effect/{id}"));
}
