//! 退款分录 postings of refunds.

use crate::booking::Leg;
use crate::chart::{Chart, MerchantAccounts, Movement};
use channels::operation::Channel;
use money::Money;

/// 退款冻结: the merchant's money is in transit. 借 MS 贷 RFD.
pub(crate) fn requested(merchant: &MerchantAccounts, amount: Money) -> Leg {
    Leg {
        movement: Movement::RefundRequested,
        debit: merchant.payable,
        credit: merchant.refund_in_transit,
        amount,
    }
}

/// 退款完成: the channel gave it back, so it owes us less. 借 RFD 贷 CHN.
pub(crate) fn paid(
    chart: &Chart,
    channel: Channel,
    merchant: &MerchantAccounts,
    amount: Money,
) -> Leg {
    let credit = chart.channel(channel).receivable;
    Leg {
        movement: Movement::RefundPaid,
        debit: merchant.refund_in_transit,
        credit,
        amount,
    }
}

/// 退款解冻: it is the merchant's again. 借 RFD 贷 MS.
pub(crate) fn released(merchant: &MerchantAccounts, amount: Money) -> Leg {
    Leg {
        movement: Movement::RefundReleased,
        debit: merchant.refund_in_transit,
        credit: merchant.payable,
        amount,
    }
}

/// 退款改道: paid in another way, out of the reserve. 借 RFD 贷 RSV.
pub(crate) fn paid_otherwise(chart: &Chart, merchant: &MerchantAccounts, amount: Money) -> Leg {
    Leg {
        movement: Movement::RefundPaidOtherwise,
        debit: merchant.refund_in_transit,
        credit: chart.reserve,
        amount,
    }
}

/// 长款: less was given back than was in transit. 借 RFD 贷 DIF.
pub(crate) fn paid_too_little(chart: &Chart, merchant: &MerchantAccounts, amount: Money) -> Leg {
    Leg {
        movement: Movement::DifferenceGained,
        debit: merchant.refund_in_transit,
        credit: chart.differences,
        amount,
    }
}

/// 短款: more was given back than was in transit. 借 DIF 贷 CHN.
pub(crate) fn paid_too_much(chart: &Chart, channel: Channel, amount: Money) -> Leg {
    let credit = chart.channel(channel).receivable;
    Leg {
        movement: Movement::DifferenceLost,
        debit: chart.differences,
        credit,
        amount,
    }
}

/// 挂账付款: the channel gave back something that is not ours. 借 SUS 贷 CHN.
pub(crate) fn unknown(chart: &Chart, channel: Channel, amount: Money) -> Leg {
    let credit = chart.channel(channel).receivable;
    Leg {
        movement: Movement::SuspensePaid,
        debit: chart.suspense,
        credit,
        amount,
    }
}
