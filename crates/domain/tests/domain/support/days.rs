//! Timers, the turn of a day, and the settlement that follows it.

use super::{Book, operator};
use domain::Request;
use engine::{Task, TimerRecord, Verdict};
use jiff::SignedDuration;

impl Book {
    /// Runs every timer that is due, until none is.
    pub fn fire_timers(&mut self) {
        for _ in 0..1_000 {
            let end = engine::index_time(self.now + SignedDuration::from_millis(1));
            let Some(timer) = self.list::<TimerRecord>("due", "", &end).into_iter().next() else {
                return;
            };
            let verdict = self.run(Task::Timer { key: timer.key });
            assert!(
                !matches!(verdict, Verdict::Denied(_)),
                "a timer failed: {verdict:?}"
            );
        }
        panic!("the timers never come to rest");
    }

    /// To the next business date, whose settlement is still to come.
    pub fn close_day(&mut self) {
        self.ask(&operator(), Request::TurnDay(Default::default()))
            .unwrap();
    }

    pub fn turn_day(&mut self) {
        self.close_day();
        self.pass(86_400);
        self.fire_settlement();
    }

    /// Only the settlement's own timer, so that payments stay as they are.
    pub fn fire_settlement(&mut self) {
        for _ in 0..1_000 {
            if self.record::<TimerRecord>("settlement").is_none() {
                return;
            }
            self.settlement_step();
        }
        panic!("settlement never ends");
    }

    /// One command of it.
    pub fn settlement_step(&mut self) {
        let key = "settlement".into();
        let verdict = self.run(Task::Timer { key });
        assert!(
            matches!(verdict, Verdict::Done(_)),
            "settlement failed: {verdict:?}"
        );
    }

    /// Only the timer of payouts that wait for the reserve.
    pub fn release_payouts(&mut self) {
        while self.record::<TimerRecord>("reserve").is_some() {
            let key = "reserve".into();
            let verdict = self.run(Task::Timer { key });
            assert!(
                matches!(verdict, Verdict::Done(_)),
                "a release failed: {verdict:?}"
            );
        }
    }
}
