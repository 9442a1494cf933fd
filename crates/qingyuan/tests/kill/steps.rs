//! What is done under load, whatever the book is kept in.

use crate::World;
use crate::checks::{self, Listed};
use crate::load::{CHECKER, FINANCE, GROUP, OPERATOR, RECEIVED};
use crate::promises::What;
use crate::support::http::{Answer, Call};
use serde_json::json;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

impl World {
    /// Waits until so many more requests are answered.
    pub async fn under_load(&self, answers: u64) {
        let answered = &self.load.promises.answered;
        let goal = answered.load(Ordering::Relaxed) + answers;
        let deadline = Instant::now() + Duration::from_secs(120);
        while answered.load(Ordering::Relaxed) < goal {
            assert!(Instant::now() < deadline, "the load does not get through");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Ends the load and waits for what is under way in the book; how many requests were set aside until now, and
    /// everything as the API lists it.
    pub async fn come_to_an_end(&self, mut clients: JoinSet<()>) -> (usize, Listed) {
        let load = &self.load;
        load.stopped.store(true, Ordering::Relaxed);
        while let Some(ended) = clients.join_next().await {
            ended.unwrap();
        }
        let later = load.promises.send_later(&load.client).await;
        checks::late_repeats_change_nothing(self).await;
        (later, checks::come_to_rest(self).await)
    }

    /// Closes the business date; what is due is settled, and the third merchant paid out.
    pub async fn turn_day(&self) {
        let now = self.get("/v1/days/current").await;
        let date: calendar::BusinessDate = now.text("date").parse().unwrap();
        if date > calendar::shanghai_date(jiff::Timestamp::now()) {
            return;
        }
        let to = date.next().to_string();
        let call = Call {
            token: OPERATOR,
            path: "/v1/days".into(),
            key: format!("turn-{to}"),
            body: json!({"to": to}),
        };
        let load = &self.load;
        let answer = load.promises.insist(&load.client, What::Day, call).await;
        assert!(answer.accepted(), "{answer:?}");
    }

    /// A reading that is tried until it is answered.
    pub async fn get(&self, path: &str) -> Answer {
        self.load.client.get_until_answered(OPERATOR, path).await
    }

    /// The channel's money for each part of the book, so that no payout waits for the reserve.
    async fn fill_reserve(&self) {
        let today = calendar::shanghai_date(jiff::Timestamp::now());
        for (day, merchant) in (1..).zip(&self.load.merchants) {
            let call = Call {
                token: FINANCE,
                path: "/v1/clearings".into(),
                key: format!("fill-{merchant}"),
                body: json!({"channel": "wechat", "clearing_date": today.plus_days(-day).to_string(),
                    "gross": {"amount": RECEIVED, "currency": "CNY"},
                    "refunds": {"amount": 0, "currency": "CNY"},
                    "channel_fee": {"amount": 0, "currency": "CNY"},
                    "bill_hash": "9b74c9897bac770ffc029102a200c5de", "for_object": merchant}),
            };
            let (proposed, _) = self.load.client.post_until_answered(&call).await;
            let proposal = proposed.text("proposal");
            let approval = Call {
                token: CHECKER,
                path: format!("/v1/proposals/{proposal}/approve"),
                key: format!("approve-{merchant}"),
                body: json!({}),
            };
            let (answer, _) = self.load.client.post_until_answered(&approval).await;
            assert!(answer.accepted(), "{answer:?}");
        }
    }

    /// Takings of ten million yuan each, settled: enough for every payout of the longest run.
    pub async fn fund(&self) {
        self.fill_reserve().await;
        let mut paid = Vec::new();
        let asking = |merchant: &usize| merchant % GROUP != 2;
        for merchant in (0..self.load.merchants.len()).filter(asking) {
            let call = self
                .load
                .order(&format!("fund-{merchant}"), merchant, 1_000_000_000);
            let load = &self.load;
            let answer = load.promises.insist(&load.client, What::Payment, call);
            paid.push(answer.await.text("id").to_owned());
        }
        let deadline = Instant::now() + Duration::from_secs(60);
        for payment in paid {
            while self
                .get(&format!("/v1/payments/{payment}"))
                .await
                .text("status")
                != "succeeded"
            {
                assert!(Instant::now() < deadline, "{payment} is not paid");
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        }
        self.turn_day().await;
        // Settlement follows the turn by its timer.
        let merchants = self.load.merchants.iter().enumerate();
        for (_, merchant) in merchants.filter(|(number, _)| asking(number)) {
            let path = format!("/v1/settlements?merchant={merchant}");
            while self.get(&path).await.body["items"] == json!([]) {
                assert!(Instant::now() < deadline, "{merchant} is not settled");
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        }
    }
}
