//! The channels, in the test's own process: they outlive the server, and so do their books.

use crate::support::process::write;
use sandbox::wechat::AutoPay;
use sandbox::{
    ApiOperation, Fault, FaultSwitch, RunningSandbox, Sandbox, SandboxConfig, Trigger,
    UnionpayMerchant, UnionpaySettings, WechatMerchant, WechatSettings, generate_merchant,
};
use std::path::Path;

pub const WECHAT_MERCHANT: &str = "1900000109";
pub const UNIONPAY_MERCHANT: &str = "777290058110097";
const APP_ID: &str = "wx8888888888888888";
const API_V3_KEY: &str = "an-api-v3-key-of-32-characters!!";

/// Starts both channels with the institution registered, and writes `channels.toml` with the
/// institution's access to them into a directory.
pub async fn start(directory: &Path) -> RunningSandbox {
    let sandbox = Sandbox::start(SandboxConfig {
        wechat: WechatSettings {
            refund_millis: 400,
            ..WechatSettings::default()
        },
        unionpay: UnionpaySettings {
            payout_millis: 400,
            ..UnionpaySettings::default()
        },
        tick_millis: 50,
        ..SandboxConfig::default()
    })
    .await
    .unwrap();
    let wechat = generate_merchant(WECHAT_MERCHANT).unwrap();
    let unionpay = generate_merchant(UNIONPAY_MERCHANT).unwrap();
    let mut merchant = WechatMerchant::new(
        WECHAT_MERCHANT,
        APP_ID,
        wechat.serial_hex(),
        wechat.certificate_pem(),
        API_V3_KEY,
    );
    merchant.auto_pay = Some(AutoPay {
        after_millis: 100,
        spread_millis: 1_500,
        abandon_ppm: 0,
    });
    sandbox.register_wechat_merchant(&merchant).unwrap();
    sandbox
        .register_unionpay_merchant(&UnionpayMerchant {
            merchant_id: UNIONPAY_MERCHANT.into(),
            certificate_pem: unionpay.certificate_pem().into(),
        })
        .unwrap();
    let given = sandbox.parameters();
    // One key in a file beside it, the others inside: both are read.
    write(directory, "wechat.key", wechat.private_key_pem());
    let text = format!(
        r#"
[wechat]
merchant_id = "{WECHAT_MERCHANT}"
app_id = "{APP_ID}"
certificate = """{}"""
private_key = {{ file = "wechat.key" }}
api_v3_key = "{API_V3_KEY}"
base_url = "{}"
[wechat.platform_keys]
{} = """{}"""
{} = """{}"""

[unionpay]
merchant_id = "{UNIONPAY_MERCHANT}"
certificate = """{}"""
private_key = """{}"""
root_certificate = """{}"""
middle_certificate = """{}"""
encryption_certificate = """{}"""
base_url = "{}"
accepted_signers = ["00040000:SIGN"]
"#,
        wechat.certificate_pem(),
        given.wechat.base_url,
        given.wechat.platform_public_key_id,
        given.wechat.platform_public_key_pem,
        given.wechat.platform_certificate_serial_no,
        given.wechat.platform_certificate_pem,
        unionpay.certificate_pem(),
        unionpay.private_key_pem(),
        given.unionpay.root_certificate_pem,
        given.unionpay.middle_certificate_pem,
        given.unionpay.encryption_certificate_pem,
        given.unionpay.base_url,
    );
    write(directory, "channels.toml", &text);
    sandbox
}

/// Lost and late and repeated notifications, and requests that are carried out and not answered.
pub fn misbehave(sandbox: &RunningSandbox) {
    let carried_out = || Fault::DropAfterProcessing { hang_millis: 0 };
    let wechat = [
        (None, Fault::LoseNotification, 50_000),
        (None, Fault::DuplicateNotification, 100_000),
        (None, Fault::DelayNotification { millis: 1_500 }, 100_000),
        (None, Fault::ProbeNotification, 20_000),
        (Some(ApiOperation::CreateOrder), carried_out(), 50_000),
        (Some(ApiOperation::QueryOrder), carried_out(), 50_000),
        (Some(ApiOperation::Refund), carried_out(), 100_000),
    ];
    let unionpay = [
        (None, Fault::LoseNotification, 100_000),
        (None, Fault::DuplicateNotification, 100_000),
        (Some(ApiOperation::Payout), carried_out(), 100_000),
        (
            None,
            Fault::PayoutUnknown {
                resp_code: "05".into(),
            },
            100_000,
        ),
    ];
    sandbox.with_wechat(|core| {
        for switch in wechat.map(switch) {
            core.faults_mut().switch_on(switch);
        }
    });
    sandbox.with_unionpay(|core| {
        for switch in unionpay.map(switch) {
            core.faults_mut().switch_on(switch);
        }
    });
}

fn switch((operation, fault, ppm): (Option<ApiOperation>, Fault, u32)) -> FaultSwitch {
    FaultSwitch {
        merchant_id: None,
        operation,
        fault,
        trigger: Trigger::Ppm(ppm),
    }
}
