//! 清算分录 postings of clearing and of differences.

use crate::booking::Leg;
use crate::chart::{Chart, Movement};
use channels::operation::Channel;
use ledger::AccountId;
use money::Money;

/// 渠道清算到账: the channel paid over. 借 RSV 贷 CHN.
pub(crate) fn received(chart: &Chart, channel: Channel, amount: Money) -> Leg {
    let credit = chart.channel(channel).receivable;
    Leg {
        movement: Movement::ClearingReceived,
        debit: chart.reserve,
        credit,
        amount,
    }
}

/// 渠道清算付款: it had given back more than it took, we paid. 借 CHN 贷 RSV.
pub(crate) fn paid(chart: &Chart, channel: Channel, amount: Money) -> Leg {
    let debit = chart.channel(channel).receivable;
    Leg {
        movement: Movement::ClearingPaid,
        debit,
        credit: chart.reserve,
        amount,
    }
}

/// 渠道成本: the channel kept its charge. 借 COST 贷 CHN.
pub(crate) fn cost(chart: &Chart, channel: Channel, amount: Money) -> Leg {
    let accounts = chart.channel(channel);
    Leg {
        movement: Movement::ChannelCost,
        debit: accounts.cost,
        credit: accounts.receivable,
        amount,
    }
}

/// 渠道成本冲回: the channel gave more of its charge back than it took. 借 CHN 贷 COST.
pub(crate) fn cost_returned(chart: &Chart, channel: Channel, amount: Money) -> Leg {
    let accounts = chart.channel(channel);
    Leg {
        movement: Movement::ChannelCost,
        debit: accounts.receivable,
        credit: accounts.cost,
        amount,
    }
}

/// 短款: the channel settles less than its orders are about. 借 DIF 贷 CHN.
pub(crate) fn unsettled(chart: &Chart, channel: Channel, amount: Money) -> Leg {
    Leg {
        movement: Movement::DifferenceLost,
        debit: chart.differences,
        credit: chart.channel(channel).receivable,
        amount,
    }
}

/// 长款: it deducts less than its refunds are about. 借 CHN 贷 DIF.
pub(crate) fn undeducted(chart: &Chart, channel: Channel, amount: Money) -> Leg {
    Leg {
        movement: Movement::DifferenceGained,
        debit: chart.channel(channel).receivable,
        credit: chart.differences,
        amount,
    }
}

/// 差错调账: as two people decided.
pub(crate) fn adjusted(debit: AccountId, credit: AccountId, amount: Money) -> Leg {
    Leg {
        movement: Movement::DifferenceAdjusted,
        debit,
        credit,
        amount,
    }
}
