//! The trade bill: written from the books, readable, and with planted differences.

use crate::support::wechat::{MERCHANT, core, day, fault, order, paid, refund, start};
use calendar::instant_at;
use jiff::SignedDuration;
use proptest::prelude::*;
use sandbox::wechat::{
    BillQuery, Difference, PlantError, PlantOrder, PlantedDifference, WechatCore,
};
use sandbox::{Fault, Trigger};
use std::collections::BTreeMap;
use std::io::Read as _;

type Row = BTreeMap<String, String>;

fn fields(line: &str) -> Vec<&str> {
    line.strip_prefix('`').unwrap().split(",`").collect()
}

/// Rows and summary of a bill by column name, read independently of the writer.
fn read(text: &str) -> (Vec<Row>, Row) {
    let lines: Vec<&str> = text.lines().collect();
    let (header, rest) = lines.split_first().unwrap();
    let [rows @ .., summary_header, summary] = rest else {
        panic!("no summary in {text}")
    };
    let named = |header: &str, line: &str| {
        let names: Vec<&str> = header.split(',').collect();
        let values = fields(line);
        assert_eq!(names.len(), values.len(), "{line}");
        names
            .into_iter()
            .map(str::to_owned)
            .zip(values.into_iter().map(str::to_owned))
            .collect::<Row>()
    };
    let rows = rows.iter().map(|line| named(header, line)).collect();
    (rows, named(summary_header, summary))
}

/// Yuan with any number of decimals as hundred-thousandths, so that nothing is rounded.
fn parts(yuan: &str) -> i64 {
    let (sign, size) = match yuan.strip_prefix('-') {
        Some(size) => (-1, size),
        None => (1, yuan),
    };
    let (whole, decimals) = size.split_once('.').unwrap();
    sign * format!("{whole}{decimals:0<5}").parse::<i64>().unwrap()
}

fn sum(rows: &[Row], column: &str) -> i64 {
    rows.iter().map(|row| parts(&row[column])).sum()
}

fn query(tar_type: Option<&str>) -> BillQuery {
    BillQuery {
        bill_date: day().to_string(),
        bill_type: None,
        tar_type: tar_type.map(str::to_owned),
    }
}

fn plant(
    core: &mut WechatCore,
    difference: Difference,
    number: Option<&str>,
) -> Result<PlantedDifference, PlantError> {
    core.plant(&PlantOrder {
        merchant_id: MERCHANT.to_owned(),
        bill_date: day(),
        number: number.map(str::to_owned),
        difference,
    })
}

/// A day's doings: amount of each order, and what part of it is refunded, in tenths.
fn doings() -> impl Strategy<Value = Vec<(i64, i64, i64)>> {
    prop::collection::vec((1..5_000_000_i64, 0..=10_i64, 0..=10_i64), 0..30)
}

proptest! {
    #[test]
    fn the_bill_adds_up_to_the_books(doings in doings()) {
        let mut core = core(1);
        for (i, (fen, first, second)) in doings.iter().enumerate() {
            let number = format!("order{i:03}");
            paid(&mut core, &number, *fen, start());
            for (name, tenths) in [("a", first), ("b", second)] {
                let back = fen * tenths / 10;
                // A refund beyond the order is refused, which must leave no trace in the bill.
                let _ = core.refund(MERCHANT, refund(&number, &format!("{name}{i}"), back, *fen), start());
            }
        }
        let later = start() + SignedDuration::from_secs(60);
        core.tick(later);
        let totals = core.books(MERCHANT).unwrap().totals(day());
        let text = core.bill_text(MERCHANT, day());
        prop_assert_eq!(text.is_none(), doings.is_empty());
        let Some(text) = text else { return Ok(()) };
        let (rows, summary) = read(&text);
        prop_assert_eq!(rows.len() as u64, totals.count);
        prop_assert_eq!(summary["总交易单数"].parse::<u64>().unwrap(), totals.count);
        for (column, of_summary, fen) in [
            ("应结订单金额", "应结订单总金额", totals.paid_fen),
            ("退款金额", "退款总金额", totals.refunded_fen),
            ("手续费", "手续费总金额", totals.fee_fen),
            ("订单金额", "订单总金额", totals.paid_fen),
            ("申请退款金额", "申请退款总金额", totals.refunded_fen),
        ] {
            prop_assert_eq!(sum(&rows, column), fen * 1000);
            prop_assert_eq!(parts(&summary[of_summary]), fen * 1000);
        }
        // Never more fee is given back than was taken.
        prop_assert!(totals.fee_fen >= 0);
    }
}

#[test]
fn a_line_says_what_happened() {
    let mut core = core(1);
    let mut order = order("order1", 1_005);
    order.description = "tea, `green`\nand black".to_owned();
    order.attach = Some("shop 7".to_owned());
    core.create_order(MERCHANT, order, start()).unwrap();
    let payment = core.pay(MERCHANT, "order1", start()).unwrap();
    core.refund(MERCHANT, refund("order1", "r1", 1_005, 1_005), start())
        .unwrap();
    core.tick(start() + SignedDuration::from_secs(10));
    let text = core.bill_text(MERCHANT, day()).unwrap();
    assert_eq!(text.lines().next().unwrap().split(',').count(), 27);
    let (rows, _) = read(&text);
    let [paid, refunded] = rows.as_slice() else {
        panic!("two lines, not {rows:?}")
    };
    assert_eq!(paid["交易时间"], "2026-03-02 10:00:00");
    assert_eq!(paid["微信订单号"], payment.transaction_id);
    assert_eq!(paid["商户订单号"], "order1");
    assert_eq!(paid["交易状态"], "SUCCESS");
    assert_eq!(paid["应结订单金额"], "10.05");
    assert_eq!(paid["商品名称"], "tea, `green` and black");
    assert_eq!(paid["商户数据包"], "shop 7");
    assert_eq!(
        (paid["手续费"].as_str(), paid["费率"].as_str()),
        ("0.06000", "0.60%")
    );
    assert_eq!(
        (paid["微信退款单号"].as_str(), paid["退款状态"].as_str()),
        ("0", "")
    );
    assert_eq!(refunded["交易时间"], "2026-03-02 10:00:03");
    assert_eq!(refunded["交易状态"], "REFUND");
    assert_eq!(refunded["商户退款单号"], "r1");
    assert_eq!(
        (refunded["退款金额"].as_str(), refunded["手续费"].as_str()),
        ("10.05", "-0.06000")
    );
    assert_eq!(
        (
            refunded["应结订单金额"].as_str(),
            refunded["退款状态"].as_str()
        ),
        ("0.00", "SUCCESS")
    );
}

/// A connector's reconciliation that takes every line for a success must not get by.
#[test]
fn refunds_that_moved_no_money_are_lines_that_say_so() {
    let mut core = core(1);
    core.set_refund_millis(2 * 3_600_000);
    paid(&mut core, "order1", 1_000, start());
    let late = instant_at(day(), 23, 0, 0);
    for (number, strikes, at) in [
        ("abnormal", Some(Fault::RefundAbnormal), start()),
        ("closed", Some(Fault::RefundClosed), start()),
        ("late", None, late),
    ] {
        if let Some(strikes) = strikes {
            fault(&mut core, strikes, Trigger::Next(1));
        }
        core.refund(MERCHANT, refund("order1", number, 100, 1_000), at)
            .unwrap();
    }
    core.tick(instant_at(day().next(), 9, 0, 0));
    let (rows, summary) = read(&core.bill_text(MERCHANT, day()).unwrap());
    let shown: Vec<_> = rows
        .iter()
        .filter(|row| row["交易状态"] == "REFUND")
        .map(|row| {
            [
                "商户退款单号",
                "退款状态",
                "申请退款金额",
                "退款金额",
                "手续费",
            ]
            .map(|column| row[column].as_str())
        })
        .collect();
    assert_eq!(
        shown,
        [
            ["abnormal", "CHANGE", "1.00", "0.00", "0.00000"],
            ["closed", "FAIL", "1.00", "0.00", "0.00000"],
            ["late", "PROCESSING", "1.00", "0.00", "0.00000"],
        ]
    );
    assert_eq!(
        (
            summary["退款总金额"].as_str(),
            summary["申请退款总金额"].as_str()
        ),
        ("0.00", "3.00")
    );
    // The money moves on the next day, and is on that day's bill once.
    let (rows, _) = read(&core.bill_text(MERCHANT, day().next()).unwrap());
    let [row] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    assert_eq!(
        (row["退款状态"].as_str(), row["退款金额"].as_str()),
        ("SUCCESS", "1.00")
    );
}

#[test]
fn a_bill_is_ready_at_nine_on_the_following_day() {
    let mut core = core(1);
    paid(&mut core, "order1", 100, start());
    let mut answer = |now| {
        core.trade_bill(MERCHANT, &query(None), now)
            .map_err(|r| r.code)
    };
    let next = day().next();
    assert_eq!(answer(start()), Err("INVALID_REQUEST"));
    assert_eq!(
        answer(instant_at(next, 8, 59, 59)),
        Err("STATEMENT_CREATING")
    );
    assert!(answer(instant_at(next, 9, 0, 0)).is_ok());
    assert_eq!(
        answer(instant_at(next.plus_days(100), 9, 0, 0)),
        Err("NO_STATEMENT_EXIST")
    );
}

#[test]
fn a_day_without_trades_has_no_bill() {
    let mut core = core(1);
    let now = instant_at(day().next(), 10, 0, 0);
    let refusal = core.trade_bill(MERCHANT, &query(None), now).unwrap_err();
    assert_eq!((refusal.status, refusal.code), (400, "NO_STATEMENT_EXIST"));
}

#[test]
fn the_file_is_for_its_merchant_and_five_minutes() {
    let mut core = core(1);
    paid(&mut core, "order1", 100, start());
    let now = instant_at(day().next(), 10, 0, 0);
    let location = core
        .trade_bill(MERCHANT, &query(Some("GZIP")), now)
        .unwrap();
    let content = core.download_bill(MERCHANT, &location.token, now).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(content.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(channels::crypto::sha1_hex(text.as_bytes()), location.sha1);
    assert_eq!(text, core.bill_text(MERCHANT, day()).unwrap());
    assert!(
        core.download_bill("1900000002", &location.token, now)
            .is_err()
    );
    assert!(core.download_bill(MERCHANT, "guess", now).is_err());
    let late = now + SignedDuration::from_secs(301);
    assert!(core.download_bill(MERCHANT, &location.token, late).is_err());
}

#[test]
fn planted_differences_are_in_the_file_and_not_in_the_books() {
    let mut core = core(1);
    for i in 0..5 {
        paid(&mut core, &format!("order{i}"), 1_000, start());
    }
    let booked = core.books(MERCHANT).unwrap().totals(day());
    plant(&mut core, Difference::DropLine, Some("order1")).unwrap();
    plant(
        &mut core,
        Difference::ChangeAmount { by_fen: -1 },
        Some("order2"),
    )
    .unwrap();
    let foreign = plant(&mut core, Difference::ForeignLine { amount_fen: 77 }, None).unwrap();

    let (rows, summary) = read(&core.bill_text(MERCHANT, day()).unwrap());
    let amounts: BTreeMap<&str, &str> = rows
        .iter()
        .map(|row| (row["商户订单号"].as_str(), row["应结订单金额"].as_str()))
        .collect();
    let expected = [
        ("order0", "10.00"),
        ("order2", "9.99"),
        ("order3", "10.00"),
        ("order4", "10.00"),
        (foreign.out_trade_no.as_str(), "0.77"),
    ];
    assert_eq!(amounts, BTreeMap::from(expected));
    assert_eq!(summary["应结订单总金额"], "40.76");
    assert_eq!(core.books(MERCHANT).unwrap().totals(day()), booked);
    let recorded: Vec<_> = core
        .planted()
        .iter()
        .map(|p| (p.booked_fen, p.written_fen))
        .collect();
    assert_eq!(
        recorded,
        [
            (Some(1_000), None),
            (Some(1_000), Some(999)),
            (None, Some(77))
        ]
    );
}

#[test]
fn a_line_is_changed_once_and_amounts_stay_positive() {
    let mut core = core(1);
    paid(&mut core, "order1", 100, start());
    let too_low = plant(&mut core, Difference::ChangeAmount { by_fen: -100 }, None);
    assert_eq!(too_low, Err(PlantError::Amount(0)));
    plant(&mut core, Difference::DropLine, None).unwrap();
    assert_eq!(
        plant(&mut core, Difference::DropLine, None),
        Err(PlantError::NoLine)
    );
    assert_eq!(core.planted().len(), 1);
    assert_eq!(core.bill_text(MERCHANT, day()), None);
}
