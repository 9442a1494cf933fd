//! What goes in and out of the process: requests, replies, effects, notifications, timers.

use super::{Happening, Purpose, World};
use crate::failure::{Broken, demand};
use channels::operation::Channel;
use domain::{Answer, BillLine, Command, Effect, Fact, Rejection, Reply, report_of};
use engine::record::index_time;
use engine::shard::Ticket;
use engine::store::Scan;
use engine::{
    Actor, AttemptMode, Denial, EffectRecord, EffectReport, Envelope, Outcome, Record, Task,
    TimerRecord, Verdict,
};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

impl World {
    /// Lets the next thing happen that is due.
    pub(super) fn deliver_due(&mut self) -> Result<(), Broken> {
        let Some((_, happening)) = self.agenda.due(self.now) else {
            return Ok(());
        };
        match happening {
            Happening::Ask(request) => self.ask(request),
            Happening::Restart => self.restart(),
            Happening::Report {
                process,
                effect,
                mode,
                begun_at,
                operation,
                sent,
                exchange,
            } => {
                let report = report_of(&operation, &sent, self.channel.report(exchange));
                self.attempted(process, effect, mode, begun_at, report)
            }
            Happening::Delivered {
                process,
                effect,
                mode,
                begun_at,
                report,
            } => self.attempted(process, effect, mode, begun_at, report),
            Happening::Knock {
                channel,
                notification,
                tries,
            } => {
                let fact = Fact::Notified {
                    channel,
                    notification: notification.clone(),
                };
                let envelope = Envelope::new(Actor::system(), Command::Fact(fact));
                let purpose = Purpose::Notification {
                    channel,
                    notification,
                    tries,
                };
                self.submit(Task::Envelope(envelope), purpose)
            }
        }
    }

    /// The result of an attempt is at hand; nobody is left to hear it if its process died meanwhile.
    fn attempted(
        &mut self,
        process: u64,
        effect: String,
        mode: AttemptMode,
        begun_at: Timestamp,
        report: EffectReport<Answer>,
    ) -> Result<(), Broken> {
        if process != self.process || self.node.is_none() {
            return Ok(());
        }
        let task = Task::Effect {
            id: effect.clone(),
            mode,
            begun_at,
            report,
        };
        self.submit(task, Purpose::Report { effect })
    }

    /// Some line of the channel's bill is taken as evidence, known already or not.
    pub(super) fn bill_line(&mut self) -> Result<(), Broken> {
        let lines = self.channel.books().bill();
        let Some((channel, line)) = self.rng.pick(&lines).cloned() else {
            return Ok(());
        };
        self.take_bill_line(channel, line)
    }

    pub(super) fn take_bill_line(
        &mut self,
        channel: Channel,
        line: BillLine,
    ) -> Result<(), Broken> {
        let command = Command::Fact(Fact::BillLine { channel, line });
        let envelope = Envelope::new(Actor::system(), command);
        self.submit(Task::Envelope(envelope), Purpose::BillLine)
    }

    /// Begins attempts at everything that is due.
    pub(super) fn attempt_effects(&mut self) -> Result<(), Broken> {
        let clock = self.clock();
        let Some(node) = &mut self.node else {
            return Ok(());
        };
        for record in node.outbox.due(self.queries.as_ref(), clock)? {
            self.attempt(&record)?;
        }
        Ok(())
    }

    fn attempt(&mut self, record: &Arc<EffectRecord>) -> Result<(), Broken> {
        let Some(node) = &mut self.node else {
            return Ok(());
        };
        let mode = node.outbox.begin(record);
        let begun_at = self.clock();
        let effect: Effect = serde_json::from_value(record.body.clone())
            .map_err(|error| Broken::new("effects can be read", error.to_string()))?;
        let (process, id) = (self.process, record.id.clone());
        let (Some(sent), Effect::Channel { operation, .. }) = (effect.operation(mode), &effect)
        else {
            let report = match self.rng.below(10) {
                0 => EffectReport::Unknown {
                    reason: "timed out".into(),
                },
                1 => EffectReport::NotSent {
                    reason: "HTTP 503".into(),
                },
                _ => EffectReport::Answered {
                    answer: Answer::Delivered { status: 200 },
                },
            };
            let at = self.now + SignedDuration::from_secs(self.rng.between(0, 5));
            let delivered = Happening::Delivered {
                process,
                effect: id,
                mode,
                begun_at,
                report,
            };
            self.agenda.add(at, delivered);
            return Ok(());
        };
        let exchange = self.channel.send(&sent, self.now);
        let report = Happening::Report {
            process,
            effect: id,
            mode,
            begun_at,
            operation: Box::new(operation.clone()),
            sent: Box::new(sent),
            exchange: exchange.exchange,
        };
        self.agenda.add(exchange.report_at, report);
        Ok(())
    }

    /// Submits the timers that are due, some of them twice.
    pub(super) fn fire_timers(&mut self) -> Result<(), Broken> {
        if self.node.is_none() {
            return Ok(());
        }
        let scan = Scan {
            kind: TimerRecord::KIND.to_owned(),
            index: "due".into(),
            from: String::new(),
            to: index_time(self.clock()) + "~",
            after: None,
            descending: false,
            limit: 512,
        };
        for found in self.queries.list(&scan)? {
            let times = if self.rng.chance(50) { 2 } else { 1 };
            for _ in 0..times {
                let key = found.key.clone();
                self.submit(Task::Timer { key }, Purpose::EngineWork)?;
            }
        }
        Ok(())
    }

    /// An outcome is handed out: from here on it must hold.
    pub(super) fn outcome(
        &mut self,
        ticket: Ticket,
        outcome: Outcome<Reply, Rejection>,
    ) -> Result<(), Broken> {
        let Some(purpose) = self.tickets.remove(&ticket) else {
            return Err(Broken::new(
                "a caller is answered once",
                format!("ticket {ticket}: {outcome:?}"),
            ));
        };
        let idempotency = match &purpose {
            Purpose::Request(id) => self.requests.get(id).map(|known| known.idempotency.clone()),
            _ => None,
        };
        self.promises
            .told(self.queries.as_ref(), idempotency.as_ref(), &outcome)?;
        if outcome.replayed {
            self.summary.replays += 1;
        }
        let broken = matches!(outcome.result, Verdict::Denied(Denial::Broken { .. }));
        demand(!broken, "no command is broken", || {
            format!("{purpose:?}: {:?}", outcome.result)
        })?;
        match purpose {
            Purpose::Request(request) => self.replied(request, outcome),
            Purpose::Report { effect } => {
                if let Some(node) = &mut self.node {
                    node.outbox.ended(&effect);
                }
                Ok(())
            }
            Purpose::Notification { .. } | Purpose::BillLine => {
                let taken = matches!(outcome.result, Verdict::Done(Reply::Taken));
                demand(taken, "a fact is never refused", || {
                    format!("{:?}", outcome.result)
                })
            }
            Purpose::EngineWork => {
                let refused = matches!(outcome.result, Verdict::Refused(_) | Verdict::Denied(_));
                demand(!refused, "the engine's own work is never refused", || {
                    format!("{:?}", outcome.result)
                })
            }
        }
    }

    /// The caller of a ticket is told 503, or hears nothing.
    pub(super) fn unanswered(&mut self, ticket: Ticket) -> Result<(), Broken> {
        if let Some(purpose) = self.tickets.remove(&ticket) {
            self.never_answered(purpose);
        }
        Ok(())
    }

    pub(super) fn never_answered(&mut self, purpose: Purpose) {
        match purpose {
            Purpose::Request(id) => {
                let Some(request) = self.requests.get(&id) else {
                    return;
                };
                let at = self.now + request.patience();
                self.agenda.add(at, Happening::Ask(id));
            }
            Purpose::Report { effect } => {
                if let Some(node) = &mut self.node {
                    node.outbox.ended(&effect);
                }
            }
            Purpose::Notification {
                channel,
                notification,
                tries,
            } => {
                // Channels give up after a while; a query or the bill tells us then.
                if tries < 4 {
                    let at = self.now + SignedDuration::from_secs(15 << tries);
                    let knock = Happening::Knock {
                        channel,
                        notification,
                        tries: tries + 1,
                    };
                    self.agenda.add(at, knock);
                }
            }
            // The bill is read again another day.
            Purpose::BillLine | Purpose::EngineWork => {}
        }
    }
}
