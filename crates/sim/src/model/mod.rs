//! A slow and simple model of the business, built from what is durable and from the channel's books.
//!
//! It knows no batches, no caches and no state machines: it folds the journal into lists of facts and
//! adds them up from the beginning each time.

mod balances;
mod client_ledger;
mod end;
mod records;
mod risk;
mod standing;

use crate::channel::{Books, RefundStanding};
use crate::failure::{Broken, demand};
use crate::laws::BookLaws;
use crate::store::SimStore;
use client_ledger::ClientLedger;
use domain::case::{Case, CaseStatus};
use domain::clearing::Clearing;
use domain::merchant::Merchant;
use domain::payment::{Payment, PaymentStatus};
use domain::payout::{Payout, PayoutStatus};
use domain::refund::{Refund, RefundOrigin, RefundStatus};
use domain::risk::{MerchantRisk, RiskSignal};
use domain::settlement::{Bucket, Settlement};
use domain::split::Split;
use domain::{Command, Reply};
pub(crate) use end::Told;
use engine::batch::JournalRow;
use engine::store::Queries;
use engine::{Record, SetAside};
use jiff::Timestamp;
use records::Kept;
use serde_json::Value;
use std::collections::BTreeMap;

/// Everything the model knows.
#[derive(Default)]
pub(crate) struct Model {
    merchants: Kept<Merchant>,
    payments: Kept<Payment>,
    refunds: Kept<Refund>,
    payouts: Kept<Payout>,
    splits: Kept<Split>,
    buckets: Kept<Bucket>,
    settlements: Kept<Settlement>,
    cases: Kept<Case>,
    clearings: Kept<Clearing>,
    risks: Kept<MerchantRisk>,
    signals: Kept<RiskSignal>,
    set_aside: Kept<SetAside>,
    /// Orders whose code became durable since it was last asked.
    newly_shown: Vec<String>,
    /// Changes of records taken in.
    changes_seen: usize,
    /// Natural number of an object to its id.
    numbers: BTreeMap<String, String>,
    clients: ClientLedger,
    /// Objects that the journal says were made.
    made: BTreeMap<String, &'static str>,
    /// The last standing seen of each object.
    seen: standing::Seen,
}

impl Model {
    /// Takes in a durable journal row.
    pub fn journal(&mut self, row: &JournalRow) -> Result<(), Broken> {
        let outcome: Value = parse(&row.outcome)?;
        let Some(done) = outcome.get("done") else {
            return Ok(());
        };
        let reply: Reply = serde_json::from_value(done.clone()).map_err(unreadable)?;
        let form: Value = parse(&row.command)?;
        if let Some(command) = form.get("command") {
            let command: Command = serde_json::from_value(command.clone()).map_err(unreadable)?;
            self.clients.command(&command, &reply)?;
        }
        self.reply(&reply)
    }

    /// A number is given to one object for ever.
    fn reply(&mut self, reply: &Reply) -> Result<(), Broken> {
        let (kind, number, id, repeated) = match reply {
            Reply::Merchant { merchant, repeated } => {
                let number = merchant.external_number.clone();
                ("merchant", number, merchant.id.clone(), *repeated)
            }
            Reply::Payment { payment, repeated } => {
                let number = format!("{}/{}", payment.merchant, payment.order_number);
                ("payment", number, payment.id.clone(), *repeated)
            }
            Reply::Refund { refund, repeated } => {
                let number = format!("{}/{}", refund.merchant, refund.refund_number);
                ("refund", number, refund.id.clone(), *repeated)
            }
            Reply::Payout { payout, repeated } => {
                let number = format!("{}/{}", payout.merchant, payout.payout_number);
                ("payout", number, payout.id.clone(), *repeated)
            }
            Reply::Split { split, repeated } => {
                ("split", split.payment.clone(), split.id.clone(), *repeated)
            }
            _ => return Ok(()),
        };
        let number = format!("{kind} {number}");
        let law = "a number is given to one object for ever";
        match self.numbers.get(&number) {
            Some(known) => demand(*known == id, law, || {
                format!("{number} is {known} and now {id}")
            })?,
            None => {
                // A planned split is made with its payment and answers nobody.
                let may_exist = kind == "split";
                demand(!repeated || may_exist, law, || {
                    format!("{number} ({id}) is said to be repeated but nobody made it")
                })?;
                self.numbers.insert(number, id.clone());
            }
        }
        self.made.insert(id, kind);
        Ok(())
    }

    /// Everything that must hold after every batch.
    pub fn check(
        &mut self,
        store: &SimStore,
        queries: &dyn Queries,
        laws: &BookLaws,
        books: &Books,
    ) -> Result<(), Broken> {
        self.load(store, queries)?;
        let broken = self.set_aside.all().next();
        demand(broken.is_none(), "no command is set aside", || {
            format!("{broken:?}")
        })?;
        self.made_exist()?;
        self.check_standing(books)?;
        self.check_risk(books)?;
        self.check_balances(laws)?;
        self.clients.check(laws)
    }

    fn load(&mut self, store: &SimStore, queries: &dyn Queries) -> Result<(), Broken> {
        let changes = store.changes(self.changes_seen);
        self.changes_seen += changes.len();
        for (kind, key) in changes {
            match kind {
                Merchant::KIND => self.merchants.load(queries, &key)?,
                Payment::KIND => {
                    let had_code = |model: &Model| {
                        let payment = model.payments.get(&key);
                        payment.is_some_and(|payment| payment.code_url.is_some())
                    };
                    let before = had_code(self);
                    self.payments.load(queries, &key)?;
                    if !before && had_code(self) {
                        self.newly_shown.push(records::reference(&key).to_owned());
                    }
                }
                Refund::KIND => self.refunds.load(queries, &key)?,
                Payout::KIND => self.payouts.load(queries, &key)?,
                Split::KIND => self.splits.load(queries, &key)?,
                Bucket::KIND => self.buckets.load(queries, &key)?,
                Settlement::KIND => self.settlements.load(queries, &key)?,
                Clearing::KIND => self.clearings.load(queries, &key)?,
                MerchantRisk::KIND => self.risks.load(queries, &key)?,
                RiskSignal::KIND => self.signals.load(queries, &key)?,
                Case::KIND => self.cases.load(queries, &key)?,
                SetAside::KIND => self.set_aside.load(queries, &key)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn made_exist(&self) -> Result<(), Broken> {
        for (id, kind) in &self.made {
            let exists = match *kind {
                "merchant" => self.merchants.get(id).is_some(),
                "payment" => self.payments.get(id).is_some(),
                "refund" => self.refunds.get(id).is_some(),
                "payout" => self.payouts.get(id).is_some(),
                _ => self.splits.get(id).is_some(),
            };
            demand(exists, "what was acknowledged exists", || {
                format!("{kind} {id} is gone")
            })?;
        }
        Ok(())
    }

    /// Orders whose code the merchant has.
    pub fn orders_shown(&mut self) -> Vec<String> {
        std::mem::take(&mut self.newly_shown)
    }

    /// Payments that still can be refunded: payment, merchant, what is left.
    pub fn refundable(&self) -> Vec<(String, String, i64)> {
        self.payments
            .all()
            .filter(|payment| payment.status == PaymentStatus::Succeeded)
            .map(|payment| {
                let left = payment.amount.amount() - payment.refunded.amount();
                (payment.id.clone(), payment.merchant.clone(), left)
            })
            .filter(|(_, _, left)| *left > 0)
            .collect()
    }

    /// What the model thinks a merchant is owed.
    pub fn payable(&self, merchant: &str) -> i64 {
        self.expected_payable(merchant)
    }

    /// Payouts a person can decide by the channel's final word, and whether they were paid. What the
    /// channel does not know is asked about again only after everything under way has arrived.
    pub fn decidable_payouts(&self, books: &Books, now: Timestamp) -> Vec<(String, bool)> {
        use crate::channel::PayoutStanding::{Failed, Processing, Succeeded};
        let stopped = self.payouts.all().filter(|payout| {
            matches!(
                payout.status,
                PayoutStatus::Stranded | PayoutStatus::Cancelling
            )
        });
        stopped
            .filter_map(|payout| {
                let waited = now.duration_since(payout.updated_at).as_secs() >= 3_600;
                let reference = records::reference(&payout.id);
                let paid = match books.payouts.get(reference).map(|entry| entry.standing) {
                    Some(Processing) => return None,
                    Some(Succeeded) => true,
                    Some(Failed) => false,
                    None if waited => false,
                    None => return None,
                };
                Some((payout.id.clone(), paid))
            })
            .collect()
    }

    /// Refunds a person has to decide because the channel has no way left.
    pub fn decidable_refunds(&self, books: &Books) -> Vec<String> {
        let stands = |refund: &Refund| {
            let entry = books.refunds.get(records::reference(&refund.id));
            entry.map(|entry| entry.standing)
        };
        self.refunds
            .all()
            .filter(|refund| match refund.status {
                RefundStatus::Abnormal => stands(refund) == Some(RefundStanding::Abnormal),
                // The refund of a late success that came to nothing.
                RefundStatus::Stranded => {
                    refund.origin == RefundOrigin::LateSuccess
                        && stands(refund) == Some(RefundStanding::Closed)
                }
                _ => false,
            })
            .map(|refund| refund.id.clone())
            .collect()
    }

    /// Payouts that people may stop.
    pub fn cancellable_payouts(&self) -> Vec<String> {
        use PayoutStatus::{Created, Held, Unknown, WaitingForReserve};
        self.payouts
            .all()
            .filter(|payout| matches!(payout.status, Held | WaitingForReserve | Created | Unknown))
            .map(|payout| payout.id.clone())
            .collect()
    }

    /// Payouts whose money left.
    pub fn paid_payouts(&self) -> Vec<String> {
        self.payouts
            .all()
            .filter(|payout| payout.status == PayoutStatus::Succeeded)
            .map(|payout| payout.id.clone())
            .collect()
    }

    /// Cases that are not closed.
    pub fn open_cases(&self) -> Vec<String> {
        self.cases
            .all()
            .filter(|case| case.status != CaseStatus::Closed)
            .map(|case| case.id.clone())
            .collect()
    }
}

fn parse(text: &str) -> Result<Value, Broken> {
    serde_json::from_str(text).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> Broken {
    Broken::new("the journal can be read", error.to_string())
}
