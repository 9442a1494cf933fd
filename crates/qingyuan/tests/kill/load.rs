//! Clients of all kinds at the same time.

use crate::promises::{Promises, What};
use crate::setup::account_on_file;
use crate::support::Dice;
use crate::support::http::{Call, Client};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;

pub const OPERATOR: &str = "operator-token-of-the-kill-test";
pub const FINANCE: &str = "finance-token-of-the-kill-test";
pub const CHECKER: &str = "checker-token-of-the-kill-test";
pub const LEDGER: &str = "ledger-token-of-the-kill-test";
/// What the channel paid over, in fen, for each merchant.
pub const RECEIVED: i64 = 1_000_000_000_000;
/// Merchants of a group: two that ask for payouts, one that is paid out by settlement.
pub const GROUP: usize = 3;
/// Merchants' own keys, in the order of [`Load::merchants`].
pub const MERCHANT_KEYS: [&str; 4 * GROUP] = [
    "shop-0-token",
    "stall-0-token",
    "market-0-token",
    "shop-1-token",
    "stall-1-token",
    "market-1-token",
    "shop-2-token",
    "stall-2-token",
    "market-2-token",
    "shop-3-token",
    "stall-3-token",
    "market-3-token",
];

/// What the clients share.
pub struct Load {
    pub client: Client,
    pub promises: Promises,
    /// Three of each group, group by group.
    pub merchants: Vec<String>,
    /// Accounts of the ledger's client, by group.
    pub accounts: Vec<Vec<u64>>,
    pub stopped: AtomicBool,
    pub seed: u64,
    /// Payments that may be refunded one day.
    refundable: Mutex<VecDeque<(String, usize, i64)>>,
}

impl Load {
    pub fn new(client: Client, merchants: Vec<String>, accounts: Vec<Vec<u64>>, seed: u64) -> Load {
        Load {
            client,
            promises: Promises::default(),
            merchants,
            accounts,
            stopped: AtomicBool::new(false),
            seed,
            refundable: Mutex::default(),
        }
    }

    fn group(&self, dice: &mut Dice) -> usize {
        dice.roll(self.accounts.len() as u64) as usize
    }

    /// Starts all clients; they end after `stopped` is set.
    pub fn start(self: &Arc<Self>) -> JoinSet<()> {
        let mut clients = JoinSet::new();
        for number in 0..3 {
            clients.spawn(self.clone().orders(number));
        }
        clients.spawn(self.clone().refunds());
        clients.spawn(self.clone().payouts());
        for number in 0..2 {
            clients.spawn(self.clone().transfers(number));
        }
        clients.spawn(self.clone().batches());
        clients
    }

    /// Dice of one client, and whether to go on after a pause of at most so many milliseconds.
    fn dice(&self, client: u64) -> Dice {
        Dice::new(self.seed ^ (client << 32))
    }

    async fn goes_on(&self, dice: &mut Dice, pause_millis: u64) -> bool {
        tokio::time::sleep(Duration::from_millis(1 + dice.roll(pause_millis))).await;
        !self.stopped.load(Ordering::Relaxed)
    }

    async fn orders(self: Arc<Self>, client: u64) {
        let mut dice = self.dice(client);
        let mut count = 0;
        while self.goes_on(&mut dice, 40).await {
            count += 1;
            let first = GROUP * self.group(&mut dice);
            let merchant = first + dice.roll(3) as usize;
            let amount = 100 + dice.roll(50_000) as i64;
            let mut call = self.order(&format!("O-{client}-{count}"), merchant, amount);
            if merchant != first + 2 && dice.roll(3) == 0 {
                call.body["split_plan"] = json!({"receivers": [
                    {"merchant": self.merchants[first + 2], "kind": "commission", "share": {"proportion": 50_000}}
                ]});
            }
            let answer = self
                .promises
                .ask(&self.client, &mut dice, What::Payment, call);
            if let Some(answer) = answer.await {
                assert!(answer.accepted(), "{answer:?}");
                let payment = (answer.text("id").to_owned(), merchant, amount);
                self.refundable.lock().unwrap().push_back(payment);
            }
        }
    }

    /// An order under the merchant's own key.
    pub fn order(&self, number: &str, merchant: usize, amount: i64) -> Call {
        Call {
            token: MERCHANT_KEYS[merchant],
            path: "/v1/payments".into(),
            key: number.into(),
            body: json!({"order_number": number, "amount": {"amount": amount, "currency": "CNY"},
                "channel": "wechat", "description": "两本书"}),
        }
    }

    /// Every fourth payment is given back, whole or a third of it, once it has succeeded.
    async fn refunds(self: Arc<Self>) {
        let mut dice = self.dice(10);
        let mut count = 0;
        while self.goes_on(&mut dice, 30).await {
            let Some((payment, merchant, amount)) = self.refundable.lock().unwrap().pop_front()
            else {
                continue;
            };
            if dice.roll(4) != 0 {
                continue;
            }
            let token = MERCHANT_KEYS[merchant];
            let found = self
                .client
                .get(token, &format!("/v1/payments/{payment}"))
                .await;
            if !found.is_ok_and(|found| found.body["status"] == "succeeded") {
                self.refundable
                    .lock()
                    .unwrap()
                    .push_back((payment, merchant, amount));
                continue;
            }
            count += 1;
            let number = format!("R-{count}");
            let amount = if dice.roll(2) == 0 {
                amount
            } else {
                amount / 3
            };
            let call = Call {
                token,
                path: format!("/v1/payments/{payment}/refunds"),
                key: number.clone(),
                body: json!({"refund_number": number, "amount": {"amount": amount, "currency": "CNY"}}),
            };
            // The third merchant is paid out by settlement and may have too little: refused is an answer.
            let _ = self
                .promises
                .ask(&self.client, &mut dice, What::Refund, call)
                .await;
        }
    }

    async fn payouts(self: Arc<Self>) {
        let mut dice = self.dice(20);
        let mut count = 0;
        while self.goes_on(&mut dice, 60).await {
            count += 1;
            let number = format!("P-{count}");
            let merchant = GROUP * self.group(&mut dice) + dice.roll(2) as usize;
            // So little that a day's sum never needs a second person.
            let amount = 100 + dice.roll(2_000);
            let mut body = json!({"payout_number": number, "purpose": "货款",
                "amount": {"amount": amount, "currency": "CNY"}});
            let mut token = MERCHANT_KEYS[merchant];
            if dice.roll(2) == 0 {
                // Only the institution says whose an account is.
                token = OPERATOR;
                body["merchant"] = json!(self.merchants[merchant]);
                body["payee"] = account_on_file();
            }
            let call = Call {
                token,
                path: "/v1/payouts".into(),
                key: number,
                body,
            };
            let answer = self
                .promises
                .ask(&self.client, &mut dice, What::Payout, call);
            if let Some(answer) = answer.await {
                assert!(answer.accepted(), "{answer:?}");
            }
        }
    }

    /// Transfers between the client's accounts; some exceed what is there.
    fn transfer(&self, dice: &mut Dice, group: usize, id: u128) -> Value {
        let known = &self.accounts[group];
        let accounts = known.len() as u64;
        let debit = dice.roll(accounts);
        let credit = (debit + 1 + dice.roll(accounts - 1)) % accounts;
        json!({"id": engine::ids::id_text(id), "debit": known[debit as usize],
            "credit": known[credit as usize], "amount": 1 + dice.roll(4_000), "code": 1_001})
    }

    async fn transfers(self: Arc<Self>, client: u64) {
        let mut dice = self.dice(30 + client);
        let mut id = u128::from(client + 1) << 64;
        while self.goes_on(&mut dice, 20).await {
            id += 1;
            let group = self.group(&mut dice);
            let mut body = self.transfer(&mut dice, group, id);
            body["amount"] = json!({"amount": body["amount"], "currency": "CNY"});
            body["reference"] = json!(format!("T-{client}"));
            let call = Call {
                token: LEDGER,
                path: "/v1/transfers".into(),
                key: format!("transfer-{id}"),
                body,
            };
            let _ = self
                .promises
                .ask(&self.client, &mut dice, What::Transfer, call)
                .await;
        }
    }

    async fn batches(self: Arc<Self>) {
        let mut dice = self.dice(40);
        let (mut count, mut id) = (0, 9u128 << 64);
        while self.goes_on(&mut dice, 40).await {
            count += 1;
            let group = self.group(&mut dice);
            let transfers: Vec<Value> = (0..1 + dice.roll(60))
                .map(|_| {
                    id += 1;
                    self.transfer(&mut dice, group, id)
                })
                .collect();
            let call = Call {
                token: LEDGER,
                path: "/v1/transfers/batch".into(),
                key: format!("batch-{count}"),
                body: json!({"currency": "CNY", "linked": count % 2 == 0, "transfers": transfers}),
            };
            let _ = self
                .promises
                .ask(&self.client, &mut dice, What::Batch, call)
                .await;
        }
    }
}
