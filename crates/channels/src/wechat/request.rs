//! Operations to signed requests.

use super::WechatConnector;
use super::signing::{SCHEME, request_message};
use super::wire::{CloseBody, OrderAmount, OrderBody, RefundAmount, RefundBody};
use crate::connector::{ConnectorError, check_amount, check_reference, check_text, operation_name};
use crate::http::{Method, Request};
use crate::operation::{Channel, ChannelReference, Operation};
use calendar::rfc3339_shanghai;
use jiff::Timestamp;
use money::Money;
use serde::Serialize;
use url::{Position, Url};

const USER_AGENT: &str = concat!("qingyuan/", env!("CARGO_PKG_VERSION"));
const CURRENCY: &str = "CNY";

/// Method, absolute URL and body, before signing.
struct Draft {
    method: Method,
    url: Url,
    body: Vec<u8>,
}

impl WechatConnector {
    pub(super) fn build_request(
        &self,
        operation: &Operation,
        at: Timestamp,
        nonce: &str,
    ) -> Result<Request, ConnectorError> {
        let draft = match operation {
            Operation::CreateOrder {
                order,
                description,
                amount,
                expires_at,
            } => self.create_order(order, description, *amount, *expires_at)?,
            Operation::QueryOrder { order } => {
                let number = check_reference("order", 6, order)?;
                self.get(&format!(
                    "/v3/pay/transactions/out-trade-no/{number}?mchid={}",
                    self.config.merchant_id
                ))?
            }
            Operation::CloseOrder { order } => {
                let number = check_reference("order", 6, order)?;
                let body = CloseBody {
                    mchid: &self.config.merchant_id,
                };
                self.post(
                    &format!("/v3/pay/transactions/out-trade-no/{number}/close"),
                    &body,
                )?
            }
            Operation::Refund {
                order,
                refund,
                amount,
                order_total,
                reason,
            } => self.refund(order, refund, *amount, *order_total, reason.as_deref())?,
            Operation::QueryRefund { refund } => {
                let number = check_reference("refund", 6, refund)?;
                self.get(&format!("/v3/refund/domestic/refunds/{number}"))?
            }
            Operation::TradeBill { date } => self.get(&format!(
                "/v3/bill/tradebill?bill_date={date}&bill_type=ALL&tar_type=GZIP"
            ))?,
            Operation::DownloadBill { url, .. } => Draft {
                method: Method::Get,
                url: self.download_url(url)?,
                body: Vec::new(),
            },
            Operation::Payout { .. } | Operation::QueryPayout { .. } => {
                return Err(ConnectorError::Unsupported {
                    channel: Channel::Wechat,
                    operation: operation_name(operation),
                });
            }
        };
        self.sign(draft, at, nonce)
    }

    fn create_order(
        &self,
        order: &ChannelReference,
        description: &str,
        amount: Money,
        expires_at: Timestamp,
    ) -> Result<Draft, ConnectorError> {
        // The channel's format has whole seconds.
        let whole = Timestamp::from_second(expires_at.as_second()).unwrap_or(expires_at);
        let body = OrderBody {
            appid: &self.config.app_id,
            mchid: &self.config.merchant_id,
            description: check_text("description", 127, description)?,
            out_trade_no: check_reference("order", 6, order)?,
            time_expire: rfc3339_shanghai(whole),
            notify_url: &self.config.notify_url,
            amount: OrderAmount {
                total: check_amount("amount", amount)?,
                currency: CURRENCY,
            },
        };
        self.post("/v3/pay/transactions/native", &body)
    }

    fn refund(
        &self,
        order: &ChannelReference,
        refund: &ChannelReference,
        amount: Money,
        order_total: Money,
        reason: Option<&str>,
    ) -> Result<Draft, ConnectorError> {
        let total = check_amount("order_total", order_total)?;
        let part = check_amount("amount", amount)?;
        if part > total {
            return Err(ConnectorError::Field {
                field: "amount",
                reason: "it is more than the order's total",
            });
        }
        let body = RefundBody {
            out_trade_no: check_reference("order", 6, order)?,
            out_refund_no: check_reference("refund", 6, refund)?,
            reason: reason
                .map(|text| check_text("reason", 80, text))
                .transpose()?,
            notify_url: &self.config.notify_url,
            amount: RefundAmount {
                refund: part,
                total,
                currency: CURRENCY,
            },
        };
        self.post("/v3/refund/domestic/refunds", &body)
    }

    fn get(&self, path_and_query: &str) -> Result<Draft, ConnectorError> {
        Ok(Draft {
            method: Method::Get,
            url: self.url(path_and_query)?,
            body: Vec::new(),
        })
    }

    fn post(&self, path: &str, body: &impl Serialize) -> Result<Draft, ConnectorError> {
        let body = serde_json::to_vec(body).map_err(|_| ConnectorError::Field {
            field: "body",
            reason: "it cannot be written as JSON",
        })?;
        Ok(Draft {
            method: Method::Post,
            url: self.url(path)?,
            body,
        })
    }

    fn url(&self, path_and_query: &str) -> Result<Url, ConnectorError> {
        let base = self.base.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}{path_and_query}")).map_err(|_| ConnectorError::Configuration {
            setting: "base_url",
            reason: "it cannot be extended by a path".to_owned(),
        })
    }

    /// The download address comes from a verified answer, but our signature goes there: only to
    /// the configured host or the channel's own ones.
    fn download_url(&self, text: &str) -> Result<Url, ConnectorError> {
        let refuse = |reason| ConnectorError::Field {
            field: "url",
            reason,
        };
        let url = Url::parse(text).map_err(|_| refuse("it is no absolute URL"))?;
        let official = url.scheme() == "https"
            && url.port().is_none()
            && url.host_str().is_some_and(|host| {
                host.ends_with(".mch.weixin.qq.com") || host.ends_with(".wechatpay.cn")
            });
        if url.origin() != self.base.origin() && !official {
            return Err(refuse("it leads to a host that is not the channel's"));
        }
        if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("it has a fragment or credentials"));
        }
        Ok(url)
    }

    fn sign(&self, draft: Draft, at: Timestamp, nonce: &str) -> Result<Request, ConnectorError> {
        let well_formed =
            (1..=32).contains(&nonce.len()) && nonce.bytes().all(|b| b.is_ascii_alphanumeric());
        if !well_formed {
            return Err(ConnectorError::Field {
                field: "nonce",
                reason: "it must be 1 to 32 ASCII letters and digits",
            });
        }
        let method = match draft.method {
            Method::Get => "GET",
            Method::Post => "POST",
        };
        let timestamp = at.as_second();
        let target = &draft.url[Position::BeforePath..Position::AfterQuery];
        let message = request_message(method, target, timestamp, nonce, &draft.body);
        let signature = self.config.private_key.sign_sha256_base64(&message)?;
        let authorization = format!(
            "{SCHEME} mchid=\"{}\",nonce_str=\"{nonce}\",timestamp=\"{timestamp}\",\
             serial_no=\"{}\",signature=\"{signature}\"",
            self.config.merchant_id, self.config.serial_no
        );
        let mut headers = vec![
            ("accept".to_owned(), "application/json".to_owned()),
            ("user-agent".to_owned(), USER_AGENT.to_owned()),
            ("authorization".to_owned(), authorization),
        ];
        if draft.method == Method::Post {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        if let Some(id) = self.keys.public_key_id() {
            headers.push(("wechatpay-serial".to_owned(), id.to_owned()));
        }
        Ok(Request {
            method: draft.method,
            url: draft.url.into(),
            headers,
            body: draft.body,
        })
    }
}
