//! No money twice: random lives of one effect over a model channel that counts what it executes,
//! with answers lost, late and early, and a new process between any two steps.

use crate::rig::{Rig, emit};
use crate::toy::ToyCommand;
use engine::{AttemptMode, EffectReport, EffectState, Repeat};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

const BOUND: i64 = 60;

/// How an attempt goes.
#[derive(Debug, Clone)]
enum Attempt {
    /// The request never left.
    NotConnected,
    /// It arrives after some seconds; its answer comes or is lost.
    Sent { arrives: i64, answer: bool },
}

#[derive(Debug, Clone)]
enum Step {
    Wait(i64),
    /// A new process: permissions are forgotten.
    Restart,
    /// One attempt, if the record is due: how a send goes, and a question: whether the answer comes
    /// and how many seconds late.
    Attempt {
        attempt: Attempt,
        answer: bool,
        late: i64,
        report_lost: bool,
    },
    /// The process dies after sending and before it could report.
    AttemptAndDie {
        arrives: i64,
    },
    /// The channel tells of it by itself, if it has happened.
    Notify,
    /// People forbid every further sending.
    Withdraw,
}

fn steps() -> impl Strategy<Value = Step> {
    let arrives = prop_oneof![3 => 0i64..5, 1 => Just(BOUND), 2 => 0..=BOUND];
    let attempt = prop_oneof![
        1 => Just(Attempt::NotConnected),
        4 => (arrives.clone(), prop::bool::weighted(0.3))
            .prop_map(|(arrives, answer)| Attempt::Sent { arrives, answer }),
    ];
    let late = prop_oneof![4 => Just(0i64), 2 => 0i64..10, 1 => 0..BOUND * 3];
    prop_oneof![
        4 => prop_oneof![1i64..10, BOUND - 2..BOUND + 3, 100i64..400].prop_map(Step::Wait),
        2 => Just(Step::Restart),
        8 => (attempt, any::<bool>(), late, prop::bool::weighted(0.2)).prop_map(
            |(attempt, answer, late, report_lost)| Step::Attempt { attempt, answer, late, report_lost }
        ),
        2 => arrives.prop_map(|arrives| Step::AttemptAndDie { arrives }),
        1 => Just(Step::Notify),
        1 => Just(Step::Withdraw),
    ]
}

/// What the channel received and when; each arrival is one execution.
#[derive(Default)]
struct Channel {
    arrivals: Vec<Timestamp>,
}

impl Channel {
    fn executed(&self, at: Timestamp) -> usize {
        self.arrivals
            .iter()
            .filter(|arrival| **arrival <= at)
            .count()
    }
}

struct Life {
    rig: Rig,
    channel: Channel,
    effect: String,
    sends: usize,
    /// Sends before the withdrawal.
    sends_before: Option<usize>,
}

impl Life {
    fn new(repeat: Repeat) -> Life {
        let mut rig = Rig::new();
        let effect = rig.effect_of(emit("payout", repeat));
        Life {
            rig,
            channel: Channel::default(),
            effect,
            sends: 0,
            sends_before: None,
        }
    }

    /// What the outbox does before an attempt; `None`: not due.
    fn begin(&mut self) -> Option<AttemptMode> {
        let record = self.rig.effect(&self.effect);
        let open = matches!(record.state, EffectState::Ready | EffectState::MaybeSent);
        if !open || record.next_at > self.rig.now {
            return None;
        }
        let fresh = self.rig.fresh.remove(&self.effect).is_some();
        Some(record.mode(fresh))
    }

    fn send(&mut self, arrives: i64) {
        self.sends += 1;
        self.channel
            .arrivals
            .push(self.rig.now + SignedDuration::from_secs(arrives));
    }

    fn attempt(&mut self, attempt: &Attempt, answer: bool, late: i64, report_lost: bool) {
        let Some(mode) = self.begin() else { return };
        let begun_at = self.rig.now;
        let report = match (mode, attempt) {
            (AttemptMode::Send, Attempt::NotConnected) => EffectReport::NotSent {
                reason: "down".into(),
            },
            (AttemptMode::Send, Attempt::Sent { arrives, answer }) => {
                self.send(*arrives);
                match answer {
                    true if *arrives == 0 => EffectReport::Answered {
                        answer: "done".into(),
                    },
                    true => EffectReport::Pending,
                    false => EffectReport::Unknown {
                        reason: "time-out".into(),
                    },
                }
            }
            // The channel looks when it is asked; its answer may take long to come back.
            (AttemptMode::Query, _) if !answer => EffectReport::Unknown {
                reason: "time-out".into(),
            },
            (AttemptMode::Query, _) if self.channel.executed(begun_at) > 0 => {
                EffectReport::Answered {
                    answer: "done".into(),
                }
            }
            (AttemptMode::Query, _) => EffectReport::NotFound,
        };
        if mode == AttemptMode::Query {
            self.rig.wait(late);
        }
        if report_lost {
            // The report could not be recorded; the process goes on without a permission.
            return;
        }
        self.rig.ask_task(engine::Task::Effect {
            id: self.effect.clone(),
            mode,
            begun_at,
            report,
        });
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Wait(seconds) => self.rig.wait(*seconds),
            Step::Restart => self.rig.restart(),
            Step::Attempt {
                attempt,
                answer,
                late,
                report_lost,
            } => {
                self.attempt(attempt, *answer, *late, *report_lost);
            }
            Step::AttemptAndDie { arrives } => {
                if self.begin() == Some(AttemptMode::Send) {
                    self.send(*arrives);
                }
                self.rig.restart();
            }
            Step::Notify if self.channel.executed(self.rig.now) > 0 => {
                let effect = self.effect.clone();
                self.rig.done(ToyCommand::Settle { effect });
            }
            Step::Notify => {}
            Step::Withdraw => {
                let effect = self.effect.clone();
                self.rig.done(ToyCommand::Withdraw { effect });
                self.sends_before.get_or_insert(self.sends);
            }
        }
    }
}

fn live(repeat: Repeat, steps: &[Step]) -> Life {
    let mut life = Life::new(repeat);
    for step in steps {
        life.step(step);
    }
    life
}

const AFTER: Repeat = Repeat::AfterNotFound {
    arrival_bound_seconds: BOUND as u32,
};

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn after_not_found_executes_at_most_once(steps in prop::collection::vec(steps(), 1..40)) {
        let life = live(AFTER, &steps);
        prop_assert!(life.channel.arrivals.len() <= 1, "executed {:?}", life.channel.arrivals);
    }

    /// Once withdrawn it is not sent any more; and what is said not to have happened never does, however
    /// late a request arrives.
    #[test]
    fn a_withdrawn_effect_that_is_absent_has_not_happened(steps in prop::collection::vec(steps(), 1..40)) {
        let mut life = live(AFTER, &steps);
        life.step(&Step::Withdraw);
        for _ in 0..4 {
            life.attempt(&Attempt::Sent { arrives: 0, answer: true }, true, 0, false);
            life.rig.wait(BOUND);
        }
        prop_assert_eq!(life.sends_before, Some(life.sends));
        let absent = life.rig.counter("absent-payout").is_some();
        prop_assert_eq!(absent, life.channel.arrivals.is_empty(), "{:?}", life.channel.arrivals);
        prop_assert_eq!(life.rig.effect(&life.effect).state, EffectState::Done);
    }

    #[test]
    fn never_is_sent_at_most_once(steps in prop::collection::vec(steps(), 1..40)) {
        let life = live(Repeat::Never, &steps);
        prop_assert!(life.sends <= 1);
        prop_assert!(life.channel.arrivals.len() <= 1);
    }

    /// Left alone with a channel that works, every effect comes to an end: nothing hangs for ever.
    #[test]
    fn it_ends_when_the_channel_works_again(steps in prop::collection::vec(steps(), 1..25)) {
        for repeat in [AFTER, Repeat::Never, Repeat::Always] {
            let mut life = live(repeat, &steps);
            for _ in 0..12 {
                life.rig.wait(BOUND * 4);
                life.attempt(&Attempt::Sent { arrives: 0, answer: true }, true, 0, false);
            }
            let state = life.rig.effect(&life.effect).state;
            let withdrawn = life.sends_before.is_some();
            match repeat {
                Repeat::Never => prop_assert!(matches!(state, EffectState::Done | EffectState::Stranded)),
                _ => prop_assert_eq!(state, EffectState::Done),
            }
            let executed = life.channel.executed(life.rig.now);
            if state == EffectState::Done && !withdrawn {
                prop_assert!(executed >= 1, "done without having happened");
            }
        }
    }
}

/// The model channel would notice: sending at every doubt executes twice.
#[test]
fn the_model_counts_what_a_careless_outbox_would_do() {
    let mut life = Life::new(Repeat::Always);
    let lost = Attempt::Sent {
        arrives: 5,
        answer: false,
    };
    life.attempt(&lost, false, 0, false);
    life.rig.wait(10);
    life.attempt(&lost, false, 0, false);
    assert_eq!(life.channel.arrivals.len(), 2);
}
