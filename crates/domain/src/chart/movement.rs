//! What kinds of movement the books know.

use serde::{Deserialize, Serialize};

/// Kind of a transfer; its number is the ledger's `code`. Numbers below 1,000 are the
/// institution's; clients of the plain ledger use 1,000 and above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u16)]
pub enum Movement {
    /// Money of a payment arrived at the channel.
    PaymentReceived = 1,
    /// Fee of a payment.
    FeeCharged = 2,
    /// Fee given back with a refund.
    FeeReturned = 3,
    /// Fee taken again after a refund came to nothing.
    FeeRestored = 4,
    /// A receiver's part of a payment.
    SplitPaid = 10,
    /// A receiver's part given back for a refund.
    SplitReturned = 11,
    /// A receiver's part paid again after a refund came to nothing.
    SplitRestored = 12,
    /// Money set aside for a refund.
    RefundRequested = 20,
    /// The payer has the refund.
    RefundPaid = 21,
    /// The refund came to nothing; the money is the merchant's again.
    RefundReleased = 22,
    /// The refund was paid in another way, out of the reserve.
    RefundPaidOtherwise = 23,
    /// Money set aside for a payout.
    PayoutCreated = 30,
    /// The payee has the payout.
    PayoutPaid = 31,
    /// The payout failed; the money is the merchant's again.
    PayoutReturned = 32,
    /// The payee's bank sent a paid payout back.
    PayoutBounced = 33,
    /// The channel paid over what it had taken.
    ClearingReceived = 40,
    /// We paid the channel because it gave back more than it took.
    ClearingPaid = 41,
    /// What the channel charged.
    ChannelCost = 42,
    /// Received with no known owner.
    SuspenseReceived = 50,
    /// Paid with no known reason.
    SuspensePaid = 51,
    /// Owner found.
    SuspenseCleared = 52,
    /// More than expected, or less was paid.
    DifferenceGained = 53,
    /// Less than expected, or more was paid.
    DifferenceLost = 54,
    /// A difference is taken to where it belongs.
    DifferenceAdjusted = 55,
}

impl Movement {
    /// Every movement.
    pub const ALL: [Movement; 24] = [
        Movement::PaymentReceived,
        Movement::FeeCharged,
        Movement::FeeReturned,
        Movement::FeeRestored,
        Movement::SplitPaid,
        Movement::SplitReturned,
        Movement::SplitRestored,
        Movement::RefundRequested,
        Movement::RefundPaid,
        Movement::RefundReleased,
        Movement::RefundPaidOtherwise,
        Movement::PayoutCreated,
        Movement::PayoutPaid,
        Movement::PayoutReturned,
        Movement::PayoutBounced,
        Movement::ClearingReceived,
        Movement::ClearingPaid,
        Movement::ChannelCost,
        Movement::SuspenseReceived,
        Movement::SuspensePaid,
        Movement::SuspenseCleared,
        Movement::DifferenceGained,
        Movement::DifferenceLost,
        Movement::DifferenceAdjusted,
    ];

    /// First code that clients of the plain ledger may use.
    pub const FIRST_CLIENT_CODE: u16 = 1_000;

    /// The ledger's code.
    pub fn code(self) -> u16 {
        self as u16
    }

    /// The movement of a code; `None` for codes of clients.
    pub fn from_code(code: u16) -> Option<Movement> {
        Movement::ALL
            .into_iter()
            .find(|movement| movement.code() == code)
    }

    /// Name in English.
    pub fn english(self) -> &'static str {
        self.names().0
    }

    /// 中文名称.
    pub fn chinese(self) -> &'static str {
        self.names().1
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Movement::PaymentReceived => ("payment received", "收款"),
            Movement::FeeCharged => ("fee charged", "收取手续费"),
            Movement::FeeReturned => ("fee returned", "退还手续费"),
            Movement::FeeRestored => ("fee restored", "恢复手续费"),
            Movement::SplitPaid => ("split paid", "分账"),
            Movement::SplitReturned => ("split returned", "分账回退"),
            Movement::SplitRestored => ("split restored", "分账恢复"),
            Movement::RefundRequested => ("refund requested", "退款冻结"),
            Movement::RefundPaid => ("refund paid", "退款完成"),
            Movement::RefundReleased => ("refund released", "退款解冻"),
            Movement::RefundPaidOtherwise => ("refund paid in another way", "退款改道支付"),
            Movement::PayoutCreated => ("payout created", "代付冻结"),
            Movement::PayoutPaid => ("payout paid", "代付完成"),
            Movement::PayoutReturned => ("payout returned", "代付失败退回"),
            Movement::PayoutBounced => ("payout bounced", "代付退票"),
            Movement::ClearingReceived => ("clearing received", "渠道清算到账"),
            Movement::ClearingPaid => ("clearing paid", "渠道清算付款"),
            Movement::ChannelCost => ("channel cost", "渠道成本"),
            Movement::SuspenseReceived => ("suspense received", "挂账收款"),
            Movement::SuspensePaid => ("suspense paid", "挂账付款"),
            Movement::SuspenseCleared => ("suspense cleared", "挂账核销"),
            Movement::DifferenceGained => ("difference gained", "长款"),
            Movement::DifferenceLost => ("difference lost", "短款"),
            Movement::DifferenceAdjusted => ("difference adjusted", "差错调账"),
        }
    }
}
