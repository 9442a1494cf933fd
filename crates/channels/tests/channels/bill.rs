//! The trade bill reader against a bill written by other code, whole and damaged.

use crate::support::{bytes, text};
use calendar::parse_spaced;
use channels::wechat::bill::{
    BillError, BillKind, BillReader, BillRefundStatus, BillRow, BillScope, BillSummary, fee_in_fen,
};
use money::Money;
use proptest::prelude::*;
use std::io::BufReader;

fn scope() -> BillScope {
    BillScope {
        merchant_id: "1900000001".to_owned(),
        date: "2026-11-30".parse().unwrap(),
    }
}

fn csv() -> String {
    text("wechat/trade_bill.csv")
}

/// A whole bill with its checked summary.
fn read_all(bill: impl AsRef<[u8]>) -> Result<(Vec<BillRow>, BillSummary), BillError> {
    let mut reader = BillReader::new(bill.as_ref(), scope())?;
    let rows = reader.by_ref().collect::<Result<Vec<_>, _>>()?;
    let summary = reader
        .summary()
        .cloned()
        .expect("a summary behind the last row");
    Ok((rows, summary))
}

fn failure(bill: &str) -> BillError {
    read_all(bill).unwrap_err()
}

/// The bill is refused, and the place is named.
#[track_caller]
fn is_refused_at(bill: &str, line: u64, column: &str) {
    let error = failure(bill);
    let place = (error.line, error.column.as_deref());
    assert_eq!(place, (line, Some(column)), "{error}");
}

/// The bill with one line (from 1) rewritten.
fn edited(line: usize, change: impl Fn(&str) -> String) -> String {
    let lines: Vec<String> = csv()
        .lines()
        .enumerate()
        .map(|(i, text)| {
            if i + 1 == line {
                change(text)
            } else {
                text.to_owned()
            }
        })
        .collect();
    lines.join("\n") + "\n"
}

/// The bill with the first of a text in one line replaced; the text may end where the line ends.
fn replaced(line: usize, from: &str, to: &str) -> String {
    edited(line, |old| {
        let old = format!("{old}\n");
        assert!(old.contains(from), "{old}");
        old.replacen(from, to, 1).trim_end_matches('\n').to_owned()
    })
}

/// The bill with one field (from 0) of one line rewritten.
fn edited_field(line: usize, field: usize, change: impl Fn(&str) -> String) -> String {
    edited(line, |old| {
        let mut fields: Vec<String> = old[1..].split(",`").map(str::to_owned).collect();
        fields[field] = change(&fields[field]);
        format!("`{}", fields.join(",`"))
    })
}

#[test]
fn totals_equal_those_of_the_program_that_wrote_the_bill() {
    let (rows, summary) = read_all(csv()).unwrap();
    let stated = text("wechat/trade_bill_totals.txt");
    let stated: Vec<&str> = stated.lines().collect();
    assert_eq!(summary.rows.to_string(), stated[0]);
    assert_eq!(summary.settlement_total.to_major_string(), stated[1]);
    assert_eq!(summary.refund_total.to_major_string(), stated[2]);
    let fees: i64 = rows.iter().map(|row| row.fee_e5).sum();
    assert_eq!(
        format!("{}.{:05}", fees / 100_000, fees % 100_000),
        stated[4]
    );
    assert_eq!(summary.fee_total, fee_in_fen(fees));
    assert_eq!(summary.order_total.unwrap().to_major_string(), stated[5]);
    assert_eq!(rows.len(), 40);
    let net: i64 = rows
        .iter()
        .map(|row| {
            let refund = row
                .refund
                .as_ref()
                .map_or(0, |r| r.settlement_amount.amount());
            row.settlement_amount.amount() - refund
        })
        .sum();
    assert_eq!(
        net,
        summary.settlement_total.amount() - summary.refund_total.amount()
    );
}

#[test]
fn rows_are_read_with_commas_and_backticks_in_names() {
    let (rows, _) = read_all(csv()).unwrap();
    let first = &rows[0];
    assert_eq!(first.line, 2);
    assert_eq!(first.kind, BillKind::Payment);
    assert_eq!(
        first.traded_at,
        parse_spaced("2026-11-30 00:00:00").unwrap()
    );
    assert_eq!(first.channel_number, "4200001234202611300000000000");
    assert_eq!(first.our_reference, "01ORDER0000000000000000000000000");
    assert_eq!(first.amount, Money::cny(100));
    assert_eq!((first.fee, first.fee_e5), (Money::cny(1), 600));
    assert_eq!(first.rate, "0.60%");
    assert_eq!(first.refund, None);
    let refund = rows[7].refund.as_ref().unwrap();
    assert_eq!(rows[7].kind, BillKind::Refund);
    assert_eq!(rows[7].amount, Money::cny(0));
    assert_eq!(rows[7].fee, Money::cny(-4));
    assert_eq!(refund.amount, Money::cny(734));
    assert_eq!(refund.our_reference, "01REFUND000000000000000000000007");
    assert_eq!(refund.channel_number, "50300000002026113000007");
    assert_eq!(refund.status, BillRefundStatus::Succeeded);
    assert_eq!(
        rows[15].refund.as_ref().unwrap().status,
        BillRefundStatus::Processing
    );
}

#[test]
fn what_separates_fields_may_stand_in_a_name() {
    let expected = read_all(csv()).unwrap();
    for name in ["a,`b", ",`", ",`,`,`", "x,`0.60%,`9.99,`9.99,`", "`,`"] {
        let bill = edited_field(2, 20, |_| name.to_owned());
        assert_eq!(read_all(&bill).unwrap(), expected, "{name}");
    }
    // Elsewhere, and where a field is missing, it is an error as before.
    let short = edited(2, |line| line.replacen(",`", ",", 1));
    assert_eq!(failure(&short).line, 2);
    let shifted = edited(2, |line| line.replacen(",`", ",`1,`", 1));
    assert_eq!(failure(&shifted).line, 2);
}

#[test]
fn byte_order_mark_and_line_ends_make_no_difference() {
    let expected = read_all(csv()).unwrap();
    let variants = [
        format!("\u{feff}{}", csv()),
        csv().replace('\n', "\r\n"),
        csv().trim_end().to_owned(),
        format!("{}\r\n\n", csv()),
    ];
    for variant in variants {
        assert_eq!(read_all(&variant).unwrap(), expected);
    }
}

#[test]
fn reading_in_small_pieces_gives_the_same() {
    let all = bytes("wechat/trade_bill.csv");
    let (expected, expected_summary) = read_all(&all).unwrap();
    let mut reader = BillReader::new(BufReader::with_capacity(7, all.as_slice()), scope()).unwrap();
    assert_eq!(reader.summary(), None);
    let rows: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
    assert_eq!(rows, expected);
    assert_eq!(reader.summary(), Some(&expected_summary));
    assert!(reader.next().is_none());
}

#[test]
fn an_empty_day_has_a_summary_of_nothing() {
    let header = csv().lines().next().unwrap().to_owned();
    let names = csv().lines().nth(41).unwrap().to_owned();
    let text = format!("{header}\n{names}\n`0,`0.00,`0.00,`0.00,`0.00000,`0.00,`0.00\n");
    let (rows, summary) = read_all(&text).unwrap();
    assert!(rows.is_empty());
    assert_eq!(summary.settlement_total, Money::cny(0));
}

#[test]
fn new_columns_in_any_place_are_skipped() {
    let expected = read_all(csv()).unwrap();
    let text: Vec<String> = csv()
        .lines()
        .enumerate()
        .map(|(i, line)| match i {
            0 => format!("新列,{line},另一列"),
            1..=40 => format!("`新,值,{line},`"),
            _ => line.to_owned(),
        })
        .collect();
    assert_eq!(read_all(text.join("\n")).unwrap(), expected);
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    let all = csv();
    let whole = all.trim_end().len();
    for end in 0..whole {
        if all.is_char_boundary(end) {
            assert!(read_all(&all.as_bytes()[..end]).is_err(), "{end}");
        }
    }
    let without_summary: Vec<&str> = all.lines().take(41).collect();
    let error = failure(&without_summary.join("\n"));
    assert_eq!(error.line, 42);
    assert!(error.reason.contains("truncated"), "{error}");
}

#[test]
fn lines_left_out_repeated_or_added_are_errors() {
    let lines: Vec<String> = csv().lines().map(str::to_owned).collect();
    for i in 1..=40 {
        let mut shorter = lines.clone();
        shorter.remove(i);
        assert!(read_all(shorter.join("\n")).is_err());
        let mut longer = lines.clone();
        longer.insert(i, lines[i].clone());
        is_refused_at(&longer.join("\n"), 44, "总交易单数");
    }
    let padded = format!("{}{}\n", csv(), lines[1]);
    let error = failure(&padded);
    assert_eq!(error.line, 44);
    assert!(error.reason.contains("follows the summary"), "{error}");
}

#[test]
fn a_row_with_too_few_or_too_many_fields_is_named() {
    let short = edited(5, |line| line.rsplit_once(",`").unwrap().0.to_owned());
    assert_eq!(failure(&short).line, 5);
    let long = edited(6, |line| format!("{line},`x"));
    assert_eq!(failure(&long).line, 6);
    let empty = edited(7, |_| String::new());
    assert_eq!(failure(&empty).line, 8);
}

#[test]
fn rows_of_others_and_of_other_days_are_named() {
    let cases = [
        (4, "1900000001", "1900000009", "商户号"),
        (4, "2026-11-30", "2026-11-29", "交易时间"),
        (4, "2026-11-30", "2026-12-01", "交易时间"),
        (9, "2026-11-30", "2026-12-01", "交易时间"),
        (4, "2026-11-30", "2026-13-30", "交易时间"),
        (4, "`CNY", "`USD", "货币种类"),
        (4, "`SUCCESS", "`PENDING", "交易状态"),
        (9, "`0.00,`ORIGINAL", "`zero,`ORIGINAL", "充值券退款金额"),
        (9, "50300000002026113000007", "0", "微信退款单号"),
        (3, "`38.01,`0.00,`0", "`38.0100001,`0.00,`0", "应结订单金额"),
        (3, "`38.01,`0.00,`0", "`38.011,`0.00,`0", "应结订单金额"),
        (3, "`38.01,`0.00,`0", "`-38.01,`0.00,`0", "应结订单金额"),
    ];
    for (line, from, to, column) in cases {
        is_refused_at(&replaced(line, from, to), line as u64, column);
    }
    // The rate is text: carried along, not judged.
    assert!(read_all(replaced(3, "`0.60%", "`0.60%`")).is_ok());
}

/// What a day pays over is made of each row's own side, and the sums of the file are made of both.
#[test]
fn rows_with_an_amount_of_the_other_kind_are_named() {
    let cases = [
        (9, "`CNY,`0.00", "`CNY,`7.34", "应结订单金额"),
        (9, "`0.60%,`0.00", "`0.60%,`7.34", "订单金额"),
        (3, "`0,`0,`0.00", "`0,`0,`0.01", "退款金额"),
        (3, "`38.01,`0.00,`\n", "`38.01,`0.01,`\n", "申请退款金额"),
    ];
    for (line, from, to, column) in cases {
        is_refused_at(&replaced(line, from, to), line as u64, column);
    }
}

#[test]
fn refund_rows_may_carry_the_time_of_the_payment() {
    let text = replaced(9, "2026-11-30", "2026-11-02");
    assert!(read_all(text).is_ok());
}

#[test]
fn totals_that_differ_by_the_least_are_errors() {
    let names: Vec<String> = csv()
        .lines()
        .nth(41)
        .unwrap()
        .split(',')
        .map(str::to_owned)
        .collect();
    for (i, name) in names.iter().enumerate() {
        let text = edited_field(43, i, |value| {
            let mut other = value.to_owned();
            let last = other.pop().unwrap();
            other.push(if last == '9' {
                '8'
            } else {
                (last as u8 + 1) as char
            });
            other
        });
        is_refused_at(&text, 43, name);
    }
}

#[test]
fn headers_are_checked() {
    let renamed = edited(1, |line| line.replace("手续费,", "服务费,"));
    assert_eq!(failure(&renamed).column.as_deref(), Some("手续费"));
    let doubled = edited(1, |line| line.replace("代金券金额", "手续费"));
    assert_eq!(failure(&doubled).line, 1);
    assert_eq!(failure("").line, 1);
    assert!(read_all([0xff, 0xfe, 0x00]).is_err());
}

#[test]
fn a_line_without_end_does_not_fill_the_memory() {
    let mut text = csv().lines().next().unwrap().to_owned();
    text.push_str("\n`");
    text.push_str(&"x".repeat(200_000));
    assert!(failure(&text).reason.contains("too long"));
}

proptest! {
    /// Altering any one digit of any amount is noticed.
    #[test]
    fn one_altered_digit_in_an_amount_is_noticed(row in 1usize..=40, which in 0usize..4, step in 1u8..10) {
        let column = [12, 16, 22, 24][which];
        let text = edited_field(row + 1, column, |value| {
            let place = value.find(|c: char| c.is_ascii_digit()).unwrap();
            let digit = value.as_bytes()[place] - b'0';
            let mut value = value.to_owned();
            value.replace_range(place..=place, &((digit + step) % 10).to_string());
            value
        });
        prop_assert!(read_all(&text).is_err());
    }

    #[test]
    fn no_bytes_make_the_reader_panic_or_go_on_for_ever(data in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(reader) = BillReader::new(data.as_slice(), scope()) {
            prop_assert!(reader.count() <= 600);
        }
    }

    #[test]
    fn a_patched_bill_is_never_accepted_with_other_money(at in 0usize..8_000, byte: u8) {
        let (expected, _) = read_all(csv()).unwrap();
        let mut data = bytes("wechat/trade_bill.csv");
        if let Some(place) = data.get_mut(at) {
            *place = byte;
        }
        if let Ok((rows, _)) = read_all(&data) {
            let money = |rows: &[BillRow]| -> Vec<_> {
                rows.iter().map(|r| (r.amount, r.settlement_amount, r.fee_e5)).collect()
            };
            prop_assert_eq!(money(&rows), money(&expected));
        }
    }
}
