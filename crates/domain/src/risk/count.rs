//! What is counted, and when the signs are read.

use super::{MerchantRisk, PayerActivity, payer, raise};
use crate::context::Context;
use crate::payment::{FundSource, Payment};
use calendar::{BusinessDate, shanghai_date, shanghai_datetime};
use channels::answer::Instrument;
use engine::{Interrupt, Tx};
use money::{Currency, Money};

/// The record of a merchant on a day; nothing if that day is over.
fn on(
    tx: &mut Tx<'_>,
    merchant: &str,
    day: BusinessDate,
) -> Result<Option<MerchantRisk>, Interrupt> {
    let known = tx.get::<MerchantRisk>(merchant)?;
    let risk = known.map_or_else(
        || MerchantRisk::new(merchant, day),
        |known| (*known).clone().on(day),
    );
    Ok((risk.day == day).then_some(risk))
}

/// A payment was booked to its merchant.
pub(crate) fn payment_booked(
    cx: &mut Context<'_, '_>,
    payment: &Payment,
    amount: Money,
) -> Result<(), Interrupt> {
    let (Some(figures), Some(paid)) = (cx.risk, &payment.paid) else {
        return Ok(());
    };
    // The figures are yuan.
    if amount.currency() != Currency::CNY {
        return Ok(());
    }
    let now = cx.tx.now();
    // The channel's clock may be ahead of ours.
    let at = paid.paid_at.min(now);
    let hour = match &paid.payer {
        Some(payer) => {
            let key = PayerActivity::key_of(payment.channel, payer);
            Some((&payer.mark, payer::count(cx.tx, key, at, amount)?))
        }
        None => None,
    };
    if let Some(mut risk) = on(cx.tx, &payment.merchant, shanghai_date(at))? {
        let fen = amount.amount();
        risk.payments = risk.payments.saturating_add(1);
        risk.amount = risk.amount.saturating_add(fen);
        let clock = shanghai_datetime(at);
        if figures.is_night(i64::from(clock.hour()) * 60 + i64::from(clock.minute())) {
            risk.night_amount = risk.night_amount.saturating_add(fen);
        }
        if figures.is_round(fen) {
            risk.round_payments = risk.round_payments.saturating_add(1);
        }
        let by_card = match paid.instrument {
            Some(instrument) => instrument == Instrument::CreditCard,
            None => payment.source == Some(FundSource::CreditCard),
        };
        if by_card {
            risk.credit_amount = risk.credit_amount.saturating_add(fen);
        }
        if let Some(payer) = &paid.payer {
            risk.add_payer(&payer.mark, fen);
        }
        risk.last_payment_at = Some(now);
        let seen = figures.merchant(&risk.counts(None));
        raise::all(cx, &mut risk, seen, None, &payment.id)?;
        cx.tx.put(risk)?;
    }
    let Some((mark, hour)) = hour else {
        return Ok(());
    };
    let seen = figures.payer(&hour);
    if seen.signals.is_empty() {
        return Ok(());
    }
    // It is about the payer: it is shown with the merchant's latest day, whichever that is.
    let mut risk = latest(cx.tx, &payment.merchant)?;
    raise::all(cx, &mut risk, seen, Some(mark), &payment.id)?;
    cx.tx.put(risk)
}

/// The record of a merchant on the present day.
pub(super) fn latest(tx: &mut Tx<'_>, merchant: &str) -> Result<MerchantRisk, Interrupt> {
    let today = shanghai_date(tx.now());
    let known = tx.get::<MerchantRisk>(merchant)?;
    Ok(known.map_or_else(
        || MerchantRisk::new(merchant, today),
        |known| (*known).clone().on(today),
    ))
}

/// A merchant asks for a refund.
pub(crate) fn refund_asked(
    cx: &mut Context<'_, '_>,
    merchant: &str,
    refund: &str,
) -> Result<(), Interrupt> {
    let Some(figures) = cx.risk else {
        return Ok(());
    };
    let mut risk = latest(cx.tx, merchant)?;
    risk.refunds = risk.refunds.saturating_add(1);
    let seen = figures.merchant(&risk.counts(None));
    raise::all(cx, &mut risk, seen, None, refund)?;
    cx.tx.put(risk)
}

/// A merchant asks for a payout, which is held if a sign holds.
pub(crate) fn payout_asked(
    cx: &mut Context<'_, '_>,
    merchant: &str,
    payout: &str,
) -> Result<(), Interrupt> {
    let Some(figures) = cx.risk else {
        return Ok(());
    };
    let mut risk = latest(cx.tx, merchant)?;
    let now = cx.tx.now();
    let minutes = risk.last_payment_at.map(|at| {
        let minutes = now.duration_since(at).as_mins();
        u32::try_from(minutes).unwrap_or(u32::MAX)
    });
    let seen = figures.merchant(&risk.counts(minutes));
    if seen.signals.is_empty() {
        return Ok(());
    }
    raise::all(cx, &mut risk, seen, None, payout)?;
    cx.tx.put(risk)
}
