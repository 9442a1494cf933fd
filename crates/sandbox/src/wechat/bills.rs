//! The trade bill of a day: asking where it is, and fetching it.

use super::bill_text::{self, BillLine, LineRefund, Outcome};
use super::books::{Entry, Refund, RefundState};
use super::core::{Merchant, WechatCore};
use super::plant;
use super::refusal::Refusal;
use calendar::{BusinessDate, instant_at, shanghai_date};
use channels::crypto::sha1_hex;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde::Deserialize;
use std::io::Write as _;

/// Bills older than this many days are not kept.
const KEPT_DAYS: i32 = 92;

/// Query of `GET /v3/bill/tradebill`.
#[derive(Debug, Clone, Deserialize)]
pub struct BillQuery {
    /// `yyyy-MM-dd`.
    pub bill_date: String,
    /// `ALL`, also when absent; this sandbox writes no other.
    #[serde(default)]
    pub bill_type: Option<String>,
    /// `GZIP` or absent.
    #[serde(default)]
    pub tar_type: Option<String>,
}

/// Where a bill can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillLocation {
    /// Token of the download address.
    pub token: String,
    /// SHA-1 of the uncompressed text, lower-case hex.
    pub sha1: String,
}

impl WechatCore {
    /// `GET /v3/bill/tradebill`.
    ///
    /// # Errors
    /// The channel's refusal, also for a day without trades or whose bill is not ready.
    pub fn trade_bill(
        &mut self,
        merchant_id: &str,
        query: &BillQuery,
        now: Timestamp,
    ) -> Result<BillLocation, Refusal> {
        self.advance(now);
        let day: BusinessDate = query
            .bill_date
            .parse()
            .map_err(|_| Refusal::parameter("bill_date", "must be yyyy-MM-dd"))?;
        if query.bill_type.as_deref().unwrap_or("ALL") != "ALL" {
            return Err(Refusal::parameter("bill_type", "only ALL is written here"));
        }
        let compressed = match query.tar_type.as_deref() {
            None => false,
            Some("GZIP") => true,
            Some(_) => return Err(Refusal::parameter("tar_type", "must be GZIP or absent")),
        };
        self.check_ready(day, now)?;
        let text = self.bill_text(merchant_id, day).ok_or_else(|| {
            Refusal::new(400, "NO_STATEMENT_EXIST", 268_435_461, "账单文件不存在")
        })?;
        let content = if compressed {
            gzip(text.as_bytes()).map_err(|_| Refusal::system_error())?
        } else {
            text.as_bytes().to_vec()
        };
        let token = format!("{}{:x}", self.random.text(40), self.next_number());
        self.downloads
            .offer(token.clone(), merchant_id, content, now);
        Ok(BillLocation {
            token,
            sha1: sha1_hex(text.as_bytes()),
        })
    }

    /// `GET /v3/billdownload/file`: the file, compressed if so asked.
    ///
    /// # Errors
    /// The channel's refusal: token unknown, expired or another merchant's.
    pub fn download_bill(
        &mut self,
        merchant_id: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<Vec<u8>, Refusal> {
        self.advance(now);
        self.downloads
            .fetch(token, merchant_id, now)
            .map(<[u8]>::to_vec)
            .ok_or_else(|| Refusal::invalid("下载地址无效或已过期"))
    }

    /// The bill as written for a day, planted differences included; none for a day without
    /// trades.
    pub fn bill_text(&self, merchant_id: &str, day: BusinessDate) -> Option<String> {
        let merchant = self.merchants.get(merchant_id)?;
        let mut lines = booked_lines(merchant, day);
        let unbooked = unbooked_lines(merchant, day);
        if !unbooked.is_empty() {
            lines.extend(unbooked);
            lines.sort_by_key(|line| line.at);
        }
        plant::apply(&self.planted, merchant_id, day, &mut lines);
        (!lines.is_empty()).then(|| bill_text::write(&merchant.terms.app_id, merchant_id, &lines))
    }

    fn check_ready(&self, day: BusinessDate, now: Timestamp) -> Result<(), Refusal> {
        let today = shanghai_date(now);
        if day.days_until(today) > KEPT_DAYS {
            return Err(Refusal::new(
                400,
                "NO_STATEMENT_EXIST",
                268_435_461,
                "账单已过保存期",
            ));
        }
        let Some(hour) = self.settings.bill_ready_hour else {
            return if day > today {
                Err(Refusal::invalid("账单日期不能晚于当日"))
            } else {
                Ok(())
            };
        };
        if day >= today {
            return Err(Refusal::invalid("账单日期必须早于当日"));
        }
        if now < instant_at(day.next(), hour, 0, 0) {
            return Err(Refusal::new(
                400,
                "STATEMENT_CREATING",
                268_435_461,
                "账单生成中",
            ));
        }
        Ok(())
    }
}

/// Lines of the day that moved money.
pub(crate) fn booked_lines(merchant: &Merchant, day: BusinessDate) -> Vec<BillLine> {
    let entries = merchant.books.entries.get(&day);
    entries
        .into_iter()
        .flatten()
        .filter_map(|entry| booked_line(merchant, entry))
        .collect()
}

/// Lines of refunds that moved no money on the day: under way when it was over, or come to nothing on
/// it.
fn unbooked_lines(merchant: &Merchant, day: BusinessDate) -> Vec<BillLine> {
    let refunds = merchant.books.refunds.values();
    refunds
        .filter_map(|refund| {
            let (at, outcome) = unbooked(refund, day)?;
            let entry = Entry {
                at,
                out_trade_no: refund.out_trade_no.clone(),
                out_refund_no: None,
                amount_fen: refund.refund_fen,
                fee_fen: 0,
            };
            line(merchant, &entry, Some((refund, outcome)))
        })
        .collect()
}

fn unbooked(refund: &Refund, day: BusinessDate) -> Option<(Timestamp, Outcome)> {
    let ended = refund.ended_at.map(|at| (at, shanghai_date(at)));
    match (ended, refund.state) {
        (Some((at, ended)), RefundState::Closed) if ended == day => Some((at, Outcome::Fail)),
        (Some((at, ended)), RefundState::Abnormal) if ended == day => Some((at, Outcome::Change)),
        (ended, _) => {
            let open = ended.is_none_or(|(_, ended)| ended > day);
            let accepted = shanghai_date(refund.created_at) == day;
            (open && accepted).then_some((refund.created_at, Outcome::Processing))
        }
    }
}

fn booked_line(merchant: &Merchant, entry: &Entry) -> Option<BillLine> {
    let refund = match &entry.out_refund_no {
        None => None,
        Some(number) => Some((merchant.books.refunds.get(number)?, Outcome::Success)),
    };
    line(merchant, entry, refund)
}

fn line(
    merchant: &Merchant,
    entry: &Entry,
    refund: Option<(&Refund, Outcome)>,
) -> Option<BillLine> {
    let trade = merchant.books.trades.get(&entry.out_trade_no)?;
    let payment = trade.payment()?;
    Some(BillLine {
        at: entry.at,
        transaction_id: payment.transaction_id.clone(),
        out_trade_no: trade.out_trade_no.clone(),
        openid: payment.openid.clone(),
        description: trade.description.clone(),
        attach: trade.attach.clone(),
        refund: refund.map(|(refund, outcome)| LineRefund {
            refund_id: refund.refund_id.clone(),
            out_refund_no: refund.out_refund_no.clone(),
            outcome,
        }),
        amount_fen: entry.amount_fen,
        fee_fen: entry.fee_fen,
        fee_rate_ppm: merchant.terms.fee_rate_ppm,
    })
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}
