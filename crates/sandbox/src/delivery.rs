//! Sending notifications to merchants.

use crate::channels_side::ChannelsSide;
use crate::error::SandboxError;
use crate::exchange::Outgoing;
use reqwest::{Client, StatusCode};
use std::sync::Arc;
use std::time::Duration;

/// A merchant has five seconds to acknowledge (WeChat's limit, used for both channels).
const ACKNOWLEDGE_WITHIN: Duration = Duration::from_secs(5);

/// The client that sends notifications: no proxy, no redirects.
pub(crate) fn client() -> Result<Client, SandboxError> {
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(ACKNOWLEDGE_WITHIN)
        .build()
        .map_err(|error| SandboxError::Client {
            reason: error.to_string(),
        })
}

enum Due {
    Wechat(u64, Option<Outgoing>),
    Unionpay(u64, Option<Outgoing>),
}

/// Lets everything happen that is due and sends what arises, one after the other, until nothing
/// is due at this instant. Answers the number of attempts.
pub(crate) async fn deliver_in_turn(side: &ChannelsSide, client: &Client) -> usize {
    let mut attempts = 0;
    loop {
        let due = take_due(side);
        if due.is_empty() {
            return attempts;
        }
        for one in due {
            deliver(side, client, one).await;
            attempts += 1;
        }
    }
}

/// Lets everything happen that is due and sends what arises, each in a task of its own, so that
/// a slow merchant delays nobody.
pub(crate) fn deliver_at_once(side: &Arc<ChannelsSide>, client: &Client) {
    for one in take_due(side) {
        let (side, client) = (side.clone(), client.clone());
        tokio::spawn(async move { deliver(&side, &client, one).await });
    }
}

fn take_due(side: &ChannelsSide) -> Vec<Due> {
    let now = side.now();
    let wechat = side.wechat.with_core(|core| core.tick(now));
    let unionpay = side.unionpay.with_core(|core| core.tick(now));
    let wechat = wechat
        .iter()
        .map(|attempt| Due::Wechat(attempt.id, side.wechat.outgoing(attempt, now)));
    let unionpay = unionpay
        .iter()
        .map(|attempt| Due::Unionpay(attempt.id, side.unionpay.outgoing(attempt)));
    wechat.chain(unionpay).collect()
}

async fn deliver(side: &ChannelsSide, client: &Client, due: Due) {
    match due {
        Due::Wechat(id, outgoing) => {
            let status = send(client, outgoing).await;
            let accepted = matches!(status, Some(StatusCode::OK | StatusCode::NO_CONTENT));
            let now = side.now();
            side.wechat
                .with_core(|core| core.report_delivery(id, accepted, now));
        }
        Due::Unionpay(id, outgoing) => {
            let accepted = send(client, outgoing).await == Some(StatusCode::OK);
            let now = side.now();
            side.unionpay
                .with_core(|core| core.report_delivery(id, accepted, now));
        }
    }
}

/// The status that the merchant answered, none if it did not.
async fn send(client: &Client, outgoing: Option<Outgoing>) -> Option<StatusCode> {
    let outgoing = outgoing?;
    let mut request = client.post(&outgoing.url).body(outgoing.body);
    for (name, value) in &outgoing.headers {
        request = request.header(name, value);
    }
    match request.send().await {
        Ok(response) => Some(response.status()),
        Err(error) => {
            tracing::debug!(url = %outgoing.url, error = %error.without_url(), "notification not delivered");
            None
        }
    }
}
