//! A bill is compared with what was booked, which may be another amount than was asked for.

use crate::support::town::Town;
use crate::support::{FINANCE, SHOP, answer, regulation};
use channels::answer::{Answer as Statement, RefundState};
use channels::operation::ChannelReference;
use engine::runtime::Clock;
use money::Money;
use serde_json::{Value, json};

/// A column of the bill's line about a refund.
fn of_refund(bill: &str, column: &str) -> String {
    let head = bill.lines().next().unwrap().trim_start_matches('\u{feff}');
    let place = head.split(',').position(|name| name == column).unwrap();
    let line = bill.lines().find(|line| line.contains("REFUND")).unwrap();
    let field = line.split(',').nth(place).unwrap();
    field.trim_start_matches('`').to_owned()
}

#[tokio::test]
async fn a_refund_is_compared_with_the_amount_that_was_booked() {
    let mut town = Town::start().await;
    let payment = town.order("A-1", 20_000).await;
    town.pay(&payment).await;
    // The bill knows of the payment; our books learn it here.
    town.advance(60);
    town.rig
        .press(&format!("/v1/payments/{payment}/query"), SHOP, "q1")
        .await;
    town.rig.work().await;
    let refund = town.refund(&payment, "R-1", 10_000).await;
    town.rig.work().await;
    town.advance(3_600);
    town.sandbox.tick().await;
    let day = calendar::BusinessDate::new(2026, 11, 20).unwrap();
    let tomorrow = town.clock.now() + jiff::SignedDuration::from_secs(86_400);
    town.clock.set(tomorrow);
    let merchant = town.channel_merchant();
    let bill = town
        .sandbox
        .with_wechat(|core| core.bill_text(&merchant, day))
        .unwrap();

    // Its notification had said that only 90.00 of the 100.00 went back, and so it was booked.
    let state = RefundState::Succeeded {
        channel_number: of_refund(&bill, "微信退款单号"),
        amount: Money::cny(9_000),
        refunded_at: town.rig.clock.now(),
    };
    let reference = ChannelReference(refund.strip_prefix("ref_").unwrap().to_owned());
    regulation::told(
        &town.rig,
        Statement::Refund {
            refund: reference,
            state,
        },
    )
    .await;
    let path = "/v1/reconciliations/bill?channel=wechat&date=2026-11-20";
    let request = town.rig.client().post(town.rig.url(path));
    let compared = answer(
        request
            .header("authorization", format!("Bearer {FINANCE}"))
            .body(bill),
    )
    .await
    .expect(200)
    .body;
    assert_eq!(
        (&compared["lines"], &compared["matched"]),
        (&json!(2), &json!(1))
    );
    let found: Vec<&Value> = compared["differences"].as_array().unwrap().iter().collect();
    assert_eq!(found.len(), 1, "{compared}");
    assert_eq!(found[0]["finding"], "amount_differs", "{compared}");
    assert_eq!(found[0]["ours"]["amount"], 9_000, "{compared}");
    assert_eq!(found[0]["theirs"]["amount"], 10_000, "{compared}");
    town.stop().await;
}
