//! Background work of a shard: effects and timers.

use crate::channel::ChannelPerformer;
use crate::state::Engine;
use engine::runtime::{Outbox, Permissions, Timers};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Running background work. When it is dropped, nothing more is begun; attempts under way go on as long
/// as the performer lets them.
#[derive(Debug)]
pub struct Workers {
    tasks: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts performing effects, at most `parallel` at a time, and firing timers. `fresh` comes
    /// from `engine::runtime::Running`.
    pub fn start(
        engine: &Engine,
        performer: ChannelPerformer,
        fresh: mpsc::UnboundedReceiver<Permissions>,
        parallel: usize,
        tick: Duration,
    ) -> Workers {
        let outbox = Outbox::new(engine.clone(), performer, parallel);
        let timers = Timers::new(engine.clone());
        Workers {
            tasks: vec![
                tokio::spawn(outbox.run(fresh, tick)),
                tokio::spawn(timers.run(tick)),
            ],
        }
    }
}

impl Workers {
    /// Whether a part of it ended by itself: nothing of that kind would be begun any more.
    pub fn has_ended(&self) -> bool {
        self.tasks.iter().any(JoinHandle::is_finished)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // What is interrupted counts as maybe sent and is asked after at the next start.
        for task in &self.tasks {
            task.abort();
        }
    }
}
