//! What the book and the channels' own books say when the days are over.

use super::day::DayLog;
use super::world::World;
use crate::connectors::{UNIONPAY_MERCHANT, WECHAT_MERCHANT};
use crate::failure::Failure;
use domain::case::{CaseKind, CloseCase, ExplainCase, OpenCase};
use domain::clearing::{AdjustDifference, AdjustmentAccount};
use domain::merchant::Merchant;
use domain::payment::Payment;
use domain::payout::Payout;
use domain::refund::Refund;
use domain::settlement::Settlement;
use domain::split::Split;
use domain::{Command, QingyuanApp, Rejection, Reply, Request};
use engine::store::Queries;
use engine::verify::VerifyReport;
use engine::{Actor, EffectRecord, EffectState, Envelope, Record, Verdict, Work};
use ledger::AccountId;
use money::Money;
use sandbox::wechat::RefundState;
use server::Engine;
use std::collections::BTreeMap;

/// Everything the checks and the report look at.
pub struct Facts {
    /// What was asked for.
    pub days: [DayLog; 2],
    /// Merchants in the order of their opening.
    pub merchants: Vec<Merchant>,
    /// All payments.
    pub payments: Vec<Payment>,
    /// All refunds.
    pub refunds: Vec<Refund>,
    /// All splits.
    pub splits: Vec<Split>,
    /// All payouts.
    pub payouts: Vec<Payout>,
    /// All settlements.
    pub settlements: Vec<Settlement>,
    /// Cases opened.
    pub cases: u64,
    /// Effects that are not done.
    pub open_effects: u64,
    /// Balance of every account by name, in fen on its normal side.
    pub balances: BTreeMap<String, i64>,
    /// Transfers in the ledger.
    pub transfers: u64,
    /// The channels' side.
    pub channels: ChannelBooks,
    /// Verification of the book.
    pub verification: VerifyReport,
}

/// Opens the internal accounts, under the packs that come with the program.
pub async fn set_up(engine: &Engine) -> Result<(), Failure> {
    let app = QingyuanApp::sample().map_err(Failure::other)?;
    let command = Command::Request(Request::SetUp(app.set_up()));
    let outcome = engine
        .submit(Envelope::new(Actor::new("demo", "operator"), command))
        .await?;
    match outcome.result {
        Verdict::Done(_) => Ok(()),
        other => Err(Failure::other(format!(
            "the books were not opened: {other:?}"
        ))),
    }
}

/// The institution pays own money into the reserve: a line that a bill lacks, or a channel that charges more than
/// merchants are charged, must not keep their payouts waiting. By two people, in two adjustments of one case.
pub async fn pay_in(engine: &Engine, amount: Money) -> Result<(), Failure> {
    let ask = |request| Work::Command(Command::Request(request));
    let opened = OpenCase {
        kind: CaseKind::Other,
        object: "reserve".into(),
        merchant: None,
        reason: "own money for the reserve".into(),
        amount: None,
    };
    let case = match done(engine, "fang", ask(Request::OpenCase(opened))).await? {
        Verdict::Done(Reply::Case(case)) => case.id.clone(),
        other => return Err(Failure::other(format!("no case was opened: {other:?}"))),
    };
    let explained = ExplainCase {
        case: case.clone(),
        explanation: "so that no payout waits for a line that a bill lacks".into(),
    };
    done(engine, "fang", ask(Request::ExplainCase(explained))).await?;
    for (number, debit, credit) in [
        (
            "in",
            AdjustmentAccount::Reserve,
            AdjustmentAccount::Differences,
        ),
        (
            "own",
            AdjustmentAccount::Differences,
            AdjustmentAccount::OwnMoney,
        ),
    ] {
        let adjustment = AdjustDifference {
            case: case.clone(),
            adjustment_number: number.into(),
            debit,
            credit,
            amount,
        };
        let proposed = done(engine, "fang", ask(Request::AdjustDifference(adjustment))).await?;
        let Verdict::Proposed(proposal) = proposed else {
            return Err(Failure::other(format!(
                "an adjustment needs a second person: {proposed:?}"
            )));
        };
        let approve = true;
        done(engine, "chen", Work::Decide { proposal, approve }).await?;
    }
    let closed = CloseCase {
        case,
        resolution: "paid in".into(),
    };
    done(engine, "fang", ask(Request::CloseCase(closed))).await?;
    Ok(())
}

async fn done(
    engine: &Engine,
    person: &str,
    work: Work<Command>,
) -> Result<Verdict<Reply, Rejection>, Failure> {
    let envelope = Envelope {
        actor: Actor::new(person, "finance"),
        work,
        idempotency: None,
        vault: Vec::new(),
    };
    match engine.submit(envelope).await?.result {
        verdict @ (Verdict::Done(_) | Verdict::Proposed(_) | Verdict::Noted) => Ok(verdict),
        other => Err(Failure::other(format!(
            "the reserve was not filled: {other:?}"
        ))),
    }
}

/// What the channels' own books say.
#[derive(Debug, Clone, Default)]
pub struct ChannelBooks {
    /// Orders paid, by our number, in fen.
    pub wechat_paid: BTreeMap<String, i64>,
    /// Refunds made, by our number, in fen.
    pub wechat_refunded: BTreeMap<String, i64>,
    /// Payouts made: count and fen.
    pub unionpay_paid: (u64, i64),
    /// Mishaps that struck, by name.
    pub mishaps: BTreeMap<String, u64>,
}

impl ChannelBooks {
    /// Asks both channels.
    pub fn of(world: &World) -> ChannelBooks {
        let mut books = ChannelBooks::default();
        world.sandbox.with_wechat(|core| {
            books.count(core.faults().struck());
            let Some(wechat) = core.books(WECHAT_MERCHANT) else {
                return;
            };
            for trade in wechat
                .trades
                .values()
                .filter(|trade| trade.payment().is_some())
            {
                books
                    .wechat_paid
                    .insert(trade.out_trade_no.clone(), trade.total_fen);
            }
            for refund in wechat.refunds.values() {
                if matches!(refund.state, RefundState::Succeeded { .. }) {
                    books
                        .wechat_refunded
                        .insert(refund.out_refund_no.clone(), refund.refund_fen);
                }
            }
        });
        world.sandbox.with_unionpay(|core| {
            books.count(core.faults().struck());
            let totals = core.totals(UNIONPAY_MERCHANT);
            books.unionpay_paid = (totals.count, totals.amount_fen);
        });
        books
    }

    fn count(&mut self, struck: &BTreeMap<&'static str, u64>) {
        for (name, count) in struck {
            *self.mishaps.entry((*name).to_owned()).or_default() += count;
        }
    }
}

impl Facts {
    /// Reads a book that nobody writes any more.
    pub fn collect(
        queries: &dyn Queries,
        channels: ChannelBooks,
        days: [DayLog; 2],
    ) -> Result<Facts, Failure> {
        let effects: Vec<EffectRecord> = all(queries)?;
        let cases: Vec<domain::case::Case> = all(queries)?;
        Ok(Facts {
            days,
            merchants: all(queries)?,
            payments: all(queries)?,
            refunds: all(queries)?,
            splits: all(queries)?,
            payouts: all(queries)?,
            settlements: all(queries)?,
            cases: cases.len() as u64,
            open_effects: effects
                .iter()
                .filter(|effect| effect.state != EffectState::Done)
                .count() as u64,
            balances: balances(queries)?,
            transfers: queries.head()?.map_or(0, |head| head.transfers),
            channels,
            verification: engine::verify::verify(queries, &mut |_, _| {})?,
        })
    }

    /// Balance of an account by name, in fen.
    pub fn balance(&self, name: &str) -> i64 {
        self.balances.get(name).copied().unwrap_or(0)
    }
}

/// Every record of a kind.
fn all<R: Record>(queries: &dyn Queries) -> Result<Vec<R>, Failure> {
    let mut records = Vec::new();
    let mut last = String::new();
    loop {
        let page = queries.records_after(R::KIND, &last, 1_000)?;
        let Some((key, _, _)) = page.last() else {
            return Ok(records);
        };
        last.clone_from(key);
        for (_, body, _) in &page {
            records.push(serde_json::from_slice(body).map_err(Failure::other)?);
        }
    }
}

fn balances(queries: &dyn Queries) -> Result<BTreeMap<String, i64>, Failure> {
    let mut balances = BTreeMap::new();
    let mut last = AccountId(0);
    loop {
        let page = queries.accounts_after(last, 1_000)?;
        let Some(end) = page.last() else {
            return Ok(balances);
        };
        last = end.id;
        for account in page {
            balances.insert(account.name, account.state.balance());
        }
    }
}

/// Names of the internal accounts, in the order of the chart.
pub fn internal_accounts() -> [&'static str; 9] {
    [
        "RSV",
        "CHN:wechat",
        "CHN:unionpay",
        "FEE",
        "COST:wechat",
        "COST:unionpay",
        "OWN",
        "DIF",
        "SUS",
    ]
}

/// Sum of amounts in fen.
pub fn sum(amounts: impl IntoIterator<Item = Money>) -> i64 {
    amounts.into_iter().map(|amount| amount.amount()).sum()
}
