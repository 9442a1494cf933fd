//! 手续费分录 postings of fees.

use crate::booking::Leg;
use crate::chart::{Chart, MerchantAccounts, Movement};
use money::Money;

/// 收取手续费: 借 MS 贷 FEE.
pub(crate) fn charged(chart: &Chart, merchant: &MerchantAccounts, amount: Money) -> Leg {
    Leg {
        movement: Movement::FeeCharged,
        debit: merchant.payable,
        credit: chart.fee_income,
        amount,
    }
}

/// 退还手续费: 借 FEE 贷 MS.
pub(crate) fn returned(chart: &Chart, merchant: &MerchantAccounts, amount: Money) -> Leg {
    Leg {
        movement: Movement::FeeReturned,
        debit: chart.fee_income,
        credit: merchant.payable,
        amount,
    }
}

/// 恢复手续费: a refund came to nothing. 借 MS 贷 FEE.
pub(crate) fn restored(chart: &Chart, merchant: &MerchantAccounts, amount: Money) -> Leg {
    Leg {
        movement: Movement::FeeRestored,
        debit: merchant.payable,
        credit: chart.fee_income,
        amount,
    }
}

/// 恢复手续费 for a merchant that has not enough: 借 DIF 贷 FEE.
pub(crate) fn restored_for_merchant(chart: &Chart, amount: Money) -> Leg {
    Leg {
        movement: Movement::DifferenceLost,
        debit: chart.differences,
        credit: chart.fee_income,
        amount,
    }
}
