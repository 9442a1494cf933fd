//! 代付分录 postings of payouts.

use crate::booking::Leg;
use crate::chart::{Chart, MerchantAccounts, Movement};
use money::Money;

/// 代付冻结: the merchant's money is in transit. 借 MS 贷 TRN.
pub(crate) fn created(merchant: &MerchantAccounts, amount: Money) -> Leg {
    Leg {
        movement: Movement::PayoutCreated,
        debit: merchant.payable,
        credit: merchant.payout_in_transit,
        amount,
    }
}

/// 代付完成: it left the reserve. 借 TRN 贷 RSV.
pub(crate) fn paid(chart: &Chart, merchant: &MerchantAccounts, amount: Money) -> Leg {
    Leg {
        movement: Movement::PayoutPaid,
        debit: merchant.payout_in_transit,
        credit: chart.reserve,
        amount,
    }
}

/// 代付失败退回: it is the merchant's again. 借 TRN 贷 MS.
pub(crate) fn returned(merchant: &MerchantAccounts, amount: Money) -> Leg {
    Leg {
        movement: Movement::PayoutReturned,
        debit: merchant.payout_in_transit,
        credit: merchant.payable,
        amount,
    }
}

/// 退票: a paid payout came back into the reserve. 借 RSV 贷 MS.
pub(crate) fn bounced(chart: &Chart, merchant: &MerchantAccounts, amount: Money) -> Leg {
    Leg {
        movement: Movement::PayoutBounced,
        debit: chart.reserve,
        credit: merchant.payable,
        amount,
    }
}

/// 短款: more left the reserve than was in transit. 借 DIF 贷 RSV.
pub(crate) fn paid_too_much(chart: &Chart, amount: Money) -> Leg {
    Leg {
        movement: Movement::DifferenceLost,
        debit: chart.differences,
        credit: chart.reserve,
        amount,
    }
}

/// 长款: less left the reserve than was in transit. 借 TRN 贷 DIF.
pub(crate) fn paid_too_little(chart: &Chart, merchant: &MerchantAccounts, amount: Money) -> Leg {
    Leg {
        movement: Movement::DifferenceGained,
        debit: merchant.payout_in_transit,
        credit: chart.differences,
        amount,
    }
}

/// 长款: less left the reserve than was booked as paid, or more came back than was asked to be. 借 RSV 贷 DIF.
pub(crate) fn left_in_reserve(chart: &Chart, amount: Money) -> Leg {
    Leg {
        movement: Movement::DifferenceGained,
        debit: chart.reserve,
        credit: chart.differences,
        amount,
    }
}

/// 挂账付款: the reserve paid something that is not ours. 借 SUS 贷 RSV.
pub(crate) fn unknown(chart: &Chart, amount: Money) -> Leg {
    Leg {
        movement: Movement::SuspensePaid,
        debit: chart.suspense,
        credit: chart.reserve,
        amount,
    }
}
