//! From a plan to parts that add up.

use super::{RECEIVERS_MAX, Receiver, Share, SplitPlan};
use crate::merchant::{self, Merchant, MerchantStatus};
use crate::rejection::{Code, Refusable, Rejection};
use engine::{Stop, Tx};
use money::{Money, Rate, RemainderOwner, Rounding, allocate};

/// A receiver with its amount.
pub(crate) struct Planned {
    pub receiver: Receiver,
    pub amount: Money,
}

/// Checks a plan against the terms of the main merchant and works out the parts of `paid`, of which
/// `fee` stays with the institution.
pub(crate) fn parts(
    tx: &mut Tx<'_>,
    main: &Merchant,
    plan: &SplitPlan,
    paid: Money,
    fee: Money,
) -> Refusable<Vec<Planned>> {
    check_receivers(tx, main, plan)?;
    let amounts = amounts(plan, paid)?;
    let total =
        Money::checked_sum(paid.currency(), amounts.iter().copied()).map_err(Rejection::from)?;
    let permitted = main
        .split_share_max
        .of(paid, Rounding::Down)
        .map_err(Rejection::from)?;
    if total.amount() > permitted.amount() {
        return Err(too_much(
            "the parts exceed the largest share agreed for splits",
            total,
            permitted,
        )
        .into());
    }
    let left = paid.checked_sub(fee).map_err(Rejection::from)?;
    if total.amount() > left.amount() {
        return Err(too_much("the parts and the fee exceed what was paid", total, left).into());
    }
    let parts = plan.receivers.iter().cloned().zip(amounts);
    Ok(parts
        .map(|(receiver, amount)| Planned { receiver, amount })
        .collect())
}

fn too_much(message: &str, total: Money, permitted: Money) -> Rejection {
    Rejection::new(
        Code::LimitExceeded,
        format!("{message}: {total}, at most {permitted}"),
    )
    .at("split_plan.receivers")
    .with("total", total.amount())
    .with("permitted", permitted.amount())
}

fn check_receivers(tx: &mut Tx<'_>, main: &Merchant, plan: &SplitPlan) -> Refusable<()> {
    let count = plan.receivers.len();
    if count == 0 || count > RECEIVERS_MAX {
        let message = format!("a split needs 1 to {RECEIVERS_MAX} receivers");
        return Err(Rejection::field("split_plan.receivers", message).into());
    }
    for (index, receiver) in plan.receivers.iter().enumerate() {
        let field = format!("split_plan.receivers[{index}].merchant");
        let earlier = plan
            .receivers
            .iter()
            .take(index)
            .any(|other| other.merchant == receiver.merchant);
        if earlier {
            return Err(Rejection::field(&field, "the receiver is named twice").into());
        }
        if receiver.merchant == main.id {
            return Err(Rejection::field(
                &field,
                "the main merchant keeps the rest and is no receiver",
            )
            .into());
        }
        let found = merchant::named(tx, &receiver.merchant).map_err(|stop| match stop {
            Stop::Refused(rejection) => Stop::Refused(rejection.at(&field)),
            interrupted => interrupted,
        })?;
        if found.status != MerchantStatus::Active {
            return Err(Rejection::state("the receiver is not active")
                .at(&field)
                .into());
        }
    }
    Ok(())
}

/// Fixed parts as they are; proportional parts of the whole, each rounded down with the rest left to
/// the main merchant, so that nothing is created or lost.
fn amounts(plan: &SplitPlan, paid: Money) -> Result<Vec<Money>, Rejection> {
    let ppm = |receiver: &Receiver| match receiver.share {
        Share::Proportion(rate) => rate.ppm(),
        Share::Fixed(_) => 0,
    };
    let mut weights: Vec<u64> = plan
        .receivers
        .iter()
        .map(|receiver| u64::from(ppm(receiver)))
        .collect();
    let whole = u64::from(Rate::ONE.ppm());
    let sum: u64 = weights.iter().sum();
    let Some(rest) = whole.checked_sub(sum) else {
        return Err(
            Rejection::new(Code::LimitExceeded, "the shares exceed 100 %")
                .at("split_plan.receivers"),
        );
    };
    weights.push(rest);
    let shares = allocate(paid, &weights, RemainderOwner::Index(plan.receivers.len()))
        .map_err(|error| Rejection::field("split_plan.receivers", error.to_string()))?;
    plan.receivers
        .iter()
        .zip(shares)
        .enumerate()
        .map(|(index, (receiver, share))| {
            let amount = match receiver.share {
                Share::Fixed(amount) => amount,
                Share::Proportion(_) => share,
            };
            if amount.currency() == paid.currency() && amount.is_positive() {
                return Ok(amount);
            }
            let field = format!("split_plan.receivers[{index}].share");
            Err(Rejection::field(
                &field,
                format!("the part must be above zero and in {}", paid.currency()),
            ))
        })
        .collect()
}
