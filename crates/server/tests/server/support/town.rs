//! A server with channels on its other side, on one clock.
use super::sandboxed::{connectors, sandbox};
use crate::support::{self, Rig, SHOP, answer};
use axum::http::StatusCode;
use sandbox::wechat::WechatSettings;
use sandbox::{RunningSandbox, SimClock};
use serde_json::{Value, json};
use server::{ServerConfig, WebhookConfig};
use testing::receiver::{Received, Receiver};

pub struct Town {
    pub rig: Rig,
    pub sandbox: RunningSandbox,
    pub clock: SimClock,
    /// Receives WeChat's notifications in the server's stead.
    pub postbox: Receiver,
}

impl Town {
    pub async fn start() -> Town {
        Town::with(WechatSettings::default()).await
    }

    pub async fn with(wechat: WechatSettings) -> Town {
        let (clock, sandbox) = sandbox(wechat).await;
        let (postbox, postbox_url) = Receiver::start(StatusCode::OK).await;
        let config = ServerConfig {
            webhooks: WebhookConfig {
                allow_private: true,
                ..WebhookConfig::default()
            },
            ..ServerConfig::default()
        };
        let connect =
            |url: &str| connectors(&sandbox, &postbox_url, &format!("{url}/notify/unionpay"));
        let rig = Rig::with(connect, config).await;
        Town {
            rig,
            sandbox,
            clock,
            postbox,
        }
    }

    pub fn advance(&self, seconds: i64) {
        let now = self.clock.now() + jiff::SignedDuration::from_secs(seconds);
        self.clock.set(now);
        self.rig.clock.set(now);
    }

    pub async fn order(&mut self, number: &str, amount: i64) -> String {
        let body = json!({"order_number": number, "amount": {"amount": amount, "currency": "CNY"},
            "channel": "wechat", "description": "两本书"});
        let id = self
            .rig
            .post("/v1/payments", SHOP, number, &body)
            .await
            .expect(201)
            .id();
        self.rig.work().await;
        id
    }

    /// The payer pays; answers WeChat's notification.
    pub async fn pay(&self, payment: &str) -> Received {
        let merchant = self.channel_merchant();
        let number = payment.strip_prefix("pay_").unwrap();
        let now = self.clock.now();
        self.sandbox
            .with_wechat(|core| core.pay(&merchant, number, now))
            .unwrap();
        self.sandbox.tick().await;
        self.postbox.take().pop().expect("a notification")
    }

    pub async fn forward(&self, (headers, body): &Received) -> support::Answer {
        let mut request = self
            .rig
            .client()
            .post(self.rig.url("/notify/wechat/1900000001"));
        for (name, value) in headers {
            if name.as_str().starts_with("wechatpay") || name == "content-type" {
                request = request.header(name, value);
            }
        }
        answer(request.body(body.clone())).await
    }

    pub async fn refund(&self, payment: &str, number: &str, amount: i64) -> String {
        let body =
            json!({"refund_number": number, "amount": {"amount": amount, "currency": "CNY"}});
        let path = format!("/v1/payments/{payment}/refunds");
        let made = self.rig.post(&path, SHOP, number, &body).await;
        made.expect(201).id()
    }

    pub async fn payment(&self, id: &str) -> Value {
        self.rig
            .get(&format!("/v1/payments/{id}"), SHOP)
            .await
            .expect(200)
            .body
    }

    pub async fn stop(self) {
        self.rig.stop().await;
        self.sandbox.stop().await;
    }

    /// Our number as a merchant of WeChat's.
    pub fn channel_merchant(&self) -> String {
        let own = self.sandbox.parameters().demo_merchants.unwrap();
        own.wechat[0].merchant_id.clone()
    }
}
