//! What a reconciliation looks like on the wire. The values are [`crate::reconciliation::Reconciled`];
//! these types describe it.
#![allow(
    dead_code,
    reason = "describes types of other crates in the API's description"
)]

use super::enums;
use super::money::MoneySchema;

/// How many movements of one kind, and how much.
#[derive(utoipa::ToSchema)]
#[schema(as = Subtotal)]
pub struct SubtotalSchema {
    /// Number of movements.
    count: u64,
    /// Sum of their amounts.
    amount: MoneySchema,
}

/// Totals of one side.
#[derive(utoipa::ToSchema)]
#[schema(as = SideTotals)]
pub struct SideTotalsSchema {
    /// Payments.
    payments: SubtotalSchema,
    /// Refunds.
    refunds: SubtotalSchema,
    /// Fees charged less fees given back.
    fees: MoneySchema,
    /// Payments less refunds less fees.
    net: MoneySchema,
}

/// What the bill says the channel pays over: less than orders are about where a merchant pays for a
/// coupon.
#[derive(utoipa::ToSchema)]
#[schema(as = PaysOver)]
pub struct PaysOverSchema {
    /// Payments, as they are settled.
    settled: MoneySchema,
    /// Refunds, as they are deducted.
    refunds: MoneySchema,
    /// Fees charged less fees given back, rounded once.
    fee: MoneySchema,
    /// The first less the others.
    net: MoneySchema,
}

/// One difference. Which further fields there are depends on `finding`: `ours` and `theirs` for
/// `amount_differs` (amounts), `date_shift` (dates) and `status_differs` (`succeeded`, `pending`,
/// `abnormal` or `failed`; `counted` is what the books count for the date); `amount` for the others and `status_differs`;
/// `our_status` for `theirs_only`; `first_line`, `appearance` and `other_number` (another movement under the same
/// reference, not the same line again) for `duplicate`.
#[derive(utoipa::ToSchema)]
#[schema(as = Difference)]
pub struct DifferenceSchema {
    /// Stable name; the object of its case.
    id: String,
    /// Clearing date of the bill.
    #[schema(format = Date)]
    statement_date: String,
    /// The channel.
    #[schema(schema_with = enums::channel)]
    channel: String,
    /// `payment` or `refund`.
    kind: String,
    /// The bill's line; absent if the bill has none.
    line: Option<u64>,
    /// Our order or refund number.
    our_reference: Option<String>,
    /// The channel's number.
    channel_number: Option<String>,
    /// `amount_differs`, `number_differs`, `ours_only`, `theirs_only`, `status_differs`,
    /// `duplicate` or `date_shift`.
    #[schema(example = "theirs_only")]
    finding: String,
    /// Amount, where both sides do not name one each.
    amount: Option<MoneySchema>,
}

/// What was done with the differences.
#[derive(utoipa::ToSchema)]
#[schema(as = TakenDifferences)]
pub struct TakenSchema {
    /// Lines that the books now follow, or hold in suspense.
    facts: u64,
    /// Cases that are open for them, by id. What people have closed is not opened again.
    cases: Vec<String>,
    /// The clearing is booked.
    cleared: bool,
}

/// A bill compared with the books.
#[derive(utoipa::ToSchema)]
#[schema(as = Reconciliation)]
pub struct ReconciliationSchema {
    /// The channel.
    #[schema(schema_with = enums::channel)]
    channel: String,
    /// SHA-256 of the bill, hexadecimal.
    bill_hash: String,
    /// Data lines of the bill.
    lines: u64,
    /// What the channel pays over.
    pays_over: PaysOverSchema,
    /// Clearing date.
    #[schema(format = Date)]
    statement_date: String,
    /// Currency of both sides.
    #[schema(example = "CNY")]
    currency: String,
    /// Lines that agree with the books in every respect.
    matched: u64,
    /// Our successes of the date.
    ours: SideTotalsSchema,
    /// The successes on the bill, by the amounts that orders and refunds are about.
    theirs: SideTotalsSchema,
    /// What does not agree.
    differences: Vec<DifferenceSchema>,
    /// Where the bill contradicts itself; then nothing is taken from it.
    structural_errors: Vec<serde_json::Value>,
    /// What was taken into the books; absent when the bill was only compared.
    taken: Option<TakenSchema>,
}
