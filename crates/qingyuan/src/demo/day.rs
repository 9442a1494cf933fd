//! What happens on a day of trade and on the morning after it.

use super::world::{PAYERS, World};
use crate::connectors::{UNIONPAY_MERCHANT, WECHAT_MERCHANT};
use crate::failure::Failure;
use calendar::{BusinessDate, instant_at};
use domain::merchant::Profile;
use indicatif::ProgressBar;
use jiff::{SignedDuration, Timestamp};
use money::Money;
use sandbox::wechat::{Difference, PlantOrder};
use sandbox::{ApiOperation, Fault, FaultSwitch, Trigger};
use serde_json::{Value, json};

/// Minutes between two looks at the world.
const STEP_MINUTES: i64 = 5;
/// Trade from 10:00 to 22:30.
const STEPS: u32 = 150;

/// The institution's own money in the reserve: more than any order of the demo.
const PAID_IN: Money = Money::cny(100_000);

/// What was asked for on a day.
#[derive(Debug, Clone, Default)]
pub struct DayLog {
    /// Orders taken.
    pub orders: u64,
    /// Refunds asked for and accepted.
    pub refunds: u64,
    /// Refunds asked for and refused, with a reason a merchant understands.
    pub refunds_refused: u64,
}

/// Opens the books and the three merchants, and switches the channels' mishaps on.
pub async fn opening(world: &mut World) -> Result<(), Failure> {
    super::facts::set_up(&world.engine).await?;
    super::facts::pay_in(&world.engine, PAID_IN).await?;
    let bazaar = merchant(
        world,
        "bazaar",
        "清源集市 Qingyuan Bazaar",
        "6222020200112230001",
    )
    .await?;
    let books = merchant(
        world,
        "books",
        "墨香书店 Ink & Paper Books",
        "6222020200112230002",
    )
    .await?;
    let tea = merchant(world, "tea", "山前茶社 Foothill Tea", "6222020200112230003").await?;
    world.merchants = vec![books, tea, bazaar];
    for (fault, ppm) in mishaps() {
        let switch = FaultSwitch {
            merchant_id: None,
            operation: None,
            fault,
            trigger: Trigger::Ppm(ppm),
        };
        world
            .sandbox
            .with_wechat(|core| core.faults_mut().switch_on(switch));
    }
    for (operation, ppm) in [
        (ApiOperation::CreateOrder, 10_000),
        (ApiOperation::Refund, 20_000),
    ] {
        let switch = FaultSwitch {
            merchant_id: None,
            operation: Some(operation),
            fault: Fault::DropAfterProcessing { hang_millis: 0 },
            trigger: Trigger::Ppm(ppm),
        };
        world
            .sandbox
            .with_wechat(|core| core.faults_mut().switch_on(switch));
    }
    Ok(())
}

/// Notifications that go wrong, in parts per million.
fn mishaps() -> [(Fault, u32); 4] {
    [
        (Fault::LoseNotification, 30_000),
        (
            Fault::DelayNotification {
                millis: 20 * 60_000,
            },
            30_000,
        ),
        (Fault::DuplicateNotification, 30_000),
        (Fault::ProbeNotification, 5_000),
    ]
}

async fn merchant(
    world: &World,
    number: &str,
    name: &str,
    account: &str,
) -> Result<String, Failure> {
    let holder = name.split_once(' ').map_or(name, |(chinese, _)| chinese);
    let body = json!({
        "external_number": number,
        "name": name,
        "fee_schedule": {"rate": 6_000, "min": 1},
        "refund_returns_fee": true,
        "settlement_cycle": "T+1",
        "settlement_account": {"account_number": account, "holder": format!("{holder}有限公司"), "corporate": true, "owner": "merchant"},
        "split_share_max": 1_000_000,
        "late_success": "refund",
        "profile": Profile::ordinary(),
    });
    let created = world
        .post("/v1/merchants", &format!("open-{number}"), &body)
        .await?;
    text(&created, "id")
}

fn text(value: &Value, field: &str) -> Result<String, Failure> {
    let text = value.get(field).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| Failure::other(format!("our API answered without {field}: {value}")))
}

/// A day of trade, from ten in the morning until the last payer is through.
pub async fn business_day(
    world: &mut World,
    date: BusinessDate,
    payments: u32,
    bar: &ProgressBar,
) -> Result<DayLog, Failure> {
    let mut day = Day {
        date,
        log: DayLog::default(),
        taken: Vec::new(),
        refunded: 0,
    };
    let opening = instant_at(date, 10, 0, 0);
    for step in 0..STEPS {
        world.set_time(opening + SignedDuration::from_mins(STEP_MINUTES * i64::from(step)));
        world.settle_down().await?;
        if step == STEPS / 2 {
            day.late_success(world).await?;
        }
        let share = payments * (step + 1) / STEPS - payments * step / STEPS;
        day.orders(world, share).await?;
        bar.inc(u64::from(share));
        world.settle_down().await?;
        day.refunds(world).await?;
    }
    // Expiry of unpaid orders, late notifications, refunds under way: until half past two at night.
    for half_hour in 0..8 {
        world.set_time(instant_at(date, 22, 40, 0) + SignedDuration::from_mins(30 * half_hour));
        world.settle_down().await?;
    }
    Ok(day.log)
}

struct Day {
    date: BusinessDate,
    log: DayLog,
    /// Payments and their amounts in fen, oldest first.
    taken: Vec<(String, i64)>,
    /// How many of them were looked at for a refund.
    refunded: usize,
}

impl Day {
    fn number(&self, what: &str) -> String {
        format!("{what}-{}-{:04}", self.date.to_yyyymmdd(), self.log.orders)
    }

    async fn orders(&mut self, world: &World, count: u32) -> Result<(), Failure> {
        let mut requests = Vec::new();
        for _ in 0..count {
            self.log.orders += 1;
            requests.push((self.number("O"), self.order(world, self.log.orders)));
        }
        let answers = requests
            .iter()
            .map(|(key, body)| world.post("/v1/payments", key, body));
        for answer in futures_util::future::join_all(answers).await {
            let payment = answer?;
            let amount = payment
                .pointer("/amount/amount")
                .and_then(Value::as_i64)
                .unwrap_or(0);
            self.taken.push((text(&payment, "id")?, amount));
        }
        Ok(())
    }

    /// The n-th order: a seller's own with a commission for the platform, or a basket that the
    /// platform shares out between both sellers.
    fn order(&self, world: &World, n: u64) -> Value {
        let amount = 100 + (n * 7_919 % 49_000) as i64;
        let receiver = |index: usize, kind: &str, ppm: u32| json!({"merchant": world.merchants.get(index), "kind": kind, "share": {"proportion": ppm}});
        let (main, receivers) = match n % 4 {
            0 => (
                2,
                json!([
                    receiver(0, "seller", 550_000),
                    receiver(1, "seller", 400_000)
                ]),
            ),
            1 => (0, json!([receiver(2, "commission", 50_000)])),
            2 => (1, json!([receiver(2, "commission", 50_000)])),
            _ => (0, Value::Null),
        };
        let description = match main {
            0 => "一本书",
            1 => "一盒茶",
            _ => "书与茶",
        };
        let mut body = json!({
            "merchant": world.merchants.get(main),
            "order_number": self.number("O"),
            "amount": {"amount": amount, "currency": "CNY"},
            "channel": "wechat",
            "description": description,
        });
        if let (Some(fields), true) = (body.as_object_mut(), receivers.is_array()) {
            fields.insert("split_plan".into(), json!({"receivers": receivers}));
        }
        body
    }

    /// One payment in twenty is given back, every other time only a third of it.
    async fn refunds(&mut self, world: &World) -> Result<(), Failure> {
        while self.refunded + 30 < self.taken.len() {
            self.refunded += 1;
            if !self.refunded.is_multiple_of(20) {
                continue;
            }
            let Some((payment, amount)) = self.taken.get(self.refunded) else {
                continue;
            };
            let whole = self.refunded.is_multiple_of(40);
            let amount = if whole { *amount } else { amount / 3 };
            let body = json!({
                "refund_number": format!("R-{}-{:04}", self.date.to_yyyymmdd(), self.refunded),
                "amount": {"amount": amount, "currency": "CNY"},
                "reason": if whole { "退货" } else { "少发一件" },
            });
            let path = format!("/v1/payments/{payment}/refunds");
            match world
                .try_post(&path, &format!("refund-{payment}"), &body)
                .await?
            {
                Ok(_) => self.log.refunds += 1,
                // Not paid (yet): nothing to give back.
                Err(_) => self.log.refunds_refused += 1,
            }
        }
        Ok(())
    }

    /// An order that the merchant closes, and that the channel reports paid after it acknowledged the close.
    async fn late_success(&mut self, world: &mut World) -> Result<(), Failure> {
        world.set_payers(None);
        self.log.orders += 1;
        let body = self.order(world, self.log.orders);
        let payment = world.post("/v1/payments", &self.number("O"), &body).await?;
        let id = text(&payment, "id")?;
        world.settle_down().await?;
        world.sandbox.with_wechat(|core| {
            core.faults_mut().switch_on(FaultSwitch {
                merchant_id: Some(WECHAT_MERCHANT.into()),
                operation: Some(ApiOperation::CloseOrder),
                fault: Fault::PayAfterClose { millis: 90_000 },
                trigger: Trigger::Next(1),
            });
        });
        world
            .post(
                &format!("/v1/payments/{id}/close"),
                &format!("close-{id}"),
                &json!({}),
            )
            .await?;
        world.settle_down().await?;
        world.set_payers(Some(PAYERS));
        Ok(())
    }
}

/// The morning after: the bill is fetched and reconciled, the day is closed, takings are settled and
/// paid out over UnionPay.
pub async fn next_morning(
    world: &mut World,
    morning: BusinessDate,
    traded: BusinessDate,
    plant: bool,
) -> Result<(), Failure> {
    at(world, instant_at(morning, 9, 10, 0)).await?;
    if plant {
        for difference in [
            Difference::DropLine,
            Difference::ChangeAmount { by_fen: 100 },
            Difference::ForeignLine { amount_fen: 8_800 },
        ] {
            let order = PlantOrder {
                merchant_id: WECHAT_MERCHANT.into(),
                bill_date: traded,
                number: None,
                difference,
            };
            world
                .sandbox
                .with_wechat(|core| core.plant(&order))
                .map_err(Failure::other)?;
        }
    }
    let reconciled = world.reconcile(traded).await?;
    world.reconciliations.push(reconciled);
    // One payout is accepted with "unknown" and one is slow: both must be asked after, never repeated.
    for fault in [
        Fault::PayoutUnknown {
            resp_code: "05".into(),
        },
        Fault::PayoutDelayed { millis: 600_000 },
    ] {
        let switch = FaultSwitch {
            merchant_id: Some(UNIONPAY_MERCHANT.into()),
            operation: None,
            fault,
            trigger: Trigger::Next(1),
        };
        world
            .sandbox
            .with_unionpay(|core| core.faults_mut().switch_on(switch));
    }
    world
        .post(
            "/v1/days",
            &format!("turn-{morning}"),
            &json!({"to": morning.to_string()}),
        )
        .await?;
    for minute in [10, 11, 12, 15, 20, 30, 45] {
        at(world, instant_at(morning, 9, minute, 0)).await?;
    }
    Ok(())
}

async fn at(world: &mut World, time: Timestamp) -> Result<(), Failure> {
    world.set_time(time);
    world.settle_down().await
}
