//! What the signs are read from.

/// What one payer did in the last hour, the payment in question included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PayerHour {
    /// Payments.
    pub payments: u32,
    /// Their sum in fen.
    pub amount: i64,
}

/// What one merchant took and gave on a Shanghai day, so far. Amounts in fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MerchantDay {
    /// Payments.
    pub payments: u32,
    /// Their sum.
    pub amount: i64,
    /// Refunds.
    pub refunds: u32,
    /// Refunds to an account other than the payer's.
    pub refunds_to_others: u32,
    /// Sum of payments inside the night window.
    pub night_amount: i64,
    /// Sum of credit-card payments.
    pub credit_amount: i64,
    /// Payments of a round amount ([`super::RiskFigures::is_round`]).
    pub round_payments: u32,
    /// Sum of the payer that paid most; none: payers are not told apart.
    pub largest_payer_amount: Option<i64>,
    /// Minutes between the last payment and the payout asked for; none: no payout is asked for.
    pub payout_after_minutes: Option<u32>,
    /// Sum of payments by static code.
    pub static_amount: i64,
    /// Static codes that took money today.
    pub static_codes: u32,
    /// Sum of the static code that took most; none: codes are not told apart.
    pub largest_code_amount: Option<i64>,
}
