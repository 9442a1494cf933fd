//! Payment lives: an order taken, registered at the channel, paid, and booked with its fee and a
//! split three ways (the merchant, a second one, the platform).

use super::channel::PaidNotice;
use super::ids::Ids;
use super::load::Client;
use super::wire;
use super::world::{World, headers};
use crate::failure::Failure;
use serde_json::{Value, json};
use server::Role;
use std::sync::Arc;

/// What each order costs, in fen.
const AMOUNT: i64 = 12_345;

const CREATE: &str = "/v1/payments";
const NOTIFY: &str = "/notify/wechat";

/// The parts of an order's body around its number, by merchant.
pub struct Templates(Vec<(String, String)>);

impl Templates {
    /// Makes so many merchants that sell, and the platform.
    pub fn new(world: &World, merchants: u64) -> Result<Templates, Failure> {
        let platform = world.merchant("platform")?;
        let sellers = (0..merchants)
            .map(|number| world.merchant(&format!("seller-{number}")))
            .collect::<Result<Vec<_>, _>>()?;
        let order = |(position, seller): (usize, &String)| {
            let second = sellers.get((position + 1) % sellers.len());
            let body = json!({
                "merchant": seller,
                "order_number": "?",
                "amount": {"amount": AMOUNT, "currency": "CNY"},
                "channel": "wechat",
                "description": "两本书",
                "split_plan": {"receivers": [
                    {"merchant": second, "kind": "seller", "share": {"proportion": 300_000}},
                    {"merchant": platform, "kind": "platform", "share": {"proportion": 50_000}},
                ]},
            })
            .to_string();
            let (before, after) = body.split_once('?').unwrap_or_default();
            (before.to_owned(), after.to_owned())
        };
        Ok(Templates(sellers.iter().enumerate().map(order).collect()))
    }
}

/// One client: takes an order, then says as the channel that it is paid.
pub struct LifeClient {
    templates: Arc<Templates>,
    ids: Ids,
    next: usize,
    body: Vec<u8>,
    /// The payment that is under way; empty between two lives.
    payment: String,
    /// The last one that was booked.
    last: String,
}

impl LifeClient {
    /// The client of a number.
    pub fn new(templates: Arc<Templates>, number: u64) -> LifeClient {
        LifeClient {
            templates,
            ids: Ids::new(number),
            next: number as usize,
            body: Vec::new(),
            payment: String::new(),
            last: String::new(),
        }
    }

    /// Compares the last life with what a life has to leave behind.
    pub fn check(&self, world: &World) -> Result<(), Failure> {
        if self.last.is_empty() {
            return Ok(());
        }
        let payment = world.payment(&self.last)?;
        let text = |name: &str| payment.get(name).and_then(Value::as_str);
        let fee = payment.pointer("/fee/amount").and_then(Value::as_i64);
        // 0.6 % of 123.45 yuan.
        if text("status") == Some("succeeded") && text("split").is_some() && fee == Some(74) {
            return Ok(());
        }
        Err(Failure::other(format!(
            "a life ended without its booking: {payment}"
        )))
    }

    fn create(&mut self, out: &mut Vec<u8>) -> &'static str {
        let number = self.ids.next();
        self.next += 1;
        let templates = &self.templates.0;
        self.body.clear();
        if let Some((before, after)) = templates.get(self.next % templates.len().max(1)) {
            self.body.extend_from_slice(before.as_bytes());
            self.body.extend_from_slice(number.as_bytes());
            self.body.extend_from_slice(after.as_bytes());
        }
        wire::post(out, CREATE, &headers(Role::Operator, &number), &self.body);
        CREATE
    }

    fn notify(&mut self, out: &mut Vec<u8>) -> &'static str {
        let order = self.payment.trim_start_matches("pay_");
        self.body.clear();
        // Writing into memory does not fail; trade numbers are as unique as orders.
        let _ = serde_json::to_writer(
            &mut self.body,
            &PaidNotice {
                order,
                number: order,
                amount: AMOUNT,
            },
        );
        wire::post(out, NOTIFY, "", &self.body);
        NOTIFY
    }
}

impl Client for LifeClient {
    fn request(&mut self, out: &mut Vec<u8>) -> &'static str {
        if self.payment.is_empty() {
            self.create(out)
        } else {
            self.notify(out)
        }
    }

    fn answered(&mut self, body: &[u8]) -> Result<bool, Failure> {
        if !self.payment.is_empty() {
            std::mem::swap(&mut self.last, &mut self.payment);
            self.payment.clear();
            return Ok(true);
        }
        let id = id_in(body).ok_or_else(|| Failure::other("a payment without id"))?;
        self.payment.push_str(id);
        Ok(false)
    }
}

/// The payment's id: the first field of the answer.
fn id_in(body: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(body).ok()?;
    text.strip_prefix("{\"id\":\"")?.split('"').next()
}
