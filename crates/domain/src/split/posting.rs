//! 分账分录 postings of splits. Money goes from merchant to merchant, never through the platform.

use crate::booking::Leg;
use crate::chart::{Chart, MerchantAccounts, Movement};
use money::Money;

/// 分账: 借 MS(main) 贷 MS(receiver).
pub(crate) fn paid(main: &MerchantAccounts, receiver: &MerchantAccounts, amount: Money) -> Leg {
    Leg {
        movement: Movement::SplitPaid,
        debit: main.payable,
        credit: receiver.payable,
        amount,
    }
}

/// 分账回退: for a refund. 借 MS(receiver) 贷 MS(main).
pub(crate) fn returned(main: &MerchantAccounts, receiver: &MerchantAccounts, amount: Money) -> Leg {
    Leg {
        movement: Movement::SplitReturned,
        debit: receiver.payable,
        credit: main.payable,
        amount,
    }
}

/// 分账恢复: the refund came to nothing. 借 MS(main) 贷 MS(receiver).
pub(crate) fn restored(main: &MerchantAccounts, receiver: &MerchantAccounts, amount: Money) -> Leg {
    Leg {
        movement: Movement::SplitRestored,
        debit: main.payable,
        credit: receiver.payable,
        amount,
    }
}

/// 分账恢复 for a main merchant that has not enough: 借 DIF 贷 MS(receiver).
pub(crate) fn restored_for_main(chart: &Chart, receiver: &MerchantAccounts, amount: Money) -> Leg {
    Leg {
        movement: Movement::DifferenceLost,
        debit: chart.differences,
        credit: receiver.payable,
        amount,
    }
}
