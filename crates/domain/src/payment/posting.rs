//! 收款分录 postings of payments.

use crate::booking::Leg;
use crate::chart::{Chart, MerchantAccounts, Movement};
use channels::operation::Channel;
use money::Money;

/// 收款: the channel took it, the merchant is owed it. 借 CHN 贷 MS.
pub(crate) fn received(
    chart: &Chart,
    channel: Channel,
    merchant: &MerchantAccounts,
    amount: Money,
) -> Leg {
    let debit = chart.channel(channel).receivable;
    Leg {
        movement: Movement::PaymentReceived,
        debit,
        credit: merchant.payable,
        amount,
    }
}

/// 长款: the channel took more than the order asked for. 借 CHN 贷 DIF.
pub(crate) fn overpaid(chart: &Chart, channel: Channel, amount: Money) -> Leg {
    let debit = chart.channel(channel).receivable;
    Leg {
        movement: Movement::DifferenceGained,
        debit,
        credit: chart.differences,
        amount,
    }
}

/// 挂账: the channel took it and nobody is known to be owed it. 借 CHN 贷 SUS.
pub(crate) fn suspense(chart: &Chart, channel: Channel, amount: Money) -> Leg {
    let debit = chart.channel(channel).receivable;
    Leg {
        movement: Movement::SuspenseReceived,
        debit,
        credit: chart.suspense,
        amount,
    }
}

/// 挂账核销: it is the merchant's after all. 借 SUS 贷 MS.
pub(crate) fn suspense_cleared(chart: &Chart, merchant: &MerchantAccounts, amount: Money) -> Leg {
    Leg {
        movement: Movement::SuspenseCleared,
        debit: chart.suspense,
        credit: merchant.payable,
        amount,
    }
}
