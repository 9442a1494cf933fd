//! What merchants ask for, and who opens them.

use super::{Book, as_merchant, fen, operator};
use calendar::SettlementCycle;
use channels::operation::Channel;
use domain::merchant::{
    AccountOwner, BankAccount, CreateMerchant, LateSuccess, Merchant, MerchantStatus, Profile,
    SetMerchantStatus,
};
use domain::payment::{ClosePayment, CreatePayment, Payment};
use domain::payout::CreatePayout;
use domain::refund::CreateRefund;
use domain::split::SplitPlan;
use domain::webhook::SetWebhook;
use domain::{Rejection, Reply, Request};
use money::{FeeSchedule, Rate};

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

/// To the account on file.
pub fn payout_command(merchant: &str, number: &str, amount: i64) -> CreatePayout {
    CreatePayout {
        merchant: merchant.into(),
        payout_number: number.into(),
        amount: fen(amount),
        purpose: "goods".into(),
        payee: None,
    }
}

impl Book {
    pub fn open_merchant(&mut self, number: &str) -> String {
        self.open_merchant_with(merchant_terms(number))
    }

    /// A merchant whose settled money waits for requests.
    pub fn open_on_request(&mut self, number: &str) -> String {
        let mut terms = merchant_terms(number);
        terms.automatic_payout = false;
        self.open_merchant_with(terms)
    }

    pub fn open_merchant_with(&mut self, terms: CreateMerchant) -> String {
        self.create_merchant(terms).unwrap().0.id
    }

    /// Also whether it had been made earlier.
    pub fn create_merchant(
        &mut self,
        terms: CreateMerchant,
    ) -> Result<(Merchant, bool), Rejection> {
        match self.ask(&operator(), Request::CreateMerchant(terms))? {
            Reply::Merchant { merchant, repeated } => Ok(((*merchant).clone(), repeated)),
            other => panic!("{other:?}"),
        }
    }

    pub fn set_status(
        &mut self,
        merchant: &str,
        status: MerchantStatus,
    ) -> Result<Reply, Rejection> {
        let command = SetMerchantStatus {
            merchant: merchant.into(),
            status,
            reason: "looked into".into(),
        };
        self.ask(&operator(), Request::SetMerchantStatus(command))
    }

    pub fn set_webhook(&mut self, merchant: &str, url: &str) -> Result<Reply, Rejection> {
        let command = SetWebhook {
            merchant: merchant.into(),
            url: url.into(),
            secret_vault_id: "vlt_2".into(),
            enabled: true,
        };
        self.ask(&as_merchant(merchant), Request::SetWebhook(command))
    }

    pub fn order(&mut self, merchant: &str, number: &str, amount: i64) -> String {
        let command = order(merchant, number, amount);
        self.create_payment(command).unwrap().0.id
    }

    pub fn order_split(
        &mut self,
        merchant: &str,
        number: &str,
        amount: i64,
        plan: SplitPlan,
    ) -> String {
        let command = CreatePayment {
            split_plan: Some(plan),
            ..order(merchant, number, amount)
        };
        self.create_payment(command).unwrap().0.id
    }

    /// Also whether it had been made earlier.
    pub fn create_payment(&mut self, command: CreatePayment) -> Result<(Payment, bool), Rejection> {
        let merchant = as_merchant(&command.merchant);
        match self.ask(&merchant, Request::CreatePayment(command))? {
            Reply::Payment { payment, repeated } => Ok(((*payment).clone(), repeated)),
            other => panic!("{other:?}"),
        }
    }

    /// Asks as a merchant for the close of an order.
    pub fn close_order(&mut self, merchant: &str, payment: &str) -> Result<Reply, Rejection> {
        let command = ClosePayment {
            merchant: merchant.into(),
            payment: payment.into(),
        };
        self.ask(&as_merchant(merchant), Request::ClosePayment(command))
    }

    /// An order that was registered and paid in full.
    pub fn paid(&mut self, merchant: &str, number: &str, amount: i64) -> String {
        let id = self.order(merchant, number, amount);
        self.register(&id);
        self.pay(&id, amount);
        id
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

    pub fn payout_request(
        &mut self,
        merchant: &str,
        number: &str,
        amount: i64,
    ) -> Result<String, Rejection> {
        let command = payout_command(merchant, number, amount);
        match self.ask(&as_merchant(merchant), Request::CreatePayout(command))? {
            Reply::Payout { payout, .. } => Ok(payout.id.clone()),
            other => panic!("{other:?}"),
        }
    }
}
