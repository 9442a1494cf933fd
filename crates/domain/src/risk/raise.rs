//! A sign was seen: a signal with a case, once.

use super::{MerchantRisk, Raised, RiskSignal, SignalStatus};
use crate::case::{self, Case, CaseKind, CaseStatus, Finding};
use crate::context::Context;
use crate::rejection::broken;
use compliance::risk::{Assessment, Measure, Signal};
use engine::Interrupt;

/// Payers of one day about whom a merchant's signs are told apart; those beyond share one signal.
const SUBJECTS_MAX: usize = 50;

/// The subject of the signals that are not told apart.
const OTHERS: &str = "others";

/// Raises what was seen and not raised before. `risk` is the merchant's record, which the caller puts.
pub(super) fn all(
    cx: &mut Context<'_, '_>,
    risk: &mut MerchantRisk,
    seen: Assessment,
    payer: Option<&str>,
    object: &str,
) -> Result<(), Interrupt> {
    let Assessment { signals, unseen } = seen;
    for signal in signals {
        let subject = subject(risk, payer);
        let known = risk
            .raised
            .iter()
            .position(|raised| raised.sign == signal.sign && raised.payer.as_deref() == subject);
        let known = known.and_then(|place| risk.raised.get_mut(place));
        match known {
            Some(raised) if raised.measure >= signal.measure => {}
            Some(raised) if raised.open => {
                raised.measure = signal.measure;
                strengthen(cx, &raised.signal, &signal, object)?;
            }
            known => {
                let new = raise(cx, &risk.merchant, &signal, &unseen, subject, object)?;
                match known {
                    Some(raised) => *raised = new,
                    None => risk.raised.push(new),
                }
            }
        }
    }
    Ok(())
}

/// The payer, as long as there are not too many of them.
fn subject<'a>(risk: &MerchantRisk, payer: Option<&'a str>) -> Option<&'a str> {
    let payer = payer?;
    let marks = || {
        risk.raised
            .iter()
            .filter_map(|raised| raised.payer.as_deref())
    };
    if marks().any(|known| known == payer) || marks().count() < SUBJECTS_MAX {
        Some(payer)
    } else {
        Some(OTHERS)
    }
}

fn raise(
    cx: &mut Context<'_, '_>,
    merchant: &str,
    signal: &Signal,
    unseen: &[&str],
    payer: Option<&str>,
    object: &str,
) -> Result<Raised, Interrupt> {
    let id = cx.tx.new_id("rsk");
    let finding = Finding {
        kind: CaseKind::RiskSignal,
        object: &id,
        merchant: Some(merchant),
        reason: reason(signal)?,
        amount: None,
    };
    let case = case::open(cx.tx, finding)?;
    let now = cx.tx.now();
    let day = calendar::shanghai_date(now);
    let business_date = cx.tx.business_date();
    cx.tx.put_new(RiskSignal {
        id: id.clone(),
        merchant: merchant.to_owned(),
        sign: signal.sign,
        measure: signal.measure,
        payer: payer.map(str::to_owned),
        says: signal.says.clone(),
        seen: signal.seen.clone(),
        unseen: unseen.iter().map(|name| (*name).to_owned()).collect(),
        remedy: signal.remedy.clone(),
        object: object.to_owned(),
        day,
        case,
        status: SignalStatus::Open,
        decisions: Vec::new(),
        created_at: now,
        updated_at: now,
        business_date,
    })?;
    Ok(Raised {
        sign: signal.sign,
        payer: payer.map(str::to_owned),
        measure: signal.measure,
        signal: id,
        open: true,
    })
}

/// What flagged holds now.
fn strengthen(
    cx: &mut Context<'_, '_>,
    id: &str,
    signal: &Signal,
    object: &str,
) -> Result<(), Interrupt> {
    let now = cx.tx.now();
    let mut known = (*cx.tx.expect::<RiskSignal>(id)?).clone();
    known.measure = signal.measure;
    known.seen = signal.seen.clone();
    known.object = object.to_owned();
    known.updated_at = now;
    let mut case = (*cx.tx.expect::<Case>(&known.case)?).clone();
    if case.status != CaseStatus::Closed {
        case.reason = reason(signal)?;
        case::save(cx.tx, case)?;
    }
    cx.tx.put(known)
}

/// The sign, what follows, the figures with their thresholds, and what to do.
fn reason(signal: &Signal) -> Result<String, Interrupt> {
    let sign = serde_json::to_value(signal.sign).map_err(broken)?;
    let follows = match signal.measure {
        Measure::Flag => "flags",
        Measure::Hold => "holds payouts",
    };
    Ok(format!(
        "{} {follows}: {}. {}",
        sign.as_str().unwrap_or_default(),
        signal.seen.join("; "),
        signal.remedy.en
    ))
}
