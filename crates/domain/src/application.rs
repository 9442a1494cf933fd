//! The domain as the engine sees it.

use crate::chart::SetUp;
use crate::command::{BillLine, Command, Due, Fact, Request};
use crate::context::{Context, Settings};
use crate::effect::{Answer, Effect, Subject};
use crate::payment::Source;
use crate::regulation::{Rulebooks, RulesError};
use crate::rejection::{Refusable, Rejection};
use crate::reply::{self, Reply};
use crate::risk::RiskSetting;
use crate::rule_packs::{self, RuleLibrary};
use crate::{
    approval, authorise, case, chart, clearing, closing, declare, launch, merchant, payment,
    payout, refund, reserve, risk, settlement, signing_key, split,
};
use crate::{transfer, webhook};
use channels::answer::{Answer as Statement, OrderState, PayoutState, RefundState};
use channels::operation::Channel;
use compliance::Packs;
use compliance::risk::{EMBEDDED_FIGURES, RiskFigures};
use engine::{
    Actor, Application, ApprovalRule, EffectNews, EffectRecord, Fingerprint, Interrupt, Keys, Stop,
    Tx,
};
use jiff::Timestamp;
use std::sync::Arc;

/// Qingyuan's business on top of the engine.
#[derive(Debug, Clone)]
pub struct QingyuanApp {
    settings: Settings,
    rules: Arc<Rulebooks>,
    risk: Option<Arc<RiskFigures>>,
}

impl QingyuanApp {
    /// With the institution's settings; a book that it begins is begun under these rules.
    ///
    /// # Errors
    /// Facts of the institution that the vocabulary does not know, figures of signs that cannot be used.
    pub fn new(settings: Settings, packs: Arc<Packs>) -> Result<QingyuanApp, RulesError> {
        let rules = Arc::new(Rulebooks::new(packs, &settings.institution)?);
        let risk = match &settings.risk {
            RiskSetting::Embedded => {
                let (name, text) = EMBEDDED_FIGURES;
                Some(Arc::new(RiskFigures::load(name, text)?))
            }
            RiskSetting::Own(figures) => Some(Arc::clone(figures)),
            RiskSetting::Off => None,
        };
        Ok(QingyuanApp {
            settings,
            rules,
            risk,
        })
    }

    /// With these settings, under the rules that come with the program.
    ///
    /// # Errors
    /// A pack or a fact of the institution that cannot be used.
    pub fn with_embedded_rules(settings: Settings) -> Result<QingyuanApp, RulesError> {
        QingyuanApp::new(settings, RuleLibrary::embedded()?)
    }

    /// The sample institution under the rules that come with the program, for trying and for tests.
    ///
    /// # Errors
    /// A pack that cannot be used.
    pub fn sample() -> Result<QingyuanApp, RulesError> {
        QingyuanApp::with_embedded_rules(Settings::sample())
    }

    /// The packs it was started with: a book that it begins is begun with them.
    pub fn packs(&self) -> &Arc<Packs> {
        self.library().own()
    }

    /// The sets of packs that it knows.
    pub fn library(&self) -> &Arc<RuleLibrary> {
        self.rules.library()
    }

    /// The command that sets up a book under the packs it was started with.
    pub fn set_up(&self) -> SetUp {
        SetUp {
            packs: rule_packs::given(self.packs()),
            ..SetUp::default()
        }
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

impl Application for QingyuanApp {
    type Command = Command;
    type Reply = Reply;
    type Rejection = Rejection;
    type Effect = Effect;
    type Answer = Answer;

    fn declare(&self, command: &Command, keys: &mut Keys) {
        declare::declare(command, keys);
    }

    fn stamp(&self, command: &mut Command, fingerprint: &dyn Fn(&str) -> Option<Fingerprint>) {
        let Command::Request(request) = command else {
            return;
        };
        let account = match request {
            Request::CreateMerchant(command) => &mut command.settlement_account,
            Request::UpdateMerchant(command) => &mut command.settlement_account,
            Request::CreatePayout(command) => &mut command.payee,
            _ => return,
        };
        if let Some(account) = account {
            account.fingerprint = fingerprint(&account.vault_id);
        }
    }

    fn authorise(&self, actor: &Actor, command: &Command) -> Result<(), Rejection> {
        authorise::authorise(actor, command)
    }

    fn needs_approval(
        &self,
        actor: &Actor,
        command: &Command,
        tx: &mut Tx<'_>,
    ) -> Result<Option<ApprovalRule>, Interrupt> {
        approval::needed(&self.settings, actor, command, tx)
    }

    fn execute(
        &self,
        actor: &Actor,
        command: &Command,
        tx: &mut Tx<'_>,
    ) -> Result<Reply, Stop<Rejection>> {
        let mut cx = Context {
            tx,
            settings: &self.settings,
            rules: &self.rules,
            risk: self.risk.as_deref(),
            actor,
        };
        match command {
            Command::Request(request) => answer_request(&mut cx, request),
            Command::Fact(fact) => take_fact(&mut cx, fact)
                .map(|()| Reply::Taken)
                .map_err(Stop::from),
        }
    }

    fn effect_news(
        &self,
        record: &EffectRecord,
        effect: &Effect,
        news: EffectNews,
        answer: Option<&Answer>,
        asked_at: Timestamp,
        tx: &mut Tx<'_>,
    ) -> Result<(), Interrupt> {
        let actor = Actor::system();
        let cx = &mut Context {
            tx,
            settings: &self.settings,
            rules: &self.rules,
            risk: self.risk.as_deref(),
            actor: &actor,
        };
        match effect {
            Effect::Webhook { event, .. } => webhook::effect_news(cx, record, event, news, answer),
            Effect::Channel {
                channel,
                operation,
                subject,
            } => match subject {
                Subject::Payment { payment } => {
                    let answer = answer.map(|answer| (answer, asked_at));
                    payment::effect_news(cx, record, (*channel, operation), payment, news, answer)
                }
                Subject::Refund { refund } => {
                    refund::effect_news(cx, record, *channel, refund, news, answer)
                }
                Subject::Payout { payout } => {
                    payout::effect_news(cx, record, *channel, payout, news, answer)
                }
            },
        }
    }
}

fn answer_request(cx: &mut Context<'_, '_>, request: &Request) -> Refusable<Reply> {
    Ok(match request {
        Request::SetUp(command) => Reply::Chart(chart::set_up(cx, command)?),
        Request::StoreRules(command) => reply::rule_set(rule_packs::store(cx, command)?),
        Request::ActivateRules(command) => {
            reply::rule_activation(rule_packs::activate(cx, command)?)
        }
        Request::CreateMerchant(command) => reply::merchant(merchant::create(cx, command)?),
        Request::UpdateMerchant(command) => {
            reply::merchant((merchant::update(cx, command)?, false))
        }
        Request::SetMerchantStatus(command) => {
            reply::merchant((merchant::set_status(cx, command)?, false))
        }
        Request::AddSigningKey(command) => reply::signing_key(signing_key::add(cx, command)?),
        Request::RevokeSigningKey(command) => {
            reply::signing_key((signing_key::revoke(cx, command)?, false))
        }
        Request::SetWebhook(command) => Reply::WebhookEndpoint(webhook::set(cx, command)?),
        Request::ResendWebhook(command) => Reply::Delivery(webhook::resend(cx, command)?),
        Request::CreatePayment(command) => reply::payment(payment::create(cx, command)?),
        Request::ClosePayment(command) => reply::payment((payment::close(cx, command)?, false)),
        Request::QueryPayment(command) => reply::payment((payment::query(cx, command)?, false)),
        Request::AcceptUnderpayment(command) => {
            reply::payment((payment::accept_underpayment(cx, command)?, false))
        }
        Request::ExecuteSplit(command) => reply::split(split::execute(cx, command)?),
        Request::CreateRefund(command) => reply::refund(refund::create(cx, command)?),
        Request::ResolveRefund(command) => reply::refund((refund::resolve(cx, command)?, false)),
        Request::CreatePayout(command) => reply::payout(payout::create(cx, command)?),
        Request::CancelPayout(command) => reply::payout((payout::cancel(cx, command)?, false)),
        Request::ResolvePayout(command) => reply::payout((payout::resolve(cx, command)?, false)),
        Request::ReturnPayout(command) => reply::payout((payout::bounce(cx, command)?, false)),
        Request::TurnDay(command) => Reply::DayClose(closing::turn_day(cx, command)?),
        Request::ResumeSettlement(_) => {
            settlement::start(cx.tx)?;
            Reply::Taken
        }
        Request::ConfirmClearing(command) => reply::clearing(clearing::confirm(cx, command)?),
        Request::AdjustDifference(command) => Reply::Case(clearing::adjust(cx, command)?),
        Request::OpenCase(command) => Reply::Case(case::open_by_request(cx, command)?),
        Request::AssignCase(command) => Reply::Case(case::assign(cx, command)?),
        Request::ExplainCase(command) => Reply::Case(case::explain(cx, command)?),
        Request::CloseCase(command) => Reply::Case(case::close(cx, command)?),
        Request::DecideSignal(command) => Reply::RiskSignal(risk::decide(cx, command)?),
        Request::ProposeLaunch(command) => reply::launch(launch::propose(cx, command)?),
        Request::ApproveLaunch(command) => reply::launch((launch::approve(cx, command)?, false)),
        Request::OpenAccounts(command) => Reply::Accounts(transfer::open(cx, command)?),
        Request::CloseAccount(command) => Reply::Account(transfer::close(cx, command)?),
        Request::PostTransfers(command) => Reply::Transfers(transfer::post(cx, command)?),
        Request::PlaceHold(command) => reply::hold((transfer::place(cx, command)?, false)),
        Request::CaptureHold(command) => reply::hold(transfer::capture(cx, command)?),
        Request::ReleaseHold(command) => reply::hold((transfer::release(cx, command)?, false)),
        Request::ReverseTransfer(command) => Reply::Reversal(transfer::reverse(cx, command)?),
    })
}

fn take_fact(cx: &mut Context<'_, '_>, fact: &Fact) -> Result<(), Interrupt> {
    match fact {
        Fact::Notified {
            channel,
            notification,
        } => take_statement(cx, *channel, &notification.answer),
        Fact::BillLine { channel, line } => take_bill_line(cx, *channel, line),
        Fact::Due(Due::Payment { payment }) => payment::due(cx, payment),
        Fact::Due(Due::Payout { payout }) => payout::due(cx, payout),
        Fact::Due(Due::Reserve) => reserve::step(cx),
        Fact::Due(Due::RiskSweep) => risk::sweep(cx),
        Fact::Due(Due::HeldPayouts { merchant }) => risk::let_go(cx, merchant),
        Fact::Due(Due::Settlement) => settlement::step(cx),
        Fact::Due(Due::MerchantSettlement { merchant }) => settlement::settle_alone(cx, merchant),
        Fact::Due(Due::WaitingPayout { payout }) => reserve::look_alone(cx, payout),
        Fact::Due(Due::HeldPayout { payout }) => risk::let_go_alone(cx, payout),
    }
}

fn take_statement(
    cx: &mut Context<'_, '_>,
    channel: Channel,
    statement: &Statement,
) -> Result<(), Interrupt> {
    match statement {
        Statement::Order { order, state } => {
            payment::order_state(cx, channel, order, state, Source::Notification)
        }
        Statement::Refund { refund, state } => refund::state(cx, channel, refund, state),
        Statement::Payout { payout, state } => payout::state(cx, channel, payout, state),
        // Answers to questions, which no channel notifies.
        Statement::OrderCreated { .. }
        | Statement::BillLocation { .. }
        | Statement::NoBill
        | Statement::Bill { .. } => Ok(()),
    }
}

fn take_bill_line(
    cx: &mut Context<'_, '_>,
    channel: Channel,
    line: &BillLine,
) -> Result<(), Interrupt> {
    match line {
        BillLine::Payment {
            order,
            channel_number,
            amount,
            paid_at,
        } => {
            let channel_number = channel_number.clone();
            let state = OrderState::Paid {
                channel_number,
                amount: *amount,
                paid_at: *paid_at,
                instrument: None,
                payer: None,
            };
            payment::order_state(cx, channel, order, &state, Source::Bill)
        }
        BillLine::Refund {
            refund,
            channel_number,
            amount,
            refunded_at,
        } => {
            let channel_number = channel_number.clone();
            let state = RefundState::Succeeded {
                channel_number,
                amount: *amount,
                refunded_at: *refunded_at,
            };
            refund::state(cx, channel, refund, &state)
        }
        BillLine::Payout {
            payout,
            channel_number,
            amount,
            settle_date,
        } => {
            let channel_number = channel_number.clone();
            let state = PayoutState::Succeeded {
                channel_number,
                amount: *amount,
                settle_date: settle_date.clone(),
            };
            payout::state(cx, channel, payout, &state)
        }
    }
}
