//! Clearing with channels: their money arrives in the reserve; differences are taken where they belong.

mod command;
mod posting;
mod record;

pub use command::{AdjustDifference, AdjustmentAccount, ConfirmClearing, Unsettled};
pub use record::{Adjustment, Clearing};

use crate::authorise::is_system;
use crate::booking::{self, minus};
use crate::case::{self, Case, CaseKind, CaseStatus, Finding};
use crate::chart::{self, Chart};
use crate::closing::{self, Figure};
use crate::context::Context;
use crate::merchant;
use crate::payment::{Payment, PaymentStatus};
use crate::rejection::{Code, Refusable, Rejection, broken};
use crate::reserve;
use crate::settlement::{self, Item};
use crate::text;
use calendar::{BusinessDate, shanghai_date};
use engine::{Actor, Interrupt, Stop, Tx};
use ledger::AccountId;
use money::Money;
use std::sync::Arc;

/// Largest amount of a confirmation or an adjustment, minor units: ten trillion yuan.
pub const AMOUNT_MAX: i64 = 1_000_000_000_000_000;

/// How old a clearing date may be that a person names.
const CLEARING_AGE_MAX_DAYS: i32 = 400;

/// Books that a channel paid over what its bill says.
pub(crate) fn confirm(
    cx: &mut Context<'_, '_>,
    command: &ConfirmClearing,
) -> Refusable<(Arc<Clearing>, bool)> {
    if let Some(known) = known(cx.tx, cx.actor, command)? {
        return Ok((known, true));
    }
    let channel = command.channel;
    let key = Clearing::key_of(channel, command.clearing_date);
    let chart = chart::of(cx.tx)?;
    let taken = minus(command.gross, command.refunds)?;
    let net = minus(taken, command.channel_fee)?;
    let zero = Money::zero(chart.currency);
    let out = net.checked_neg().map_err(broken)?;
    let fee_back = command.channel_fee.checked_neg().map_err(broken)?;
    let positive = |amount: Money| if amount.is_positive() { amount } else { zero };
    let unsettled = command.unsettled.as_ref().map_or(zero, |rest| rest.amount);
    let undeducted = unsettled.checked_neg().map_err(broken)?;
    let legs = [
        posting::received(&chart, channel, positive(net)),
        posting::paid(&chart, channel, positive(out)),
        posting::cost(&chart, channel, positive(command.channel_fee)),
        posting::cost_returned(&chart, channel, positive(fee_back)),
        posting::unsettled(&chart, channel, positive(unsettled)),
        posting::undeducted(&chart, channel, positive(undeducted)),
    ];
    booking::post(cx.tx, &legs, &key)?;
    reserve::wake(cx.tx)?;
    let costs = (Figure::ChannelCosts, Some(command.channel_fee));
    closing::count(cx.tx, &[(Figure::ClearingReceived, Some(net)), costs])?;
    let rest = command.unsettled.as_ref();
    let case = rest.map(|rest| open_case(cx, command, rest)).transpose()?;
    cx.tx.put(Clearing {
        key: key.clone(),
        channel,
        clearing_date: command.clearing_date,
        gross: command.gross,
        refunds: command.refunds,
        channel_fee: command.channel_fee,
        unsettled: rest.map(|rest| rest.amount),
        case,
        net,
        bill_hash: command.bill_hash.clone(),
        created_at: cx.tx.now(),
        business_date: cx.tx.business_date(),
    })?;
    Ok((cx.tx.expect(&key)?, false))
}

/// What the channel does not settle stands in the differences until people say who bears it.
fn open_case(
    cx: &mut Context<'_, '_>,
    command: &ConfirmClearing,
    rest: &Unsettled,
) -> Result<String, Interrupt> {
    let place = format!(
        "{}/{}/unsettled",
        command.clearing_date.to_yyyymmdd(),
        text::channel_name(command.channel)
    );
    let size = rest.amount.checked_abs().map_err(broken)?;
    let compared = if rest.amount.is_negative() {
        "more"
    } else {
        "less"
    };
    let reason = format!(
        "the channel settles {size} {compared} than {} orders and refunds of its bill are about, the first is \
         {:.64}: it stands in the differences. A coupon that the merchant pays for is the merchant's to bear",
        rest.lines, rest.first
    );
    let finding = Finding {
        kind: CaseKind::Reconciliation,
        object: &place,
        merchant: None,
        reason,
        amount: Some(rest.turnover),
    };
    case::open(cx.tx, finding)
}

/// Whether a confirmation books money, and neither repeats what was done nor is refused.
pub(crate) fn books(
    tx: &mut Tx<'_>,
    actor: &Actor,
    command: &ConfirmClearing,
) -> Result<bool, Interrupt> {
    match known(tx, actor, command) {
        Ok(known) => Ok(known.is_none()),
        Err(Stop::Refused(_)) => Ok(false),
        Err(Stop::Interrupted(interrupt)) => Err(interrupt),
    }
}

/// The clearing that is the same; none if it may be booked.
fn known(
    tx: &mut Tx<'_>,
    actor: &Actor,
    command: &ConfirmClearing,
) -> Refusable<Option<Arc<Clearing>>> {
    let key = Clearing::key_of(command.channel, command.clearing_date);
    if let Some(known) = tx.get::<Clearing>(&key)? {
        return match differing_field(&known, command) {
            Some(field) => {
                Err(Rejection::already_exists("clearing of this channel and date", field).into())
            }
            None => Ok(Some(known)),
        };
    }
    let chart = chart::of(tx)?;
    check(command, &chart)?;
    if !is_system(actor) {
        check_date(command.clearing_date, shanghai_date(tx.now()))?;
    }
    Ok(None)
}

/// What a person may say a channel paid over: a date is cleared once, so that one written down wrongly
/// keeps the bill of that date out for ever.
fn check_date(date: BusinessDate, today: BusinessDate) -> Result<(), Rejection> {
    let problem = if date > today {
        format!("{date} is not over: today is {today}")
    } else if date.days_until(today) > CLEARING_AGE_MAX_DAYS {
        format!("{date} is more than {CLEARING_AGE_MAX_DAYS} days before today, {today}")
    } else {
        return Ok(());
    };
    Err(Rejection::field("clearing_date", problem))
}

fn check(command: &ConfirmClearing, chart: &Chart) -> Result<(), Rejection> {
    for (field, amount) in [
        ("gross", command.gross),
        ("refunds", command.refunds),
        ("channel_fee", command.channel_fee),
    ] {
        if amount.currency() != chart.currency {
            return Err(Rejection::field(
                field,
                format!("{field} must be in {}", chart.currency),
            ));
        }
        // The channel's charge is below nothing on a day with more refunds than payments.
        if amount.is_negative() && field != "channel_fee" {
            return Err(Rejection::field(
                field,
                format!("{field} must not be below zero"),
            ));
        }
        if amount
            .amount()
            .checked_abs()
            .is_none_or(|size| size > AMOUNT_MAX)
        {
            return Err(Rejection::field(
                field,
                format!("{field} is beyond every bill: at most {AMOUNT_MAX} minor units"),
            ));
        }
    }
    if let Some(rest) = &command.unsettled {
        let sized = |amount: Money| {
            let size = amount.amount().checked_abs();
            amount.currency() == chart.currency && size.is_some_and(|size| size <= AMOUNT_MAX)
        };
        if !sized(rest.amount) || !sized(rest.turnover) || rest.turnover.is_negative() {
            let problem = format!("unsettled must be amounts in {}", chart.currency);
            return Err(Rejection::field("unsettled", problem));
        }
    }
    let hash = &command.bill_hash;
    if hash.len() < 32 || hash.len() > 128 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Rejection::field(
            "bill_hash",
            "bill_hash must be 32 to 128 hexadecimal digits",
        ));
    }
    Ok(())
}

fn differing_field(known: &Clearing, command: &ConfirmClearing) -> Option<&'static str> {
    [
        ("bill_hash", known.bill_hash == command.bill_hash),
        ("gross", known.gross == command.gross),
        ("refunds", known.refunds == command.refunds),
        ("channel_fee", known.channel_fee == command.channel_fee),
        (
            "unsettled",
            known.unsettled == command.unsettled.as_ref().map(|rest| rest.amount),
        ),
    ]
    .into_iter()
    .find_map(|(field, same)| (!same).then_some(field))
}

/// Takes a difference where it belongs; one side is always DIF or SUS.
pub(crate) fn adjust(cx: &mut Context<'_, '_>, command: &AdjustDifference) -> Refusable<Arc<Case>> {
    text::number("adjustment_number", &command.adjustment_number)?;
    let mut case = (*case::named(cx.tx, &command.case)?).clone();
    let key = Adjustment::key_of(&command.case, &command.adjustment_number);
    if let Some(known) = cx.tx.get::<Adjustment>(&key)? {
        return match differing_side(&known, command) {
            Some(field) => Err(Rejection::already_exists("adjustment", field).into()),
            None => Ok(Arc::new(case)),
        };
    }
    check_case(cx.tx, &case)?;
    let is_open_item = |account: &AdjustmentAccount| {
        matches!(
            account,
            AdjustmentAccount::Differences | AdjustmentAccount::Suspense
        )
    };
    if !is_open_item(&command.debit) && !is_open_item(&command.credit) {
        return Err(Rejection::field("debit", "one side must be differences or suspense").into());
    }
    let chart = chart::of(cx.tx)?;
    let adjusted = adjusted_by(&case, command.amount, &chart)?;
    if command.credit == AdjustmentAccount::Reserve {
        let free = reserve::free(cx.tx)?;
        if command.amount.amount() > free.amount() {
            let problem = Rejection::insufficient("amount", command.amount, free);
            let message = format!(
                "the reserve is set aside for payouts that were sent: {}",
                problem.message
            );
            return Err(Rejection { message, ..problem }.into());
        }
    }
    let debit = account(cx, &chart, &command.debit)?;
    let credit = account(cx, &chart, &command.credit)?;
    booking::post(
        cx.tx,
        &[posting::adjusted(debit, credit, command.amount)],
        &case.id,
    )?;
    reserve::wake(cx.tx)?;
    let less = command.amount.checked_neg().map_err(broken)?;
    for (side, amount) in [(&command.debit, less), (&command.credit, command.amount)] {
        if let AdjustmentAccount::Merchant(id) = side {
            let merchant = merchant::named(cx.tx, id)?;
            settlement::add(cx, &merchant, &[(Item::Adjustment, amount)])?;
        }
    }
    cx.tx.put(Adjustment {
        key,
        debit: command.debit.clone(),
        credit: command.credit.clone(),
        amount: command.amount,
        proposed_by: cx.actor.principal.to_string(),
        created_at: cx.tx.now(),
        business_date: cx.tx.business_date(),
    })?;
    case.status = CaseStatus::Adjusted;
    case.adjusted = Some(adjusted);
    Ok(case::save(cx.tx, case)?)
}

/// Whether a case may be adjusted: its reason is known, and its money was not given away otherwise.
fn check_case(tx: &mut Tx<'_>, case: &Case) -> Refusable<()> {
    let problem = match case.status {
        CaseStatus::Open => "explain the case before you adjust it",
        CaseStatus::Closed => "the case is closed",
        CaseStatus::Explained | CaseStatus::Adjusted if is_accepted(tx, case)? => {
            "the payment was accepted: the merchant has what the case is about"
        }
        CaseStatus::Explained | CaseStatus::Adjusted => return Ok(()),
    };
    Err(Rejection::state(problem).at("case").into())
}

/// Whether the case is about a payment of too little that people accepted.
fn is_accepted(tx: &mut Tx<'_>, case: &Case) -> Result<bool, Interrupt> {
    if case.kind != CaseKind::Underpaid {
        return Ok(false);
    }
    let payment = tx.get::<Payment>(&case.object)?;
    Ok(payment.is_some_and(|payment| payment.status == PaymentStatus::Succeeded))
}

fn differing_side(known: &Adjustment, command: &AdjustDifference) -> Option<&'static str> {
    [
        ("debit", known.debit == command.debit),
        ("credit", known.credit == command.credit),
        ("amount", known.amount == command.amount),
    ]
    .into_iter()
    .find_map(|(field, same)| (!same).then_some(field))
}

/// What of a case is adjusted with this amount: never more than the case is about, where it says an amount.
/// One without an amount (people may open such) has no limit but that of a single adjustment: the two
/// people of each adjustment answer for it.
fn adjusted_by(case: &Case, amount: Money, chart: &Chart) -> Result<Money, Rejection> {
    let currency = chart.currency;
    if amount.currency() != currency || !(1..=AMOUNT_MAX).contains(&amount.amount()) {
        let message = format!("the amount must be 1 to {AMOUNT_MAX} minor units of {currency}");
        return Err(Rejection::field("amount", message));
    }
    let before = case.adjusted.map_or(0, |adjusted| adjusted.amount());
    let adjusted = before
        .checked_add(amount.amount())
        .ok_or_else(|| Rejection::field("amount", "too much was adjusted in this case"))?;
    let limit = case.amount.filter(|limit| limit.currency() == currency);
    if let Some(limit) = limit
        && adjusted.unsigned_abs() > limit.amount().unsigned_abs()
    {
        let message =
            format!("the case is about {limit}, of which {before} minor units are adjusted");
        return Err(Rejection::new(Code::LimitExceeded, message).at("amount"));
    }
    Ok(Money::new(adjusted, currency))
}

fn account(
    cx: &mut Context<'_, '_>,
    chart: &Chart,
    account: &AdjustmentAccount,
) -> Refusable<AccountId> {
    Ok(match account {
        AdjustmentAccount::Differences => chart.differences,
        AdjustmentAccount::Suspense => chart.suspense,
        AdjustmentAccount::FeeIncome => chart.fee_income,
        AdjustmentAccount::OwnMoney => chart.own_money,
        AdjustmentAccount::Reserve => chart.reserve,
        AdjustmentAccount::Receivable(channel) => chart.channel(*channel).receivable,
        AdjustmentAccount::Cost(channel) => chart.channel(*channel).cost,
        AdjustmentAccount::Merchant(id) => merchant::named(cx.tx, id)?.accounts.payable,
    })
}
