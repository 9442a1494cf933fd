//! A random business day: clients, channels, a server that crashes, and the judge.
//!
//! Time passes between steps; within a step nothing else happens. What is next is drawn from the
//! seed, so the same seed is the same day.

mod business;
mod delivery;
mod end;
mod faults;
mod ledger;
mod people;
mod request;

use crate::agenda::Agenda;
use crate::channel::{ExchangeId, Manners, SimChannel};
use crate::failure::{Broken, Failure, demand};
use crate::laws::{BookLaws, Promises};
use crate::model::Model;
use crate::node::{Node, Turn};
use crate::options::{Options, RunSummary};
use crate::rng::Rng;
use crate::store::SimStore;
use calendar::BusinessDate;
use channels::answer::Notification;
use channels::operation::{Channel, Operation};
use compliance::risk::RiskFigures;
use domain::risk::RiskSetting;
use domain::{Answer, Command, QingyuanApp, Settings};
use engine::shard::{Admitted, ShardOptions, Ticket};
use engine::store::{Queries, StoreFactory};
use engine::{Admission, AttemptMode, CacheLimits, EffectReport, ShardCode, Task, Vault};
use jiff::{SignedDuration, Timestamp};
use money::Money;
use request::{ClientRequest, Knowledge, RequestId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Longest time a payout request may still arrive, in seconds.
const ARRIVAL_BOUND_SECONDS: u32 = 600;

type QingyuanTask = Task<Command, Answer>;

/// Why a task was submitted, and so who hears of its outcome.
#[derive(Debug, Clone)]
enum Purpose {
    Request(RequestId),
    Report {
        effect: String,
    },
    Notification {
        channel: Channel,
        notification: Notification,
        tries: u32,
    },
    BillLine,
    EngineWork,
}

/// What is going to happen outside the process.
#[derive(Debug, Clone)]
enum Happening {
    /// A client asks, or asks again.
    Ask(RequestId),
    /// An attempt at a channel's operation has its result.
    Report {
        process: u64,
        effect: String,
        mode: AttemptMode,
        begun_at: Timestamp,
        operation: Box<Operation>,
        sent: Box<Operation>,
        exchange: ExchangeId,
    },
    /// An attempt at a delivery has its result.
    Delivered {
        process: u64,
        effect: String,
        mode: AttemptMode,
        begun_at: Timestamp,
        report: EffectReport<Answer>,
    },
    /// A channel's notification is at the door.
    Knock {
        channel: Channel,
        notification: Notification,
        tries: u32,
    },
    /// The machine is up again.
    Restart,
}

/// The world of one run.
pub(crate) struct World {
    options: Options,
    rng: Rng,
    step: u64,
    now: Timestamp,
    /// How wrong the server's clock is.
    skew: SignedDuration,
    store: SimStore,
    queries: Arc<dyn Queries>,
    app: Arc<QingyuanApp>,
    vault: Arc<Vault>,
    shard_options: ShardOptions,
    node: Option<Node<QingyuanApp>>,
    process: u64,
    channel: SimChannel,
    agenda: Agenda<Happening>,
    inbox: Vec<Admitted<QingyuanApp>>,
    tickets: BTreeMap<Ticket, Purpose>,
    next_ticket: Ticket,
    requests: BTreeMap<RequestId, ClientRequest>,
    next_request: RequestId,
    known: Knowledge,
    laws: BookLaws,
    promises: Promises,
    model: Model,
    summary: RunSummary,
    /// Chance of a store fault per batch and of a crash per step, per mille.
    store_faults: u32,
    crashes: u32,
    healed: bool,
}

/// Runs one seed to its end.
///
/// # Errors
/// The first law that did not hold.
pub fn run(seed: u64, options: &Options) -> Result<RunSummary, Failure> {
    let mut world = World::new(seed, options).map_err(|broken| broken.at(seed, 0))?;
    world.live().map_err(|broken| broken.at(seed, world.step))?;
    Ok(world.summary)
}

impl World {
    fn new(seed: u64, options: &Options) -> Result<World, Broken> {
        let mut rng = Rng::new(seed);
        let now: Timestamp =
            "2026-03-02T09:00:00+08:00"
                .parse()
                .map_err(|error: jiff::Error| {
                    Broken::new("the simulation is set up", error.to_string())
                })?;
        let manners = if options.faults {
            Manners::of_run(&mut rng, ARRIVAL_BOUND_SECONDS)
        } else {
            Manners::honest()
        };
        let store = SimStore::new();
        let figures = RiskFigures::load("signals.toml", include_str!("../signals.toml"))
            .map_err(|error| Broken::new("the simulation is set up", error.to_string()))?;
        // Where signs are looked for, most payouts are held; elsewhere they leave, which has its own dangers.
        let risk = match rng.chance(500) {
            true => RiskSetting::Own(Arc::new(figures)),
            false => RiskSetting::Off,
        };
        let settings = Settings {
            payout_approval_above: Money::cny(20_000),
            payout_approval_above_per_day: Money::cny(60_000),
            payout_arrival_bound_seconds: ARRIVAL_BOUND_SECONDS,
            order_arrival_bound_seconds: ARRIVAL_BOUND_SECONDS,
            refund_arrival_bound_seconds: ARRIVAL_BOUND_SECONDS,
            risk,
            ..Settings::sample()
        };
        let vault = Vault::new(&[7; 32])
            .map_err(|error| Broken::new("the simulation is set up", error.to_string()))?;
        let (store_faults, crashes) = if options.faults {
            let often = |rng: &mut Rng| u32::try_from(rng.between(0, 120)).unwrap_or(0);
            (often(&mut rng), often(&mut rng) / 6)
        } else {
            (0, 0)
        };
        Ok(World {
            options: options.clone(),
            step: 0,
            now,
            skew: SignedDuration::ZERO,
            queries: store.queries()?,
            store,
            app: Arc::new(
                QingyuanApp::with_embedded_rules(settings)
                    .map_err(|error| Broken::new("the simulation is set up", error.to_string()))?,
            ),
            vault: Arc::new(vault),
            shard_options: shard_options(&mut rng),
            node: None,
            process: 0,
            channel: SimChannel::new(Rng::new(rng.bits()), manners, now),
            agenda: Agenda::default(),
            inbox: Vec::new(),
            tickets: BTreeMap::new(),
            next_ticket: 1,
            requests: BTreeMap::new(),
            next_request: 1,
            known: Knowledge::default(),
            laws: BookLaws::default(),
            promises: Promises::default(),
            model: Model::default(),
            summary: RunSummary {
                seed,
                ..RunSummary::default()
            },
            store_faults,
            crashes,
            healed: false,
            rng,
        })
    }

    fn live(&mut self) -> Result<(), Broken> {
        self.restart()?;
        while self.step < self.options.steps {
            self.step += 1;
            let pause = self.rng.between(0, 1_500);
            self.pass(SignedDuration::from_millis(pause));
            self.act()?;
            self.look()?;
        }
        self.heal_and_end()
    }

    /// The server's clock.
    fn clock(&self) -> Timestamp {
        let time = self.now + self.skew;
        Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
    }

    /// Lets time pass, at the channels too.
    fn pass(&mut self, span: SignedDuration) {
        self.now += span;
        self.channel.advance(self.now);
        for (channel, notification) in self.channel.take_notifications() {
            let tries = 0;
            self.agenda.add(
                self.now,
                Happening::Knock {
                    channel,
                    notification,
                    tries,
                },
            );
        }
    }

    /// One step of the day.
    fn act(&mut self) -> Result<(), Broken> {
        match self.rng.below(100) {
            0..18 => self.new_business(),
            18..42 => self.deliver_due(),
            42..52 => self.run_inbox(),
            52..58 => self.attempt_effects(),
            58..62 => self.fire_timers(),
            62..72 => self.on_node(Node::seal),
            72..83 => self.write_batch(),
            83..92 => self.on_node(Node::acknowledge),
            92 => self.idle_work(),
            93..96 => self.wait_long(),
            96 => self.read_fault(),
            _ => self.maybe_crash(),
        }
    }

    /// Does one step of the process, if there is one.
    fn on_node(
        &mut self,
        step: impl FnOnce(&mut Node<QingyuanApp>) -> Turn<QingyuanApp>,
    ) -> Result<(), Broken> {
        let Some(node) = &mut self.node else {
            return Ok(());
        };
        if !node.is_up() {
            node.reopen();
            return Ok(());
        }
        let turn = step(node);
        self.take(turn)
    }

    fn run_inbox(&mut self) -> Result<(), Broken> {
        let tasks = std::mem::take(&mut self.inbox);
        if tasks.is_empty() {
            return Ok(());
        }
        match &mut self.node {
            Some(node) => {
                let turn = node.run(tasks);
                self.take(turn)
            }
            None => Ok(()),
        }
    }

    /// Accepts a task at the door of the process.
    fn submit(&mut self, task: QingyuanTask, purpose: Purpose) -> Result<(), Broken> {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.tickets.insert(ticket, purpose);
        if self.node.is_none() {
            return self.unanswered(ticket);
        }
        let admission = Admission {
            now: self.clock(),
            seed: self.rng.seed(),
        };
        self.inbox.push((ticket, task, admission));
        Ok(())
    }

    /// What the process brought, to those who wait for it.
    fn take(&mut self, turn: Turn<QingyuanApp>) -> Result<(), Broken> {
        for (ticket, outcome) in turn.outcomes {
            self.outcome(ticket, outcome)?;
        }
        for ticket in turn.unavailable {
            self.summary.store_faults += 1;
            self.unanswered(ticket)?;
        }
        demand(turn.set_aside.is_empty(), "no command is set aside", || {
            format!("tickets {:?}", turn.set_aside)
        })?;
        if turn.died {
            self.died();
        }
        Ok(())
    }

    /// Looks at what became durable and compares it with the model.
    fn look(&mut self) -> Result<(), Broken> {
        let rows = self.laws.observe(self.queries.as_ref())?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in &rows {
            self.model.journal(row)?;
        }
        self.model.check(
            &self.store,
            self.queries.as_ref(),
            &self.laws,
            self.channel.books(),
        )?;
        // Merchants show their payers what they were told, and no earlier.
        for order in self.model.orders_shown() {
            self.channel.show(&order);
        }
        Ok(())
    }
}

fn shard_options(rng: &mut Rng) -> ShardOptions {
    // A memory so small that rows come and go all the time.
    let size = |rng: &mut Rng| match rng.below(3) {
        0 => 1,
        1 => rng.index(40) + 1,
        _ => 10_000,
    };
    ShardOptions {
        shard: ShardCode::FIRST,
        // Some days behind the clock, so that days can be turned and settled money leaves while things go wrong.
        first_business_date: BusinessDate::new(2026, 2, 25).unwrap_or(BusinessDate::MIN),
        limits: CacheLimits {
            accounts: size(rng),
            records: size(rng),
            transfer_ids: size(rng),
        },
        sweep_min: rng.below(4) + 1,
    }
}
