//! Dividing an amount among parties so that the parts add up to the whole.

use serde::{Deserialize, Serialize};

use crate::{Money, MoneyError};

/// Who receives the minor units that an exact division leaves over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemainderOwner {
    /// One minor unit each to the parties whose exact share was cut most; equal cuts by index.
    LargestRemainder,
    /// All of them to the party at this index, even if its weight is zero.
    Index(usize),
}

/// An amount cannot be divided as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AllocateError {
    /// There is nobody to divide among, or nobody with a positive weight.
    #[error("no party has a positive weight: give at least one party a weight above zero")]
    NoWeight,
    /// The remainder is to go to a party that does not exist.
    #[error("the remainder owner {index} is not one of the {parties} parties (counted from zero)")]
    NoSuchParty {
        /// The index that was named.
        index: usize,
        /// How many parties there are.
        parties: usize,
    },
    /// A party's own amount is below nothing, so a proportion to it has no meaning.
    #[error("the amount of party {index} is negative: proportions need amounts of zero or more")]
    NegativeParty {
        /// Index of the party.
        index: usize,
    },
    /// The amounts are in different currencies, or a share does not fit 64 bits.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// Divides `total` in proportion to `weights`; the parts always sum to `total` exactly.
///
/// A negative total is divided as the mirror image of the positive one. The result depends on the
/// arguments alone: the same division made twice gives the same parts.
pub fn allocate(
    total: Money,
    weights: &[u64],
    remainder_owner: RemainderOwner,
) -> Result<Vec<Money>, AllocateError> {
    if let RemainderOwner::Index(index) = remainder_owner
        && index >= weights.len()
    {
        return Err(AllocateError::NoSuchParty {
            index,
            parties: weights.len(),
        });
    }
    let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    if sum == 0 {
        return Err(AllocateError::NoWeight);
    }
    let size = u128::from(total.amount().unsigned_abs());
    // A 63-bit size times a 64-bit weight fits 128 bits.
    let cuts: Vec<(u128, u128)> = weights
        .iter()
        .map(|weight| size * u128::from(*weight))
        .map(|product| (product / sum, product % sum))
        .collect();
    let mut shares: Vec<u128> = cuts.iter().map(|(share, _)| *share).collect();
    let left_over = size - shares.iter().sum::<u128>();
    match remainder_owner {
        RemainderOwner::Index(index) => {
            if let Some(share) = shares.get_mut(index) {
                *share += left_over;
            }
        }
        RemainderOwner::LargestRemainder => hand_out(&mut shares, &cuts, left_over),
    }
    shares
        .into_iter()
        .map(|share| signed(share, total))
        .collect()
}

/// Divides `part` in proportion to the amounts of `of`, for instance a partial refund among the
/// receivers of the split payment.
///
/// The shares sum to `part` exactly, and while `part` is at most the sum of `of`, no share exceeds
/// its own amount. For a series of parts pass what is left of each amount, not the originals. A zero
/// part of nothing is nothing for everybody.
pub fn allocate_pro_rata(part: Money, of: &[Money]) -> Result<Vec<Money>, AllocateError> {
    let mut weights = Vec::with_capacity(of.len());
    for (index, money) in of.iter().enumerate() {
        part.same_currency(*money)?;
        let weight =
            u64::try_from(money.amount()).map_err(|_| AllocateError::NegativeParty { index })?;
        weights.push(weight);
    }
    if part.is_zero() {
        return Ok(vec![part; of.len()]);
    }
    allocate(part, &weights, RemainderOwner::LargestRemainder)
}

/// Gives one unit each to the largest cuts; there are always more non-zero cuts than units left.
fn hand_out(shares: &mut [u128], cuts: &[(u128, u128)], left_over: u128) {
    let mut order: Vec<(usize, u128)> = cuts
        .iter()
        .enumerate()
        .map(|(index, (_, remainder))| (index, *remainder))
        .collect();
    order.sort_by(|left, right| right.1.cmp(&left.1).then(left.0.cmp(&right.0)));
    let mut left_over = left_over;
    for (index, _) in order {
        if left_over == 0 {
            break;
        }
        if let Some(share) = shares.get_mut(index) {
            *share += 1;
            left_over -= 1;
        }
    }
}

fn signed(share: u128, total: Money) -> Result<Money, AllocateError> {
    let share = i128::try_from(share).map_err(|_| MoneyError::Overflow)?;
    let share = if total.is_negative() { -share } else { share };
    Ok(Money::from_wide(share, total.currency())?)
}
