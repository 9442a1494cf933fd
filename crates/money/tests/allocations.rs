//! Allocation: nothing is lost, nothing is invented.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use money::{
    AllocateError, Currency, Money, MoneyError, RemainderOwner, allocate, allocate_pro_rata,
};
use proptest::prelude::*;

fn amounts(shares: &[Money]) -> Vec<i64> {
    shares.iter().map(|share| share.amount()).collect()
}

fn sum(shares: &[Money]) -> i128 {
    shares.iter().map(|share| i128::from(share.amount())).sum()
}

#[test]
fn ties_go_to_the_lower_index() {
    let shares = allocate(
        Money::cny(100),
        &[1, 1, 1],
        RemainderOwner::LargestRemainder,
    )
    .unwrap();
    assert_eq!(amounts(&shares), [34, 33, 33]);
    let shares = allocate(
        Money::cny(-100),
        &[1, 1, 1],
        RemainderOwner::LargestRemainder,
    )
    .unwrap();
    assert_eq!(amounts(&shares), [-34, -33, -33]);
}

#[test]
fn the_largest_cut_is_made_good_first() {
    // Exact shares: 3.3, 1.65, 5.05.
    let shares = allocate(
        Money::cny(10),
        &[330, 165, 505],
        RemainderOwner::LargestRemainder,
    );
    assert_eq!(amounts(&shares.unwrap()), [3, 2, 5]);
}

#[test]
fn the_named_party_takes_the_whole_remainder() {
    let shares = allocate(Money::cny(101), &[1, 1, 1], RemainderOwner::Index(2)).unwrap();
    assert_eq!(amounts(&shares), [33, 33, 35]);
    let shares = allocate(Money::cny(101), &[1, 1, 0], RemainderOwner::Index(2)).unwrap();
    assert_eq!(amounts(&shares), [50, 50, 1]);
}

#[test]
fn impossible_divisions_are_refused() {
    let total = Money::cny(1);
    let largest = RemainderOwner::LargestRemainder;
    assert_eq!(allocate(total, &[], largest), Err(AllocateError::NoWeight));
    assert_eq!(
        allocate(total, &[0, 0], largest),
        Err(AllocateError::NoWeight)
    );
    assert_eq!(
        allocate(total, &[1], RemainderOwner::Index(1)),
        Err(AllocateError::NoSuchParty {
            index: 1,
            parties: 1
        })
    );
    assert_eq!(
        allocate_pro_rata(total, &[Money::cny(2), Money::cny(-1)]),
        Err(AllocateError::NegativeParty { index: 1 })
    );
    assert_eq!(
        allocate_pro_rata(total, &[Money::new(2, Currency::USD)]),
        Err(AllocateError::Money(MoneyError::CurrencyMismatch {
            left: Currency::CNY,
            right: Currency::USD
        }))
    );
    assert_eq!(
        allocate_pro_rata(total, &[Money::cny(0)]),
        Err(AllocateError::NoWeight)
    );
}

#[test]
fn extremes_fit() {
    for total in [i64::MAX, i64::MIN] {
        let weights = [u64::MAX, u64::MAX, u64::MAX];
        let shares = allocate(
            Money::cny(total),
            &weights,
            RemainderOwner::LargestRemainder,
        );
        assert_eq!(sum(&shares.unwrap()), i128::from(total));
        let whole = allocate(Money::cny(total), &[0, 1], RemainderOwner::Index(0)).unwrap();
        assert_eq!(amounts(&whole), [0, total]);
    }
}

#[test]
fn nothing_of_nothing_is_nothing() {
    let shares = allocate_pro_rata(Money::cny(0), &[Money::cny(0), Money::cny(0)]).unwrap();
    assert_eq!(amounts(&shares), [0, 0]);
}

fn weights() -> impl Strategy<Value = Vec<u64>> {
    let weight = prop_oneof![Just(0u64), 1u64..1000, any::<u64>()];
    proptest::collection::vec(weight, 1..12).prop_filter("somebody needs a weight", |weights| {
        weights.iter().any(|w| *w > 0)
    })
}

proptest! {
    #[test]
    fn largest_remainder_is_exact_fair_and_symmetric(total: i64, weights in weights()) {
        let owner = RemainderOwner::LargestRemainder;
        let shares = allocate(Money::cny(total), &weights, owner).unwrap();
        prop_assert_eq!(shares.len(), weights.len());
        prop_assert_eq!(sum(&shares), i128::from(total));
        let weight_sum: u128 = weights.iter().map(|w| u128::from(*w)).sum();
        for (share, weight) in shares.iter().zip(&weights) {
            // |share * sum - total * weight| < sum: never a whole unit away from the exact share.
            let exact = u128::from(total.unsigned_abs()) * u128::from(*weight);
            let floor = exact / weight_sum;
            let ceiling = floor + u128::from(!exact.is_multiple_of(weight_sum));
            let size = u128::from(share.amount().unsigned_abs());
            prop_assert!((floor..=ceiling).contains(&size));
            prop_assert!(share.is_zero() || share.is_negative() == (total < 0));
        }
        prop_assert_eq!(&allocate(Money::cny(total), &weights, owner).unwrap(), &shares);
        if let Some(mirrored) = total.checked_neg() {
            let mirrored = allocate(Money::cny(mirrored), &weights, owner).unwrap();
            let negated: Vec<i64> = amounts(&shares).iter().map(|share| -share).collect();
            prop_assert_eq!(amounts(&mirrored), negated);
        }
    }

    #[test]
    fn a_heavier_party_never_gets_less(total in 0i64.., weights in weights()) {
        let shares = allocate(Money::cny(total), &weights, RemainderOwner::LargestRemainder).unwrap();
        for (i, left) in weights.iter().enumerate() {
            for (j, right) in weights.iter().enumerate() {
                if left > right {
                    prop_assert!(shares[i].amount() >= shares[j].amount());
                }
            }
        }
    }

    #[test]
    fn a_named_owner_takes_all_of_the_remainder(total: i64, weights in weights(), pick: prop::sample::Index) {
        let owner = pick.index(weights.len());
        let shares = allocate(Money::cny(total), &weights, RemainderOwner::Index(owner)).unwrap();
        prop_assert_eq!(sum(&shares), i128::from(total));
        let weight_sum: u128 = weights.iter().map(|w| u128::from(*w)).sum();
        for (index, (share, weight)) in shares.iter().zip(&weights).enumerate() {
            let floor = u128::from(total.unsigned_abs()) * u128::from(*weight) / weight_sum;
            let size = u128::from(share.amount().unsigned_abs());
            if index == owner {
                prop_assert!(size >= floor);
            } else {
                prop_assert_eq!(size, floor);
            }
        }
    }

    #[test]
    fn pro_rata_never_takes_more_than_a_party_has(
        of in proptest::collection::vec(0i64..1_000_000_000_000, 1..12),
        portion in 0u64..=1_000_000,
    ) {
        let whole: i64 = of.iter().sum();
        prop_assume!(whole > 0);
        let part = i64::try_from(i128::from(whole) * i128::from(portion) / 1_000_000).unwrap();
        let of: Vec<Money> = of.into_iter().map(Money::cny).collect();
        let shares = allocate_pro_rata(Money::cny(part), &of).unwrap();
        prop_assert_eq!(sum(&shares), i128::from(part));
        for (share, own) in shares.iter().zip(&of) {
            prop_assert!(!share.is_negative() && share.amount() <= own.amount());
        }
    }

    /// Partial refunds in any number of steps return exactly what each party received.
    #[test]
    fn a_series_of_parts_ends_at_nothing(
        of in proptest::collection::vec(1i64..1_000_000, 1..8),
        cuts in proptest::collection::vec(1i64..100_000, 0..20),
    ) {
        let mut left: Vec<Money> = of.iter().copied().map(Money::cny).collect();
        let mut remaining: i64 = of.iter().sum();
        let steps: Vec<i64> = cuts.into_iter().chain([i64::MAX]).collect();
        for step in steps {
            let part = step.min(remaining);
            let shares = allocate_pro_rata(Money::cny(part), &left).unwrap();
            for (own, share) in left.iter_mut().zip(shares) {
                *own = own.checked_sub(share).unwrap();
                prop_assert!(!own.is_negative());
            }
            remaining -= part;
        }
        prop_assert!(left.iter().all(|own| own.is_zero()));
    }
}
