//! Both channels of one sandbox and their clock: what servers and deliveries share.

use crate::clock::Clock;
use crate::keys::SandboxKeys;
use crate::unionpay::gateway::UnionpayGateway;
use crate::unionpay::{UnionpayCore, UnionpaySettings};
use crate::wechat::gateway::WechatGateway;
use crate::wechat::{WechatCore, WechatSettings};
use jiff::Timestamp;
use std::sync::Arc;

/// Both channels of one sandbox.
pub(crate) struct ChannelsSide {
    pub(crate) clock: Clock,
    pub(crate) wechat: WechatGateway,
    pub(crate) unionpay: UnionpayGateway,
}

impl ChannelsSide {
    pub(crate) fn new(
        clock: Clock,
        seed: u64,
        wechat: WechatSettings,
        unionpay: UnionpaySettings,
        keys: Arc<SandboxKeys>,
    ) -> Self {
        Self {
            clock,
            wechat: WechatGateway::new(WechatCore::new(wechat, seed), keys.clone()),
            // Another stream of the same seed, so that one channel's faults do not shift the other's.
            unionpay: UnionpayGateway::new(UnionpayCore::new(unionpay, !seed), keys),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// When the next thing happens by itself at either channel.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let wechat = self.wechat.with_core(|core| core.next_due());
        let unionpay = self.unionpay.with_core(|core| core.next_due());
        [wechat, unionpay].into_iter().flatten().min()
    }
}
