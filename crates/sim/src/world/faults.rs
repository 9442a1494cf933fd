//! What goes wrong with the server and its store.

use super::{Happening, Purpose, World};
use crate::failure::{Broken, demand};
use crate::node::Node;
use crate::store::{Fault, Planned};
use engine::Task;
use jiff::SignedDuration;

impl World {
    /// Writes the sealed batch; now and then the store fails while it does.
    pub(super) fn write_batch(&mut self) -> Result<(), Broken> {
        let can_write = self.node.as_ref().is_some_and(Node::can_write);
        if can_write && self.rng.chance(self.store_faults) {
            let fault = match self.rng.below(10) {
                0..2 => Fault::Fail,
                2 => Fault::Refuse,
                3..6 => Fault::LostAcknowledgement,
                _ => Fault::Crash {
                    survivors: self.rng.index(90),
                },
            };
            let at = self.store.points() + self.rng.below(70);
            self.store.plan(Planned { at, fault });
        }
        self.on_node(Node::write)
    }

    pub(super) fn read_fault(&mut self) -> Result<(), Broken> {
        if self.rng.chance(self.store_faults) {
            let count = u32::try_from(self.rng.between(1, 3)).unwrap_or(1);
            self.store.fail_reads(count);
        }
        Ok(())
    }

    pub(super) fn maybe_crash(&mut self) -> Result<(), Broken> {
        if self.node.is_some() && self.rng.chance(self.crashes * 10) {
            self.store.crash();
            self.died();
        }
        Ok(())
    }

    /// The process is dead: what it had not answered it never answers.
    pub(super) fn died(&mut self) {
        self.summary.crashes += 1;
        self.node = None;
        self.inbox.clear();
        for (_, purpose) in std::mem::take(&mut self.tickets) {
            self.never_answered(purpose);
        }
        let pause = self.rng.between(0, 20_000);
        let at = self.now + SignedDuration::from_millis(pause);
        self.agenda.add(at, Happening::Restart);
    }

    /// A new process takes over and has to find everything that was acknowledged.
    pub(super) fn restart(&mut self) -> Result<(), Broken> {
        if self.node.is_some() {
            return Ok(());
        }
        self.store.restart();
        self.process += 1;
        self.skew = SignedDuration::from_millis(self.rng.between(-2_000, 2_000));
        self.node = Some(Node::start(
            self.app.clone(),
            self.store.clone(),
            self.vault.clone(),
            self.shard_options.clone(),
        )?);
        self.look()?;
        self.promises.kept(self.queries.as_ref())?;
        self.check_memory()
    }

    /// Memory and store must tell the same whenever nothing waits to be written.
    pub(super) fn check_memory(&mut self) -> Result<(), Broken> {
        let Some(node) = &mut self.node else {
            return Ok(());
        };
        if node.is_in_step() {
            self.laws.memory(node)?;
        }
        self.laws.contents(self.queries.as_ref())?;
        self.laws.hold_records(self.queries.as_ref())
    }

    /// What a server does when it has nothing to do.
    pub(super) fn idle_work(&mut self) -> Result<(), Broken> {
        match self.rng.below(4) {
            0 => self.submit(Task::Housekeeping, Purpose::EngineWork),
            1 => {
                // Not always: looking at every account brings them all into memory.
                self.check_memory()
            }
            _ => {
                let count = self.rng.index(20) + 1;
                self.on_node(|node| node.sweep(count))
            }
        }
    }

    /// A long pause: to the next thing that happens, or for hours.
    pub(super) fn wait_long(&mut self) -> Result<(), Broken> {
        let seconds = match self.rng.below(12) {
            0 => self.rng.between(3_600, 20_000),
            1..4 => self.rng.between(60, 1_800),
            _ => self.rng.between(2, 30),
        };
        self.pass(SignedDuration::from_secs(seconds));
        demand(seconds > 0, "time goes on", || seconds.to_string())
    }
}
