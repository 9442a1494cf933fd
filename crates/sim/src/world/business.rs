//! What people want on a business day.

use super::World;
use super::request::{Asked, KnownMerchant};
use crate::failure::Broken;
use calendar::SettlementCycle;
use channels::operation::Channel;
use domain::Request;
use domain::case::{CloseCase, ExplainCase};
use domain::clearing::ConfirmClearing;
use domain::closing::{ResumeSettlement, TurnDay};
use domain::merchant::{
    AccountOwner, BankAccount, CreateMerchant, LateSuccess, MerchantStatus, Profile,
    SetMerchantStatus,
};
use domain::payment::{ClosePayment, CreatePayment, QueryPayment};
use domain::payout::{CancelPayout, CreatePayout, ResolvePayout, ResolvedPayout, ReturnPayout};
use domain::refund::{CreateRefund, ResolveRefund, ResolvedRefund};
use domain::risk::{DecideSignal, SignalDecision};
use domain::split::{ExecuteSplit, Receiver, ReceiverKind, Share, SplitPlan};
use domain::webhook::SetWebhook;
use engine::Actor;
use jiff::SignedDuration;
use money::{FeeSchedule, Money, Rate};
use std::collections::BTreeMap;

/// Merchants of a run.
const MERCHANTS_MAX: usize = 5;

pub(super) fn operator() -> Actor {
    Actor::new("usr_olga", "operator")
}

fn finance() -> Actor {
    Actor::new("usr_felix", "finance")
}

/// Has compared the bill with the books, so that no second person is needed.
fn reconciliation() -> Actor {
    Actor::new("reconciliation", "system")
}

impl World {
    pub(super) fn new_business(&mut self) -> Result<(), Broken> {
        if !self.known.is_set_up {
            let set_up = Request::SetUp(self.app.set_up());
            return self.request(operator(), set_up, false);
        }
        let merchants = self.known.merchants.len();
        // On some days payouts leave at once, while channels misbehave; on others they wait for the reserve.
        if merchants == 0 && self.rng.chance(400) {
            return self.fill_reserve(999);
        }
        if merchants < 2 || (merchants < MERCHANTS_MAX && self.rng.chance(60)) {
            return self.new_merchant();
        }
        match self.rng.below(100) {
            0..34 => self.pay(),
            34..38 => self.close_or_query(),
            38..52 => self.refund(),
            52..61 => self.pay_out(),
            61..64 => self.split_later(),
            64..67 => self.turn_day(),
            67..70 => self.change_merchant(),
            70..75 => self.decide_stranded(),
            75 => self.work_on_case(),
            76..79 => self.clearing(),
            79..82 => self.bill_line(),
            82 => self.decide_signal(),
            _ => self.ledger_business(),
        }
    }

    pub(super) fn request(
        &mut self,
        actor: Actor,
        request: Request,
        has_vault: bool,
    ) -> Result<(), Broken> {
        self.want(actor, Asked::Command(Box::new(request)), has_vault)
    }

    fn new_merchant(&mut self) -> Result<(), Broken> {
        let number = self.next_request;
        let rng = &mut self.rng;
        let rate = Rate::from_basis_points(u32::try_from(rng.between(0, 300)).unwrap_or(0));
        let (flat, min) = (rng.between(0, 10), rng.between(0, 20));
        let max = rng.chance(300).then_some(200);
        let fee_schedule = FeeSchedule::new(rate.unwrap_or(Rate::ZERO), flat, Some(min), max);
        let cycles = [
            SettlementCycle::CalendarDays(1),
            SettlementCycle::BusinessDays(1),
            SettlementCycle::BusinessDays(2),
        ];
        let share = match rng.below(3) {
            0 => 0,
            1 => 300_000,
            _ => 1_000_000,
        };
        let has_account = rng.chance(850);
        let settlement_account = has_account.then(bank_account);
        let late_success = if rng.chance(500) {
            LateSuccess::Refund
        } else {
            LateSuccess::Book
        };
        let command = CreateMerchant {
            group: None,
            external_number: format!("m{number}"),
            name: format!("Merchant {number}"),
            fee_schedule: fee_schedule.unwrap_or(FeeSchedule::FREE),
            refund_returns_fee: rng.chance(500),
            settlement_cycle: rng
                .pick(&cycles)
                .copied()
                .unwrap_or(SettlementCycle::BusinessDays(1)),
            automatic_payout: rng.chance(850),
            settlement_account,
            late_success,
            split_share_max: Rate::from_ppm(share).unwrap_or(Rate::ZERO),
            split_days_max: 30,
            profile: Profile::ordinary(),
        };
        self.request(operator(), Request::CreateMerchant(command), has_account)
    }

    fn some_merchant(&mut self) -> Option<KnownMerchant> {
        self.rng.pick(&self.known.merchants).cloned()
    }

    fn pay(&mut self) -> Result<(), Broken> {
        let Some(merchant) = self.some_merchant() else {
            return Ok(());
        };
        let number = self.next_request;
        let fen = match self.rng.below(10) {
            0..2 => self.rng.between(1, 20),
            2 => self.rng.between(20_000, 200_000),
            _ => self.rng.between(100, 20_000),
        };
        let life = self.rng.between(60, 5_400);
        let plans = merchant.splits && self.rng.chance(450);
        let split_plan = if plans {
            self.plan(&merchant.id, fen)
        } else {
            None
        };
        let command = CreatePayment {
            merchant: merchant.id.clone(),
            order_number: format!("o{number}"),
            amount: Money::cny(fen),
            channel: Channel::Wechat,
            description: "simulated goods".into(),
            source: None,
            expires_at: Some(self.clock() + SignedDuration::from_secs(life)),
            split_plan,
            metadata: BTreeMap::new(),
        };
        self.request(
            Actor::new(merchant.id, "merchant"),
            Request::CreatePayment(command),
            false,
        )
    }

    fn plan(&mut self, main: &str, fen: i64) -> Option<SplitPlan> {
        let others: Vec<String> = self
            .known
            .merchants
            .iter()
            .filter(|other| other.id != main)
            .map(|other| other.id.clone())
            .collect();
        let count = self.rng.index(others.len().min(3)) + 1;
        let start = self.rng.index(others.len());
        let receivers: Vec<Receiver> = others
            .iter()
            .cycle()
            .skip(start)
            .take(count.min(others.len()))
            .map(|merchant| {
                let share = if self.rng.chance(500) {
                    Share::Fixed(Money::cny(self.rng.between(1, (fen / 3).max(1))))
                } else {
                    let ppm = u32::try_from(self.rng.between(1, 333_333)).unwrap_or(1);
                    Share::Proportion(Rate::from_ppm(ppm).unwrap_or(Rate::ZERO))
                };
                Receiver {
                    merchant: merchant.clone(),
                    kind: ReceiverKind::Seller,
                    share,
                }
            })
            .collect();
        (!receivers.is_empty()).then_some(SplitPlan { receivers })
    }

    fn close_or_query(&mut self) -> Result<(), Broken> {
        let Some(payment) = self.rng.pick(&self.known.payments).cloned() else {
            return Ok(());
        };
        let actor = Actor::new(payment.merchant.clone(), "merchant");
        let (merchant, payment) = (payment.merchant, payment.id);
        let request = if self.rng.chance(600) {
            Request::ClosePayment(ClosePayment { merchant, payment })
        } else {
            Request::QueryPayment(QueryPayment { merchant, payment })
        };
        self.request(actor, request, false)
    }

    fn refund(&mut self) -> Result<(), Broken> {
        // Mostly payments that can be refunded, sometimes any.
        let candidates = if self.rng.chance(900) {
            self.model.refundable()
        } else {
            self.known
                .payments
                .iter()
                .map(|known| {
                    (
                        known.id.clone(),
                        known.merchant.clone(),
                        known.amount.amount(),
                    )
                })
                .collect()
        };
        let Some((payment, merchant, left)) = self.rng.pick(&candidates).cloned() else {
            return Ok(());
        };
        let fen = match self.rng.below(10) {
            0..4 => left,
            4 => left + self.rng.between(1, 100),
            _ => self.rng.between(1, left.max(1)),
        };
        let command = CreateRefund {
            merchant: merchant.clone(),
            payment,
            refund_number: format!("r{}", self.next_request),
            amount: Money::cny(fen.max(1)),
            reason: None,
        };
        let actor = Actor::new(merchant, "merchant");
        self.request(actor, Request::CreateRefund(command), false)
    }

    fn pay_out(&mut self) -> Result<(), Broken> {
        let Some(merchant) = self.some_merchant() else {
            return Ok(());
        };
        let balance = self.model.payable(&merchant.id);
        let fen = match self.rng.below(4) {
            0 => balance,
            1 => self.rng.between(1, 30_000),
            _ => self.rng.between(1, balance.max(1)),
        };
        // Mostly the account on file: another needs a second person.
        let own_payee = self.rng.chance(250);
        let command = CreatePayout {
            merchant: merchant.id.clone(),
            payout_number: format!("p{}", self.next_request),
            amount: Money::cny(fen.max(1)),
            purpose: "goods".into(),
            payee: own_payee.then(bank_account),
        };
        // Only the institution says whose an account is.
        let actor = if own_payee {
            operator()
        } else {
            Actor::new(merchant.id, "merchant")
        };
        self.request(actor, Request::CreatePayout(command), own_payee)
    }

    fn split_later(&mut self) -> Result<(), Broken> {
        let candidates = self.model.refundable();
        let Some((payment, merchant, amount)) = self.rng.pick(&candidates).cloned() else {
            return Ok(());
        };
        let Some(plan) = self.plan(&merchant, amount) else {
            return Ok(());
        };
        let actor = Actor::new(merchant.clone(), "merchant");
        let command = ExecuteSplit {
            merchant,
            payment,
            plan,
        };
        self.request(actor, Request::ExecuteSplit(command), false)
    }

    pub(super) fn turn_day(&mut self) -> Result<(), Broken> {
        let request = if self.rng.chance(100) {
            Request::ResumeSettlement(ResumeSettlement {})
        } else {
            Request::TurnDay(TurnDay { to: None })
        };
        self.request(operator(), request, false)
    }

    fn change_merchant(&mut self) -> Result<(), Broken> {
        let Some(merchant) = self.some_merchant() else {
            return Ok(());
        };
        if self.rng.chance(400) {
            let command = SetWebhook {
                merchant: merchant.id,
                url: "https://merchant.example/webhook".into(),
                secret_vault_id: "vlt_webhook".into(),
                enabled: self.rng.chance(900),
            };
            return self.request(operator(), Request::SetWebhook(command), false);
        }
        let status = match self.rng.below(12) {
            0 => MerchantStatus::Closed,
            1..3 => MerchantStatus::Suspended,
            _ => MerchantStatus::Active,
        };
        let command = SetMerchantStatus {
            merchant: merchant.id,
            status,
            reason: "simulated".into(),
        };
        self.request(operator(), Request::SetMerchantStatus(command), false)
    }

    /// People look at what is stranded, ask the channel, and say what they were told there. Sometimes
    /// the bank sends a paid payout back.
    fn decide_stranded(&mut self) -> Result<(), Broken> {
        let books = self.channel.books();
        let payouts = self.model.decidable_payouts(books, self.now);
        let refunds = self.model.decidable_refunds(books);
        let cancellable = self.model.cancellable_payouts();
        let evidence = "the channel's word in writing".to_owned();
        if self.rng.chance(250)
            && let Some(payout) = self.rng.pick(&cancellable).cloned()
        {
            let reason = "takes too long".to_owned();
            let command = CancelPayout { payout, reason };
            return self.request(finance(), Request::CancelPayout(command), false);
        }
        let request = if let Some((payout, paid)) = self.rng.pick(&payouts).cloned() {
            let outcome = if paid {
                ResolvedPayout::Paid
            } else {
                ResolvedPayout::NotPaid
            };
            Request::ResolvePayout(ResolvePayout {
                payout,
                outcome,
                evidence,
            })
        } else if let Some(refund) = self.rng.pick(&refunds).cloned() {
            let outcome = if self.rng.chance(500) {
                ResolvedRefund::PaidOtherwise
            } else {
                ResolvedRefund::NotPaid
            };
            Request::ResolveRefund(ResolveRefund {
                refund,
                outcome,
                evidence,
            })
        } else {
            let paid = self.model.paid_payouts();
            let Some(payout) = self.rng.pick(&paid).cloned() else {
                return Ok(());
            };
            Request::ReturnPayout(ReturnPayout { payout, evidence })
        };
        self.request(finance(), request, false)
    }

    /// The bank shows what the channel paid over for a date; now and then twice with other figures.
    fn clearing(&mut self) -> Result<(), Broken> {
        let days = i32::try_from(self.rng.below(30)).unwrap_or(0);
        let first = self.shard_options.first_business_date;
        let amounts = (self.rng.between(0, 300_000), self.rng.between(0, 20_000));
        let command = ConfirmClearing {
            channel: Channel::Wechat,
            clearing_date: first.plus_days(days),
            gross: Money::cny(amounts.0),
            refunds: Money::cny(amounts.1),
            channel_fee: Money::cny(self.rng.between(-20, 300)),
            unsettled: None,
            bill_hash: format!("{:040x}", self.next_request),
        };
        self.request(reconciliation(), Request::ConfirmClearing(command), false)
    }

    /// So much that no payout waits for the reserve any more.
    pub(super) fn fill_reserve(&mut self, clearing_day: i32) -> Result<(), Broken> {
        let command = ConfirmClearing {
            channel: Channel::Wechat,
            clearing_date: self
                .shard_options
                .first_business_date
                .plus_days(clearing_day),
            gross: Money::cny(1_000_000_000_000),
            refunds: Money::cny(0),
            channel_fee: Money::cny(0),
            unsettled: None,
            bill_hash: format!("{:040x}", self.next_request),
        };
        self.request(reconciliation(), Request::ConfirmClearing(command), false)
    }

    /// Somebody looks at a sign of risk.
    fn decide_signal(&mut self) -> Result<(), Broken> {
        let signals = self.model.open_signals();
        let Some(signal) = self.rng.pick(&signals).cloned() else {
            return Ok(());
        };
        let decision = if self.rng.chance(700) {
            SignalDecision::Clear
        } else {
            SignalDecision::Confirm
        };
        self.request(operator(), looked_at(signal, decision), false)
    }

    /// Every sign of risk turns out to be innocent.
    pub(super) fn clear_signals(&mut self) -> Result<(), Broken> {
        for signal in self.model.open_signals() {
            let request = looked_at(signal, SignalDecision::Clear);
            self.request(operator(), request, false)?;
        }
        Ok(())
    }

    fn work_on_case(&mut self) -> Result<(), Broken> {
        let cases = self.model.open_cases();
        let Some(case) = self.rng.pick(&cases).cloned() else {
            return Ok(());
        };
        let request = if self.rng.chance(600) {
            let explanation = "looked at it".into();
            Request::ExplainCase(ExplainCase { case, explanation })
        } else {
            let resolution = "done".into();
            Request::CloseCase(CloseCase { case, resolution })
        };
        self.request(finance(), request, false)
    }
}

fn looked_at(signal: String, decision: SignalDecision) -> Request {
    Request::DecideSignal(DecideSignal {
        signal,
        decision,
        reason: "looked at it".into(),
    })
}

fn bank_account() -> BankAccount {
    BankAccount {
        vault_id: "vlt_to_be_set".into(),
        masked: "622202*********4567".into(),
        fingerprint: None,
        owner: Some(AccountOwner::Merchant),
        documented: None,
        listed: None,
    }
}
