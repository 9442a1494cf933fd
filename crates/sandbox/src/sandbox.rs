//! Starting, using and stopping a sandbox.

use crate::channels_side::ChannelsSide;
use crate::clock::Clock;
use crate::control::Control;
use crate::delivery;
use crate::demo;
use crate::error::SandboxError;
use crate::keys::SandboxKeys;
use crate::parameters::{DemoMerchants, SandboxParameters, UnionpayParameters, WechatParameters};
use crate::server::{self, Channel, Running};
use crate::unionpay::{UnionpayCore, UnionpayMerchant, UnionpaySettings};
use crate::wechat::{self, WechatCore, WechatMerchant, WechatSettings};
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How a sandbox is set up.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// Where the time comes from.
    pub clock: Clock,
    /// Equal seeds and equal calls give equal runs.
    pub seed: u64,
    /// Port of the WeChat side, 0 for a free one.
    pub wechat_port: u16,
    /// Port of the UnionPay side, 0 for a free one.
    pub unionpay_port: u16,
    /// Keys to be used; without, those in `key_directory` or new ones.
    pub keys: Option<Arc<SandboxKeys>>,
    /// Where keys are kept from one start to the next; without, they live as long as the sandbox.
    pub key_directory: Option<PathBuf>,
    /// Whether to register merchants of its own, whose keys are part of the parameters.
    pub demo_merchants: bool,
    /// How WeChat behaves.
    pub wechat: WechatSettings,
    /// How UnionPay behaves.
    pub unionpay: UnionpaySettings,
    /// On a real clock, how often due things are looked for, in milliseconds.
    pub tick_millis: u64,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            clock: Clock::Real,
            seed: 1,
            wechat_port: 0,
            unionpay_port: 0,
            keys: None,
            key_directory: None,
            demo_merchants: false,
            wechat: WechatSettings::default(),
            unionpay: UnionpaySettings::default(),
            tick_millis: 100,
        }
    }
}

/// The simulated channels.
#[derive(Debug)]
pub struct Sandbox;

/// A sandbox that is listening. Dropping it ends its servers at once; [`Self::stop`] lets them
/// finish.
pub struct RunningSandbox {
    side: Arc<ChannelsSide>,
    keys: Arc<SandboxKeys>,
    client: reqwest::Client,
    wechat: Option<Running>,
    unionpay: Option<Running>,
    wechat_port: u16,
    unionpay_port: u16,
    ticker: Option<JoinHandle<()>>,
    stop: watch::Sender<bool>,
    demo_merchants: Option<DemoMerchants>,
}

impl Sandbox {
    /// Starts the channels' servers on the loopback interface. Must be called within a tokio
    /// runtime.
    ///
    /// # Errors
    /// If a port is taken, keys cannot be made or read, or the HTTP client cannot be made.
    pub async fn start(config: SandboxConfig) -> Result<RunningSandbox, SandboxError> {
        let keys = keys(&config).await?;
        let client = delivery::client()?;
        let tick_millis = config.tick_millis.max(1);
        let simulated = config.clock.is_simulated();
        let side = Arc::new(ChannelsSide::new(
            config.clock.clone(),
            config.seed,
            config.wechat.clone(),
            config.unionpay.clone(),
            keys.clone(),
        ));
        let (stop, stopped) = watch::channel(false);
        let control = Control {
            side: side.clone(),
            client: client.clone(),
        };
        let wechat = server::serve(
            Channel::Wechat,
            config.wechat_port,
            control.clone(),
            stopped.clone(),
        )
        .await?;
        let unionpay =
            server::serve(Channel::Unionpay, config.unionpay_port, control, stopped).await?;
        let ticker = (!simulated)
            .then(|| tokio::spawn(tick_for_ever(side.clone(), client.clone(), tick_millis)));
        let mut running = RunningSandbox {
            side,
            keys,
            client,
            wechat_port: wechat.port,
            unionpay_port: unionpay.port,
            wechat: Some(wechat),
            unionpay: Some(unionpay),
            ticker,
            stop,
            demo_merchants: None,
        };
        if config.demo_merchants {
            let directory = config.key_directory;
            let merchants = tokio::task::spawn_blocking(move || demo::merchants(directory))
                .await
                .map_err(|_| interrupted())??;
            running.register_demo(merchants)?;
        }
        Ok(running)
    }
}

impl RunningSandbox {
    /// Registers a WeChat merchant, or changes its keys and terms.
    ///
    /// # Errors
    /// If a key or the APIv3 key is unfit.
    pub fn register_wechat_merchant(&self, merchant: &WechatMerchant) -> Result<(), SandboxError> {
        self.side.wechat.register(merchant)
    }

    /// Registers a UnionPay merchant, or changes its certificate.
    ///
    /// # Errors
    /// If the number or the certificate is unfit.
    pub fn register_unionpay_merchant(
        &self,
        merchant: &UnionpayMerchant,
    ) -> Result<(), SandboxError> {
        self.side.unionpay.register(merchant)
    }

    /// What merchants need to connect.
    pub fn parameters(&self) -> SandboxParameters {
        let keys = &self.keys;
        let address = |port: u16| format!("http://127.0.0.1:{port}");
        let unionpay = format!("{}/gateway/api", address(self.unionpay_port));
        SandboxParameters {
            control_url: address(self.wechat_port),
            wechat: WechatParameters {
                base_url: address(self.wechat_port),
                platform_public_key_id: wechat::public_key_id(keys),
                platform_public_key_pem: keys.wechat_public_key.private_key().public_key().to_pem(),
                platform_certificate_serial_no: keys.wechat_platform.serial_hex(),
                platform_certificate_pem: keys.wechat_platform.certificate_pem().to_owned(),
            },
            unionpay: UnionpayParameters {
                back_trans_url: format!("{unionpay}/backTransReq.do"),
                query_trans_url: format!("{unionpay}/queryTrans.do"),
                base_url: unionpay,
                root_certificate_pem: keys.unionpay_root.certificate_pem().to_owned(),
                middle_certificate_pem: keys.unionpay_middle.certificate_pem().to_owned(),
                encryption_certificate_pem: keys.unionpay_encryption.certificate_pem().to_owned(),
            },
            demo_merchants: self.demo_merchants.clone(),
        }
    }

    /// The sandbox's present instant.
    pub fn now(&self) -> Timestamp {
        self.side.now()
    }

    /// Uses the WeChat side directly. The core is locked meanwhile.
    pub fn with_wechat<R>(&self, act: impl FnOnce(&mut WechatCore) -> R) -> R {
        self.side.wechat.with_core(act)
    }

    /// Uses the UnionPay side directly. The core is locked meanwhile.
    pub fn with_unionpay<R>(&self, act: impl FnOnce(&mut UnionpayCore) -> R) -> R {
        self.side.unionpay.with_core(act)
    }

    /// Lets everything happen that is due by the sandbox's clock, and returns when all
    /// notifications due have been answered or have failed. Answers the number of attempts.
    pub async fn tick(&self) -> usize {
        delivery::deliver_in_turn(&self.side, &self.client).await
    }

    /// When the next thing happens by itself, for a caller that moves a simulated clock.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.side.next_due()
    }

    /// Stops listening, lets requests under way finish, and returns when all has ended.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        if let Some(ticker) = self.ticker.take() {
            ticker.abort();
        }
        if let Some(server) = self.wechat.take() {
            server.ended().await;
        }
        if let Some(server) = self.unionpay.take() {
            server.ended().await;
        }
    }

    fn register_demo(&mut self, merchants: DemoMerchants) -> Result<(), SandboxError> {
        for merchant in &merchants.wechat {
            self.register_wechat_merchant(&merchant.registration())?;
        }
        for merchant in &merchants.unionpay {
            self.register_unionpay_merchant(&merchant.registration())?;
        }
        self.demo_merchants = Some(merchants);
        Ok(())
    }
}

impl Drop for RunningSandbox {
    fn drop(&mut self) {
        if let Some(ticker) = &self.ticker {
            ticker.abort();
        }
        for server in [&self.wechat, &self.unionpay].into_iter().flatten() {
            server.abort();
        }
    }
}

async fn keys(config: &SandboxConfig) -> Result<Arc<SandboxKeys>, SandboxError> {
    if let Some(keys) = &config.keys {
        return Ok(keys.clone());
    }
    let directory = config.key_directory.clone();
    let made = tokio::task::spawn_blocking(move || match directory {
        Some(directory) => SandboxKeys::load_or_generate(&directory),
        None => SandboxKeys::generate(),
    });
    made.await.map_err(|_| interrupted())?.map(Arc::new)
}

fn interrupted() -> SandboxError {
    SandboxError::KeyGeneration {
        step: "the thread that generates keys",
    }
}

async fn tick_for_ever(side: Arc<ChannelsSide>, client: reqwest::Client, tick_millis: u64) {
    let mut interval = tokio::time::interval(Duration::from_millis(tick_millis));
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        delivery::deliver_at_once(&side, &client);
    }
}
