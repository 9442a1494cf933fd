//! An effect's record, report by report: when it may be sent, when it is asked after, who hears.

use crate::rig::{Rig, emit, start};
use crate::toy::{ToyCommand, ToyReply, policy};
use engine::{
    AttemptMode, EffectNews, EffectPolicy, EffectRecord, EffectReport, EffectState, Repeat, Verdict,
};
use jiff::{SignedDuration, Timestamp};

const BOUND: u32 = 60;
const AFTER: Repeat = Repeat::AfterNotFound {
    arrival_bound_seconds: BOUND,
};

/// Takes a report of the attempt that the record would have led to in the process that has the permission.
fn advance(
    record: &mut EffectRecord,
    report: &EffectReport<String>,
    begun_at: Timestamp,
    now: Timestamp,
) -> EffectNews {
    let mode = record.mode(true);
    record.advance(mode, report, begun_at, now)
}

fn at(second: i64) -> Timestamp {
    start() + SignedDuration::from_secs(second)
}

fn record(repeat: Repeat) -> EffectRecord {
    EffectRecord {
        id: "eff_1".into(),
        body: serde_json::json!({}),
        policy: policy(repeat),
        jitter_percent: 0,
        state: EffectState::Ready,
        attempts: 0,
        created_at: at(0),
        next_at: at(0),
        sent_at: None,
        arrived: false,
        withdrawn_at: None,
        last_problem: None,
    }
}

fn answered() -> EffectReport<String> {
    EffectReport::Answered {
        answer: "paid".into(),
    }
}

fn unknown() -> EffectReport<String> {
    EffectReport::Unknown {
        reason: "time-out".into(),
    }
}

fn not_sent() -> EffectReport<String> {
    EffectReport::NotSent {
        reason: "refused connection".into(),
    }
}

const PENDING: EffectReport<String> = EffectReport::Pending;
const NOT_FOUND: EffectReport<String> = EffectReport::NotFound;

/// Reports one after another at the given seconds, each question as old as its answer.
fn after(repeat: Repeat, reports: &[(i64, EffectReport<String>)]) -> (EffectRecord, EffectNews) {
    let mut record = record(repeat);
    let mut news = EffectNews::Nothing;
    for (second, report) in reports {
        news = advance(&mut record, report, at(*second), at(*second));
    }
    (record, news)
}

#[test]
fn only_a_fresh_permission_or_a_harmless_repeat_is_sent() {
    use AttemptMode::{Query, Send};
    use EffectState::{Done, MaybeSent, Ready, Stranded};
    for repeat in [AFTER, Repeat::Never] {
        for (state, fresh, mode) in [
            (Ready, true, Send),
            (Ready, false, Query),
            (MaybeSent, true, Query),
            (MaybeSent, false, Query),
            (Stranded, true, Query),
            (Done, true, Query),
        ] {
            let record = EffectRecord {
                state,
                ..record(repeat)
            };
            assert_eq!(record.mode(fresh), mode, "{repeat:?} {state:?} {fresh}");
        }
    }
    for fresh in [true, false] {
        for state in [Ready, MaybeSent] {
            let record = EffectRecord {
                state,
                ..record(Repeat::Always)
            };
            assert_eq!(record.mode(fresh), Send);
        }
    }
}

#[test]
fn first_reports_of_every_policy() {
    use EffectNews as News;
    use EffectState::{Done, MaybeSent, Ready, Stranded};
    let cases = [
        (answered(), [(Done, News::Answered); 3]),
        (PENDING, [(MaybeSent, News::Pending); 3]),
        (unknown(), [(MaybeSent, News::Unknown); 3]),
        (not_sent(), [(Ready, News::Nothing); 3]),
        (
            NOT_FOUND,
            [
                (Ready, News::Nothing),
                (MaybeSent, News::Nothing),
                (Stranded, News::Stranded),
            ],
        ),
    ];
    for (report, expected) in cases {
        for (repeat, expected) in [Repeat::Always, AFTER, Repeat::Never]
            .into_iter()
            .zip(expected)
        {
            let (record, news) = after(repeat, &[(0, report.clone())]);
            assert_eq!((record.state, news), expected, "{repeat:?} {report:?}");
            assert_eq!(record.attempts, 1);
        }
    }
}

#[test]
fn not_found_permits_only_after_the_bound() {
    let early = [(1, unknown()), (60, NOT_FOUND)];
    let (record, _) = after(AFTER, &early);
    assert_eq!(record.state, EffectState::MaybeSent);
    assert_eq!(record.next_at, at(61), "asked again when the bound is over");
    let (record, news) = after(AFTER, &[early[0].clone(), (61, NOT_FOUND)]);
    assert_eq!(
        (record.state, news),
        (EffectState::Ready, EffectNews::Nothing)
    );
    assert_eq!(
        record.sent_at, None,
        "what happens from here on is not known after a restart"
    );
}

/// Sent at 0 and found nowhere at 2; the answer takes until 70, and the payment arrives at 30.
#[test]
fn a_late_answer_speaks_of_when_it_was_asked() {
    let mut record = record(AFTER);
    advance(&mut record, &unknown(), at(0), at(0));
    advance(&mut record, &NOT_FOUND, at(2), at(70));
    assert_eq!(record.state, EffectState::MaybeSent);
    assert!(record.next_at <= at(70), "it may be asked again at once");
    advance(&mut record, &NOT_FOUND, at(70), at(71));
    assert_eq!(record.state, EffectState::Ready);
}

#[test]
fn without_a_recorded_attempt_the_bound_counts_from_the_first_look() {
    // The process died after sending and before recording that.
    let (mut record, _) = after(AFTER, &[(100, NOT_FOUND)]);
    assert_eq!(record.state, EffectState::MaybeSent);
    assert_eq!(record.sent_at, Some(at(100)));
    advance(&mut record, &NOT_FOUND, at(159), at(159));
    assert_eq!(record.state, EffectState::MaybeSent);
    advance(&mut record, &NOT_FOUND, at(160), at(160));
    assert_eq!(record.state, EffectState::Ready);
}

#[test]
fn a_second_permission_needs_a_second_bound() {
    let (mut record, _) = after(AFTER, &[(0, unknown()), (60, NOT_FOUND), (62, unknown())]);
    assert_eq!(record.sent_at, Some(at(62)));
    advance(&mut record, &NOT_FOUND, at(121), at(121));
    assert_eq!(record.state, EffectState::MaybeSent);
    advance(&mut record, &NOT_FOUND, at(122), at(122));
    assert_eq!(record.state, EffectState::Ready);
}

#[test]
fn what_arrived_once_is_never_sent_again() {
    let reports = [(0, PENDING), (500, NOT_FOUND), (5_000, NOT_FOUND)];
    for repeat in [AFTER, Repeat::Never] {
        let (record, news) = after(repeat, &reports);
        assert_eq!(
            (record.state, news),
            (EffectState::MaybeSent, EffectNews::Unknown)
        );
        assert_eq!(record.mode(true), AttemptMode::Query);
    }
}

#[test]
fn a_question_that_could_not_be_asked_changes_nothing() {
    let (record, news) = after(AFTER, &[(0, unknown()), (1_000, not_sent())]);
    assert_eq!(
        (record.state, news),
        (EffectState::MaybeSent, EffectNews::Nothing)
    );
    assert_eq!(record.sent_at, Some(at(0)));
}

#[test]
fn an_outcome_is_final() {
    for late in [unknown(), NOT_FOUND, PENDING, not_sent(), answered()] {
        // What the counterpart says changes nothing of the effect; the application compares it with what it booked.
        let expected = match late {
            EffectReport::Answered { .. } | EffectReport::Pending => EffectNews::Late,
            _ => EffectNews::Nothing,
        };
        let (record, news) = after(AFTER, &[(0, answered()), (90, late)]);
        assert_eq!((record.state, news), (EffectState::Done, expected));
        assert_eq!(record.attempts, 1);
    }
}

#[test]
fn pauses_double_up_to_the_longest() {
    let mut record = record(AFTER);
    let mut pauses = Vec::new();
    for round in 0..8 {
        advance(
            &mut record,
            &unknown(),
            at(round * 1_000),
            at(round * 1_000),
        );
        pauses.push(record.next_at.duration_since(at(round * 1_000)).as_secs());
    }
    assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60, 60]);
}

#[test]
fn pauses_are_shorter_by_chance_where_that_is_wanted_and_the_same_for_the_same_id() {
    let pauses = |id: &str, jitter_percent: u8| -> Vec<i64> {
        let mut record = EffectRecord {
            id: id.to_owned(),
            jitter_percent,
            policy: EffectPolicy {
                attempts_max: None,
                ..policy(Repeat::Always)
            },
            ..record(Repeat::Always)
        };
        (0..6)
            .map(|_| {
                advance(&mut record, &unknown(), at(0), at(0));
                (record.next_at - at(0)).get_milliseconds()
                    + (record.next_at - at(0)).get_seconds() * 1_000
            })
            .collect()
    };
    let plain = pauses("eff_1", 0);
    assert_eq!(pauses("eff_2", 0), plain);
    let (one, other) = (pauses("eff_1", 25), pauses("eff_2", 25));
    assert_eq!(pauses("eff_1", 25), one);
    assert_ne!(one, other);
    for (jittered, plain) in one.iter().chain(&other).zip(plain.iter().chain(&plain)) {
        assert!(
            (plain * 3 / 4..=*plain).contains(jittered),
            "{jittered} of {plain}"
        );
    }
    assert_ne!(one, plain);
}

#[test]
fn attempts_without_end_strand_it_where_that_is_wanted() {
    let policy = EffectPolicy {
        attempts_max: Some(3),
        ..policy(Repeat::Always)
    };
    for report in [unknown(), not_sent()] {
        let mut record = EffectRecord {
            policy,
            ..record(Repeat::Always)
        };
        let news: Vec<EffectNews> = (0..3)
            .map(|n| advance(&mut record, &report, at(n), at(n)))
            .collect();
        assert_eq!(news.last(), Some(&EffectNews::Stranded));
        assert_eq!(record.state, EffectState::Stranded);
        // A person, a bill line or a late notification can still end it.
        assert_eq!(
            advance(&mut record, &answered(), at(9), at(9)),
            EffectNews::Answered
        );
    }
}

#[test]
fn forms_in_the_store_are_stable() {
    let (record, _) = after(AFTER, &[(0, unknown())]);
    let json = serde_json::to_string(&record).unwrap();
    assert_eq!(
        json,
        "{\"id\":\"eff_1\",\"body\":{},\"policy\":{\"repeat\":\"after_not_found\",\
         \"arrival_bound_seconds\":60,\"pause_seconds\":2,\"pause_seconds_max\":60,\
         \"attempts_max\":null},\"state\":\"maybe_sent\",\"attempts\":1,\
         \"created_at\":\"2026-11-20T02:00:00Z\",\"next_at\":\"2026-11-20T02:00:02Z\",\
         \"sent_at\":\"2026-11-20T02:00:00Z\",\"arrived\":false,\"last_problem\":\"time-out\"}"
    );
    assert_eq!(serde_json::from_str::<EffectRecord>(&json).unwrap(), record);
}

#[test]
fn an_effect_is_fresh_only_with_its_commit_and_in_its_process() {
    let mut rig = Rig::new();
    let ticket = rig.send(emit("n", AFTER));
    let batch = rig.seal().unwrap();
    assert!(rig.fresh.is_empty());
    let outcomes = rig.commit_sealed(&batch);
    let Verdict::Done(ToyReply::Effect(id)) = &outcomes[&ticket].result else {
        panic!("{outcomes:?}")
    };
    assert_eq!(rig.fresh.keys().collect::<Vec<_>>(), [id]);
    rig.restart();
    assert!(rig.fresh.is_empty());
    assert_eq!(rig.effect(id).mode(false), AttemptMode::Query);
}

#[test]
fn an_effect_of_a_refused_or_broken_command_does_not_exist() {
    let mut rig = Rig::new();
    let verdict = rig.ask_as(
        engine::Actor::new("eve", "stranger"),
        engine::Work::Command(emit("n", AFTER)),
    );
    assert!(matches!(verdict, Verdict::Refused(_)));
    assert!(rig.fresh.is_empty());
    assert!(rig.tables().records.is_empty());
}

#[test]
fn a_new_permission_comes_only_with_the_report_that_gives_it() {
    let mut rig = Rig::new();
    let id = rig.effect_of(emit("n", AFTER));
    rig.fresh.clear();
    // The send could not be made: provably nothing happened.
    rig.report(&id, AttemptMode::Send, not_sent());
    assert!(rig.fresh.remove(&id).is_some());
    // A question that could not be asked, by a new process: it says nothing of the send before.
    rig.restart();
    rig.report(&id, AttemptMode::Query, not_sent());
    assert!(rig.fresh.is_empty());
    rig.report(&id, AttemptMode::Query, NOT_FOUND);
    assert!(rig.fresh.is_empty());
    rig.wait(i64::from(BOUND));
    rig.report(&id, AttemptMode::Query, NOT_FOUND);
    assert!(rig.fresh.remove(&id).is_some());
    rig.report(&id, AttemptMode::Send, answered());
    assert!(rig.fresh.is_empty());
    assert_eq!(rig.counter("answered-n-paid"), Some(1));
    // Its due entry is gone; a second report of the same answer is nobody's news.
    rig.report(&id, AttemptMode::Send, answered());
    assert_eq!(rig.counter("answered-n-paid"), Some(1));
    assert!(!rig.tables().index.iter().any(|(kind, ..)| kind == "effect"));
}

/// A payout waits out its pause when a person settles it by hand: it must not be sent after that.
#[test]
fn settling_an_effect_voids_its_permission() {
    let mut rig = Rig::new();
    let command = ToyCommand::SendLater {
        note: "n".into(),
        repeat: Repeat::Never,
        seconds: 600,
    };
    let id = rig.effect_of(command);
    assert!(rig.fresh.contains_key(&id));
    rig.done(ToyCommand::Settle { effect: id.clone() });
    assert!(rig.fresh.is_empty());
    assert_eq!(rig.effect(&id).state, EffectState::Done);
    // Within one batch the later step counts, too.
    rig.send(emit("m", AFTER));
    rig.next_seed -= 1;
    let emitted = engine::IdSource::new(engine::ShardCode::FIRST, rig.now, rig.next_seed).id("eff");
    rig.next_seed += 1;
    rig.send(ToyCommand::Settle {
        effect: emitted.clone(),
    });
    rig.commit();
    assert_eq!(rig.effect(&emitted).state, EffectState::Done);
    assert!(rig.fresh.is_empty());
    rig.done(ToyCommand::Settle { effect: emitted });
}

#[test]
fn news_reach_the_books_in_the_report_s_own_batch() {
    let mut rig = Rig::new();
    let never = rig.effect_of(emit("n", Repeat::Never));
    rig.report(&never, AttemptMode::Send, unknown());
    assert_eq!(rig.counter(&format!("unknown-{never}")), Some(1));
    rig.report(&never, AttemptMode::Query, PENDING);
    assert_eq!(rig.counter(&format!("unknown-{never}")), Some(2));
    let other = rig.effect_of(emit("n", Repeat::Never));
    rig.report(&other, AttemptMode::Query, NOT_FOUND);
    assert_eq!(rig.counter("stranded-n"), Some(1));
    assert!(
        rig.tables()
            .index
            .iter()
            .any(|(_, index, ..)| index == "stranded")
    );
    assert_eq!(
        rig.report("eff_none", AttemptMode::Query, answered()),
        Verdict::Noted
    );
}

/// A permission that arrived late was used after a first "not found"; the process's request then counted
/// as of the time of that question, and a second one left before the first had arrived.
#[test]
fn a_request_that_left_late_counts_from_when_it_left() {
    let mut record = record(AFTER);
    record.advance(AttemptMode::Query, &NOT_FOUND, at(0), at(1));
    assert_eq!(record.state, EffectState::MaybeSent);
    record.advance(AttemptMode::Send, &unknown(), at(50), at(60));
    record.advance(AttemptMode::Query, &NOT_FOUND, at(70), at(71));
    assert_eq!(record.state, EffectState::MaybeSent, "it may still arrive");
    record.advance(AttemptMode::Query, &NOT_FOUND, at(119), at(119));
    assert_eq!(record.state, EffectState::MaybeSent);
    record.advance(AttemptMode::Query, &NOT_FOUND, at(120), at(121));
    assert_eq!(record.state, EffectState::Ready);
}
