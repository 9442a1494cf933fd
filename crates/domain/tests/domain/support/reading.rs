//! What a book shows: records, accounts, effects, cases.

use super::Book;
use channels::operation::Operation;
use domain::Effect;
use domain::case::{Case, CaseKind};
use domain::chart::Chart;
use domain::merchant::Merchant;
use domain::payment::Payment;
use domain::payout::Payout;
use domain::refund::Refund;
use domain::settlement::Settlement;
use engine::store::{Queries, Scan};
use engine::{EffectRecord, Record};
use ledger::AccountId;

impl Book {
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

    /// Debits less credits over every account; zero in a sound book.
    pub fn trial_balance(&mut self) -> i128 {
        let mut total = ledger::TrialBalance::default();
        for id in 1..=self.shard.head().last_account {
            total.add(&self.shard.account(AccountId(id)).unwrap().unwrap());
        }
        total.difference()
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

    /// What has left a merchant's balance for refunds that have not come to their end.
    pub fn refunds_in_transit(&mut self, merchant: &str) -> i64 {
        let account = self.merchant(merchant).accounts.refund_in_transit;
        self.balance(account)
    }

    /// The same for its payouts.
    pub fn payouts_in_transit(&mut self, merchant: &str) -> i64 {
        let account = self.merchant(merchant).accounts.payout_in_transit;
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

    /// Oldest first.
    pub fn settlements_of(&self, merchant: &str) -> Vec<Settlement> {
        self.list("merchant", &format!("{merchant}/"), &format!("{merchant}0"))
    }

    /// Oldest first.
    pub fn payouts_of(&self, merchant: &str) -> Vec<Payout> {
        self.list("merchant", &format!("{merchant}/"), &format!("{merchant}0"))
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

    pub fn cases(&self) -> Vec<Case> {
        self.list("open", "", "~")
    }

    /// Kinds of the open cases, in the order of their opening.
    pub fn case_kinds(&self) -> Vec<CaseKind> {
        self.cases().into_iter().map(|case| case.kind).collect()
    }
}
