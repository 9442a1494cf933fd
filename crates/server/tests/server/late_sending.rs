//! An attempt that did not come to its request in time.

use crate::support::sandboxed::{connectors, sandbox};
use crate::support::{Rig, start_time};
use channels::operation::{Channel, ChannelReference, Operation};
use domain::{Effect, Subject};
use engine::runtime::{Job, Performer};
use engine::{AttemptMode, EffectReport};
use jiff::SignedDuration;
use sandbox::wechat::WechatSettings;
use server::{Server, ServerConfig};

/// A process that stood still for longer than people wait sent a payout on which they had decided.
#[tokio::test]
async fn what_was_begun_long_ago_is_not_sent() {
    let (_clock, sandbox) = sandbox(WechatSettings::default()).await;
    let rig = Rig::start().await;
    let nowhere = "http://127.0.0.1:1/";
    let connectors = connectors(&sandbox, nowhere, nowhere);
    let config = ServerConfig::default();
    let server = Server::new(&config, rig.running.engine.clone(), connectors).unwrap();
    let performer = server.performer();
    let begun = |seconds_ago: i64| Job {
        id: "eff_1".into(),
        effect: Effect::Channel {
            channel: Channel::Wechat,
            operation: Operation::QueryOrder {
                order: ChannelReference("0001M86F3GB0000H8VRDVBVX9D9Z".into()),
            },
            subject: Subject::Payment {
                payment: "pay_1".into(),
            },
        },
        mode: AttemptMode::Send,
        attempts: 0,
        begun_at: start_time() - SignedDuration::from_secs(seconds_ago),
    };
    let asked = performer.perform(begun(15)).await;
    assert!(matches!(asked, EffectReport::Answered { .. }), "{asked:?}");
    match performer.perform(begun(16)).await {
        EffectReport::NotSent { reason } => assert!(reason.contains("stood still"), "{reason}"),
        other => panic!("{other:?}"),
    }
}
