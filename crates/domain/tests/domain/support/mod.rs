//! A book in a temporary directory, driven command by command with a clock of its own.

mod damage;

use calendar::{BusinessDate, SettlementCycle};
use channels::answer::{
    Answer as Statement, Notification, OrderState, PayoutState, RefundState, Refusal,
};
use channels::operation::{Channel, Operation};
use compliance::{EMBEDDED, Packs};
use domain::chart::{Chart, SetUp};
use domain::clearing::ConfirmClearing;
use domain::merchant::{AccountOwner, BankAccount, CreateMerchant, LateSuccess, Merchant, Profile};
use domain::payment::{CreatePayment, Payment};
use domain::payout::Payout;
use domain::refund::{CreateRefund, Refund};
use domain::split::SplitPlan;
use domain::{
    Answer, Command, Effect, Fact, QingyuanApp, Rejection, Reply, Request, Settings, reference_of,
};
use engine::store::sqlite::{SqliteStore, SqliteWriter};
use engine::store::{Queries, Scan, StoreWriter};
use engine::{
    Actor, Admission, AttemptMode, CacheLimits, EffectRecord, EffectReport, Envelope, Record,
    Shard, ShardCode, ShardOptions, Task, TimerRecord, Vault, Verdict, Work,
};
use jiff::{SignedDuration, Timestamp};
use ledger::AccountId;
use money::{FeeSchedule, Money, Rate};
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

pub fn bank_account() -> BankAccount {
    BankAccount {
        vault_id: "vlt_1".into(),
        masked: "622202******1234".into(),
        fingerprint: None,
        owner: Some(AccountOwner::Merchant),
        documented: None,
        listed: None,
    }
}

/// 0.6 %, T+1, automatic payout, fees given back, half may be split.
pub fn merchant_terms(number: &str) -> CreateMerchant {
    CreateMerchant {
        group: None,
        external_number: number.into(),
        name: "Test merchant".into(),
        fee_schedule: FeeSchedule::proportional(Rate::from_ppm(6_000).unwrap()),
        refund_returns_fee: true,
        settlement_cycle: SettlementCycle::BusinessDays(1),
        automatic_payout: true,
        settlement_account: Some(bank_account()),
        late_success: LateSuccess::Refund,
        split_share_max: Rate::from_ppm(500_000).unwrap(),
        split_days_max: 30,
        profile: Profile::ordinary(),
    }
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
        match self.submit(actor, Command::Request(request)) {
            Verdict::Done(reply) => Ok(reply),
            Verdict::Refused(rejection) => Err(rejection),
            other => panic!("neither done nor refused: {other:?}"),
        }
    }

    /// With a bank account to be sealed under an id.
    pub fn ask_sealing(
        &mut self,
        actor: &Actor,
        request: Request,
        id: &str,
        number: &str,
    ) -> Result<Reply, Rejection> {
        match self.submit_sealing(actor, request, id, number) {
            Verdict::Done(reply) => Ok(reply),
            Verdict::Refused(rejection) => Err(rejection),
            other => panic!("neither done nor refused: {other:?}"),
        }
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

    pub fn decide(&mut self, actor: &Actor, work: Work<Command>) -> Verdict<Reply, Rejection> {
        self.run(Task::Envelope(Envelope {
            actor: actor.clone(),
            work,
            idempotency: None,
            vault: Vec::new(),
        }))
    }

    /// Proposes as `finance` and approves as `checker`.
    pub fn ask_approved(&mut self, actor: &Actor, request: Request) -> Result<Reply, Rejection> {
        let Verdict::Proposed(proposal) = self.submit(actor, Command::Request(request)) else {
            panic!("the request should need a second person");
        };
        let work = Work::Decide {
            proposal,
            approve: true,
        };
        let envelope = Envelope {
            actor: checker(),
            work,
            idempotency: None,
            vault: Vec::new(),
        };
        match self.run(Task::Envelope(envelope)) {
            Verdict::Done(reply) => Ok(reply),
            Verdict::Refused(rejection) => Err(rejection),
            other => panic!("neither done nor refused: {other:?}"),
        }
    }

    pub fn fact(&mut self, fact: Fact) {
        let verdict = self.submit(&Actor::system(), Command::Fact(fact));
        assert!(
            matches!(verdict, Verdict::Done(Reply::Taken)),
            "a fact was not taken: {verdict:?}"
        );
    }

    pub fn notify(&mut self, channel: Channel, answer: Statement) {
        let notification = Notification {
            id: "n".into(),
            answer,
        };
        self.fact(Fact::Notified {
            channel,
            notification,
        });
    }

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

    pub fn record<R: Record>(&self, key: &str) -> Option<R> {
        let body = self
            .store
            .queries()
            .unwrap()
            .record(R::KIND, key)
            .unwrap()?;
        Some(serde_json::from_slice(&body).unwrap())
    }

    pub fn list<R: Record>(&self, index: &str, from: &str, to: &str) -> Vec<R> {
        let scan = Scan {
            kind: R::KIND.into(),
            index: index.into(),
            from: from.into(),
            to: to.into(),
            after: None,
            descending: false,
            limit: 1_000,
        };
        let found = self.store.queries().unwrap().list(&scan).unwrap();
        found
            .iter()
            .map(|row| serde_json::from_slice(&row.body).unwrap())
            .collect()
    }

    pub fn all<R: Record>(&self) -> Vec<R> {
        let rows = self
            .store
            .queries()
            .unwrap()
            .records_after(R::KIND, "", 100_000)
            .unwrap();
        rows.iter()
            .map(|row| serde_json::from_slice(&row.1).unwrap())
            .collect()
    }

    /// Balance of an account on its normal side.
    pub fn balance(&mut self, account: AccountId) -> i64 {
        self.shard.account(account).unwrap().unwrap().balance()
    }

    pub fn chart(&self) -> Chart {
        self.record(Chart::KEY).unwrap()
    }

    pub fn merchant(&self, id: &str) -> Merchant {
        self.record(id).unwrap()
    }

    pub fn payable(&mut self, merchant: &str) -> i64 {
        let account = self.merchant(merchant).accounts.payable;
        self.balance(account)
    }

    pub fn payment(&self, id: &str) -> Payment {
        self.record(id).unwrap()
    }

    pub fn refund(&self, id: &str) -> Refund {
        self.record(id).unwrap()
    }

    pub fn payout(&self, id: &str) -> Payout {
        self.record(id).unwrap()
    }

    /// Debits less credits over every account; zero in a sound book.
    pub fn trial_balance(&mut self) -> i128 {
        let mut total = ledger::TrialBalance::default();
        for id in 1..=self.shard.head().last_account {
            total.add(&self.shard.account(AccountId(id)).unwrap().unwrap());
        }
        total.difference()
    }

    /// Effects that are neither done nor stranded, oldest first.
    pub fn open_effects(&self) -> Vec<EffectRecord> {
        let mut effects = self.list::<EffectRecord>("due", "", "~");
        effects.sort_by(|left, right| left.id.cmp(&right.id));
        effects
    }

    /// The newest open channel effect about an object.
    pub fn effect_about(&self, id: &str) -> (EffectRecord, Operation) {
        let about = |effect: &EffectRecord| {
            let Ok(Effect::Channel {
                operation, subject, ..
            }) = serde_json::from_value(effect.body.clone())
            else {
                return None;
            };
            serde_json::to_string(&subject)
                .unwrap()
                .contains(id)
                .then_some(operation)
        };
        let found = self
            .open_effects()
            .into_iter()
            .rev()
            .find_map(|e| about(&e).map(|operation| (e, operation)));
        found.unwrap_or_else(|| panic!("no open effect about {id}"))
    }

    pub fn report(&mut self, effect: &str, report: EffectReport<Answer>) {
        self.report_in(effect, AttemptMode::Send, report);
    }

    pub fn report_in(&mut self, effect: &str, mode: AttemptMode, report: EffectReport<Answer>) {
        self.report_of(effect, mode, self.now, report);
    }

    /// A report of an attempt that was begun earlier.
    pub fn report_of(
        &mut self,
        effect: &str,
        mode: AttemptMode,
        begun_at: Timestamp,
        report: EffectReport<Answer>,
    ) {
        let verdict = self.run(Task::Effect {
            id: effect.into(),
            mode,
            begun_at,
            report,
        });
        assert!(
            matches!(verdict, Verdict::Noted),
            "a report was not taken: {verdict:?}"
        );
    }

    /// Answers the newest open effect about an object with a statement of the channel.
    pub fn answer(&mut self, id: &str, statement: Statement) {
        self.answer_with(id, Answer::Channel(statement));
    }

    pub fn answer_with(&mut self, id: &str, answer: Answer) {
        let (effect, _) = self.effect_about(id);
        self.report(&effect.id, EffectReport::Answered { answer });
    }

    pub fn unknown(&mut self, id: &str) {
        let (effect, _) = self.effect_about(id);
        self.report(
            &effect.id,
            EffectReport::Unknown {
                reason: "time-out".into(),
            },
        );
    }

    pub fn open_merchant(&mut self, number: &str) -> String {
        self.open_merchant_with(merchant_terms(number))
    }

    pub fn open_merchant_with(&mut self, terms: CreateMerchant) -> String {
        match self
            .ask(&operator(), Request::CreateMerchant(terms))
            .unwrap()
        {
            Reply::Merchant { merchant, .. } => merchant.id.clone(),
            other => panic!("{other:?}"),
        }
    }

    pub fn order(&mut self, merchant: &str, number: &str, amount: i64) -> String {
        self.order_split(merchant, number, amount, None)
    }

    pub fn order_split(
        &mut self,
        merchant: &str,
        number: &str,
        amount: i64,
        plan: Option<SplitPlan>,
    ) -> String {
        let command = CreatePayment {
            split_plan: plan,
            ..order(merchant, number, amount)
        };
        match self
            .ask(&as_merchant(merchant), Request::CreatePayment(command))
            .unwrap()
        {
            Reply::Payment { payment, .. } => payment.id.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// An order that was registered and paid in full.
    pub fn paid(&mut self, merchant: &str, number: &str, amount: i64) -> String {
        let id = self.order(merchant, number, amount);
        self.register(&id);
        self.pay(&id, amount);
        id
    }

    pub fn register(&mut self, payment: &str) {
        self.answer(
            payment,
            Statement::OrderCreated {
                code_url: "weixin://wxpay/bizpayurl?pr=x".into(),
            },
        );
    }

    /// The channel notifies that the order was paid.
    pub fn pay(&mut self, payment: &str, amount: i64) {
        let statement = order_paid(payment, &format!("wx-{payment}"), amount, self.now);
        self.notify(Channel::Wechat, statement);
    }

    pub fn refund_request(
        &mut self,
        payment: &str,
        number: &str,
        amount: i64,
    ) -> Result<String, Rejection> {
        let merchant = self.payment(payment).merchant;
        let command = CreateRefund {
            merchant: merchant.clone(),
            payment: payment.into(),
            refund_number: number.into(),
            amount: fen(amount),
            reason: None,
        };
        match self.ask(&as_merchant(&merchant), Request::CreateRefund(command))? {
            Reply::Refund { refund, .. } => Ok(refund.id.clone()),
            other => panic!("{other:?}"),
        }
    }

    pub fn turn_day(&mut self) {
        self.ask(&operator(), Request::TurnDay(Default::default()))
            .unwrap();
        self.pass(86_400);
        self.fire_settlement();
    }

    /// A channel pays over: the reserve has so much more, and who waits for it is looked at.
    pub fn receive(&mut self, amount: i64) {
        self.pays_over(amount);
        self.release_payouts();
    }

    /// A channel pays over: the reserve has so much more.
    pub fn pays_over(&mut self, amount: i64) {
        self.receipts += 1;
        let command = ConfirmClearing {
            channel: Channel::Wechat,
            clearing_date: "2020-01-01"
                .parse::<BusinessDate>()
                .unwrap()
                .plus_days(self.receipts),
            gross: fen(amount),
            refunds: fen(0),
            channel_fee: fen(0),
            unsettled: None,
            bill_hash: "0123456789abcdef0123456789abcdef".into(),
        };
        self.ask(&Actor::system(), Request::ConfirmClearing(command))
            .unwrap();
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

    /// Only the settlement's own timer, so that payments stay as they are.
    pub fn fire_settlement(&mut self) {
        for _ in 0..1_000 {
            if self.record::<TimerRecord>("settlement").is_none() {
                return;
            }
            let verdict = self.run(Task::Timer {
                key: "settlement".into(),
            });
            assert!(
                matches!(verdict, Verdict::Done(_)),
                "settlement failed: {verdict:?}"
            );
        }
        panic!("settlement never ends");
    }

    pub fn cases(&self) -> Vec<domain::case::Case> {
        self.list("open", "", "~")
    }

    /// Kinds of the open cases, in the order of their opening.
    pub fn case_kinds(&self) -> Vec<domain::case::CaseKind> {
        self.cases().into_iter().map(|case| case.kind).collect()
    }
}

pub fn order(merchant: &str, number: &str, amount: i64) -> CreatePayment {
    CreatePayment {
        merchant: merchant.into(),
        order_number: number.into(),
        amount: fen(amount),
        channel: Channel::Wechat,
        description: "a book".into(),
        source: None,
        expires_at: None,
        split_plan: None,
        metadata: Default::default(),
    }
}

pub fn order_paid(
    payment: &str,
    channel_number: &str,
    amount: i64,
    paid_at: Timestamp,
) -> Statement {
    let state = OrderState::Paid {
        channel_number: channel_number.into(),
        amount: fen(amount),
        paid_at,
        instrument: None,
        payer: None,
    };
    Statement::Order {
        order: reference_of(payment),
        state,
    }
}

pub fn order_is(payment: &str, state: OrderState) -> Statement {
    Statement::Order {
        order: reference_of(payment),
        state,
    }
}

pub fn refund_done(refund: &str, amount: i64, refunded_at: Timestamp) -> Statement {
    let state = RefundState::Succeeded {
        channel_number: format!("wxr-{refund}"),
        amount: fen(amount),
        refunded_at,
    };
    refund_is(refund, state)
}

pub fn refund_is(refund: &str, state: RefundState) -> Statement {
    Statement::Refund {
        refund: reference_of(refund),
        state,
    }
}

pub fn payout_done(payout: &str, amount: i64) -> Statement {
    let state = PayoutState::Succeeded {
        channel_number: format!("upq-{payout}"),
        amount: fen(amount),
        settle_date: Some("0303".into()),
    };
    payout_is(payout, state)
}

pub fn payout_is(payout: &str, state: PayoutState) -> Statement {
    Statement::Payout {
        payout: reference_of(payout),
        state,
    }
}

pub fn refusal() -> Refusal {
    Refusal {
        code: "61".into(),
        message: "card number invalid".into(),
        later: false,
    }
}
