//! A book in a temporary directory, driven command by command with a clock of its own.

mod beginnings;
mod channel;
mod damage;
mod days;
mod decisions;
mod reading;
mod requests;
pub mod splits;
mod statements;

pub use beginnings::{ASKED, RECEIVED, SETTLED};
pub use decisions::{EXPLANATION, case_of};
pub use requests::{bank_account, merchant_terms, order, payout_command};
pub use statements::{
    order_is, order_paid, payout_done, payout_failed, payout_is, refund_done, refund_is, refusal,
};

use calendar::BusinessDate;
use compliance::{EMBEDDED, Packs};
use domain::chart::SetUp;
use domain::{Answer, Code, Command, QingyuanApp, Rejection, Reply, Request, Settings};
use engine::store::StoreWriter;
use engine::store::sqlite::{SqliteStore, SqliteWriter};
use engine::{
    Actor, Admission, CacheLimits, Envelope, Shard, ShardCode, ShardOptions, Task, Vault, Verdict,
    Work,
};
use jiff::{SignedDuration, Timestamp};
use money::Money;
use std::sync::Arc;

pub struct Book {
    app: Arc<QingyuanApp>,
    shard: Shard<QingyuanApp>,
    writer: SqliteWriter,
    store: SqliteStore,
    now: Timestamp,
    seed: u128,
    receipts: i32,
    /// Dropped last: the store's files are in it.
    directory: tempfile::TempDir,
}

pub fn fen(amount: i64) -> Money {
    Money::cny(amount)
}

pub fn operator() -> Actor {
    Actor::new("olga", "operator")
}

pub fn finance() -> Actor {
    Actor::new("fang", "finance")
}

pub fn checker() -> Actor {
    Actor::new("chen", "finance")
}

pub fn ledger_client() -> Actor {
    Actor::new("ledger-client", "ledger")
}

pub fn as_merchant(id: &str) -> Actor {
    Actor::new(id, "merchant")
}

/// Under rules in which a text is replaced by another.
pub fn app_with_rules(from: &str, to: &str, settings: Settings) -> QingyuanApp {
    let texts: Vec<(&str, String)> = EMBEDDED
        .iter()
        .map(|(name, text)| (*name, text.replace(from, to)))
        .collect();
    let changed = texts
        .iter()
        .zip(EMBEDDED)
        .filter(|(new, old)| new.1 != old.1);
    assert_eq!(changed.count(), 1, "a text of one pack is to be replaced");
    let texts: Vec<(&str, &str)> = texts
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    QingyuanApp::new(settings, Arc::new(Packs::load(&texts).unwrap())).unwrap()
}

/// First day of the book: a Monday.
pub fn first_day() -> BusinessDate {
    "2026-03-02".parse().unwrap()
}

/// Under the packs that come with the program.
pub fn set_up() -> SetUp {
    QingyuanApp::sample().unwrap().set_up()
}

fn open_shard(app: &Arc<QingyuanApp>, store: &SqliteStore) -> Shard<QingyuanApp> {
    let options = ShardOptions {
        shard: ShardCode::FIRST,
        first_business_date: first_day(),
        limits: CacheLimits::default(),
        sweep_min: 1_000,
    };
    let vault = Arc::new(Vault::new(&[7; 32]).unwrap());
    let reader = Box::new(store.reader().unwrap());
    Shard::open(Arc::clone(app), reader, vault, options).unwrap()
}

impl Book {
    pub fn new() -> Book {
        Book::under(QingyuanApp::sample().unwrap())
    }

    /// Under other rules or settings.
    pub fn under(app: QingyuanApp) -> Book {
        let set_up = app.set_up();
        let mut book = Book::open(app);
        book.ask(&operator(), Request::SetUp(set_up)).unwrap();
        book
    }

    pub fn without_chart() -> Book {
        Book::open(QingyuanApp::sample().unwrap())
    }

    fn open(app: QingyuanApp) -> Book {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(directory.path()).unwrap();
        let writer = store.writer().unwrap();
        let app = Arc::new(app);
        let shard = open_shard(&app, &store);
        let now = "2026-03-02T10:00:00+08:00".parse().unwrap();
        Book {
            app,
            shard,
            writer,
            store,
            now,
            seed: 1,
            receipts: 0,
            directory,
        }
    }

    pub fn now(&self) -> Timestamp {
        self.now
    }

    pub fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    fn run(&mut self, task: Task<Command, Answer>) -> Verdict<Reply, Rejection> {
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.now += SignedDuration::from_millis(1);
        let admission = Admission {
            now: self.now,
            seed: self.seed,
        };
        self.shard.run(vec![(1, task, admission)]).unwrap();
        let outcomes = match self.shard.seal().unwrap() {
            Some(batch) => {
                self.writer.commit(&batch).unwrap();
                self.shard.committed().outcomes
            }
            None => self.shard.take_unwritten(),
        };
        outcomes.into_iter().next().unwrap().1.result
    }

    pub fn submit(&mut self, actor: &Actor, command: Command) -> Verdict<Reply, Rejection> {
        self.run(Task::Envelope(Envelope::new(actor.clone(), command)))
    }

    pub fn ask(&mut self, actor: &Actor, request: Request) -> Result<Reply, Rejection> {
        answered(self.submit(actor, Command::Request(request)))
    }

    /// With a bank account to be sealed under an id.
    pub fn ask_sealing(
        &mut self,
        actor: &Actor,
        request: Request,
        id: &str,
        number: &str,
    ) -> Result<Reply, Rejection> {
        answered(self.submit_sealing(actor, request, id, number))
    }

    pub fn submit_sealing(
        &mut self,
        actor: &Actor,
        request: Request,
        id: &str,
        number: &str,
    ) -> Verdict<Reply, Rejection> {
        let mut envelope = Envelope::new(actor.clone(), Command::Request(request));
        envelope.vault.push(engine::VaultEntry {
            id: id.into(),
            clear_text: zeroize::Zeroizing::new(number.as_bytes().to_vec()),
        });
        self.run(Task::Envelope(envelope))
    }

    /// Of a request that needs a second person; answers its proposal.
    pub fn propose(&mut self, actor: &Actor, request: Request) -> String {
        match self.submit(actor, Command::Request(request)) {
            Verdict::Proposed(proposal) => proposal,
            other => panic!("the request should need a second person: {other:?}"),
        }
    }

    pub fn approve(&mut self, actor: &Actor, proposal: &str) -> Verdict<Reply, Rejection> {
        let work = Work::Decide {
            proposal: proposal.to_owned(),
            approve: true,
        };
        self.run(Task::Envelope(Envelope {
            actor: actor.clone(),
            work,
            idempotency: None,
            vault: Vec::new(),
        }))
    }

    /// Proposes as one and approves as [`checker`].
    pub fn ask_approved(&mut self, actor: &Actor, request: Request) -> Result<Reply, Rejection> {
        let proposal = self.propose(actor, request);
        answered(self.approve(&checker(), &proposal))
    }
}

fn answered(verdict: Verdict<Reply, Rejection>) -> Result<Reply, Rejection> {
    match verdict {
        Verdict::Done(reply) => Ok(reply),
        Verdict::Refused(rejection) => Err(rejection),
        other => panic!("neither done nor refused: {other:?}"),
    }
}

/// The refusal has this code and blames this field.
#[track_caller]
pub fn assert_refused(refused: &Rejection, code: Code, field: &str) {
    assert_eq!(
        (refused.code, refused.field.as_deref()),
        (code, Some(field)),
        "{refused:?}"
    );
}
