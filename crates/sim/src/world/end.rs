//! The end of the day: everything is healed, everything comes to rest, and the books are compared.

use super::World;
use crate::failure::{Broken, demand};
use crate::model::Told;
use crate::node::Node;
use domain::Request;
use domain::closing::TurnDay;
use engine::store::Scan;
use engine::{EffectRecord, Record, TimerRecord};
use jiff::{SignedDuration, Timestamp};

/// Settlement of what came in on the last day, and of what bounced meanwhile.
const DAYS_TURNED: u32 = 3;

/// Time between two steps while everything comes to rest, and at most while nothing moves.
const WAIT_MIN: SignedDuration = SignedDuration::from_millis(10);
const WAIT_MAX: SignedDuration = SignedDuration::from_secs(1);

impl World {
    pub(super) fn heal_and_end(&mut self) -> Result<(), Broken> {
        self.healed = true;
        self.store.heal();
        self.channel.heal();
        if self.store.is_crashed() {
            self.died();
        }
        for _ in 0..DAYS_TURNED {
            self.come_to_rest()?;
            self.clear_signals()?;
            self.come_to_rest()?;
            if self.known.is_set_up {
                self.fill_reserve(1_000)?;
            }
            let request = Request::TurnDay(TurnDay { to: None });
            self.request(super::business::operator(), request, false)?;
        }
        self.come_to_rest()?;
        self.clear_signals()?;
        self.come_to_rest()?;
        self.check_memory()?;
        self.promises.kept(self.queries.as_ref())?;
        if let Some(unheard) = self.requests.values().find(|request| !request.answered) {
            return Err(Broken::new(
                "every client gets an answer in the end",
                format!("{unheard:?}"),
            ));
        }
        self.model.end(self.channel.books(), Told::Asked)?;
        self.reconcile()?;
        self.come_to_rest()?;
        self.model.end(self.channel.books(), Told::Billed)?;
        self.check_memory()?;
        self.sum_up()
    }

    /// Works until nothing is left to do but to wait for nothing.
    fn come_to_rest(&mut self) -> Result<(), Broken> {
        let mut wait = WAIT_MIN;
        for _ in 0..self.options.healing_steps_max {
            self.step += 1;
            if self.node.is_none() {
                self.restart()?;
            }
            let before = (self.next_ticket, self.agenda.next());
            self.pass(WAIT_MIN);
            while self.agenda.next().is_some_and(|at| at <= self.now) {
                self.deliver_due()?;
            }
            self.fire_timers_once()?;
            self.attempt_effects()?;
            self.run_inbox()?;
            self.on_node(Node::seal)?;
            self.on_node(Node::write)?;
            self.on_node(Node::acknowledge)?;
            self.look()?;
            let idle = self.node.as_ref().is_some_and(Node::is_idle) && self.inbox.is_empty();
            if idle {
                match self.next_moment()? {
                    Some(at) if at > self.now => self.pass(at.duration_since(self.now)),
                    // Due, but on its way already, or not permitted yet.
                    Some(_) if before == (self.next_ticket, self.agenda.next()) => {
                        let next = self.agenda.next();
                        let free = next.map_or(wait, |at| at.duration_since(self.now));
                        self.pass(wait.min(free).max(SignedDuration::ZERO));
                        wait = WAIT_MAX.min(wait * 2);
                    }
                    Some(_) => wait = WAIT_MIN,
                    None => return Ok(()),
                }
            }
        }
        Err(Broken::new(
            "everything comes to rest",
            format!(
                "still moving after {} steps",
                self.options.healing_steps_max
            ),
        ))
    }

    /// The channel's bill is taken line by line: it tells what was neither answered nor notified.
    fn reconcile(&mut self) -> Result<(), Broken> {
        for (channel, line) in self.channel.books().bill() {
            self.take_bill_line(channel, line)?;
        }
        Ok(())
    }

    fn fire_timers_once(&mut self) -> Result<(), Broken> {
        // Only when nothing is waiting, or each round would submit them again.
        if self.tickets.is_empty() {
            return self.fire_timers();
        }
        Ok(())
    }

    /// When something happens next, here or at the channels.
    fn next_moment(&self) -> Result<Option<Timestamp>, Broken> {
        let mut next: Option<Timestamp> = self.agenda.next();
        for at in [
            self.channel.next_event(),
            self.first_due(EffectRecord::KIND)?,
            self.first_due(TimerRecord::KIND)?,
        ]
        .into_iter()
        .flatten()
        {
            next = Some(next.map_or(at, |known| known.min(at)));
        }
        Ok(next)
    }

    fn first_due(&self, kind: &str) -> Result<Option<Timestamp>, Broken> {
        let scan = Scan {
            kind: kind.to_owned(),
            index: "due".into(),
            from: String::new(),
            to: "~".into(),
            after: None,
            descending: false,
            limit: 1,
        };
        let found = self.queries.list(&scan)?;
        let Some(first) = found.first() else {
            return Ok(None);
        };
        let millisecond = first.value.parse().unwrap_or(0);
        let at = Timestamp::from_millisecond(millisecond)
            .map_err(|error| Broken::new("times can be read", error.to_string()))?;
        // The server's clock decides when it is due, and it may be behind or ahead.
        Ok(Some(at - self.skew))
    }

    fn sum_up(&mut self) -> Result<(), Broken> {
        let head = self.queries.head()?;
        let Some(head) = head else {
            return demand(false, "a run leaves a book", || "none".to_owned());
        };
        let books = self.channel.books();
        let paid = books
            .orders
            .values()
            .filter(|entry| matches!(entry.standing, crate::channel::OrderStanding::Paid { .. }));
        self.summary.orders = (books.orders.len() as u64, paid.count() as u64);
        self.summary.refunds = books.refunds.len() as u64;
        self.summary.payouts = books.payouts.len() as u64;
        self.summary.holds = self.model.holds_placed();
        self.summary.signals = self.model.signals_raised();
        self.summary.steps = self.step;
        self.summary.batches = head.batch_seq;
        self.summary.commands = head.journal_seq;
        self.summary.rows = head.ledger_seq;
        self.summary.head_hash = head.head_hash;
        Ok(())
    }
}
