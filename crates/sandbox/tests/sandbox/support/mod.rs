//! What the tests of this crate share.
pub mod http;

pub mod unionpay {
    pub const MERCHANT: &str = "777290058110048";
}

pub mod wechat {
    use calendar::{BusinessDate, instant_at};
    use jiff::Timestamp;
    use sandbox::wechat::{
        MerchantTerms, NativeOrder, OrderAmount, Payment, RefundAmount, RefundOrder, WechatCore,
        WechatSettings,
    };
    use sandbox::{Fault, FaultSwitch, Trigger};

    pub const MERCHANT: &str = "1900000001";
    pub const APP: &str = "wx0000000000000001";
    pub const API_V3_KEY: &str = "0123456789abcdef0123456789ABCDEF";

    pub fn day() -> BusinessDate {
        BusinessDate::new(2026, 3, 2).unwrap()
    }

    /// Ten in the morning of [`day`].
    pub fn start() -> Timestamp {
        instant_at(day(), 10, 0, 0)
    }

    pub fn core(seed: u64) -> WechatCore {
        let mut core = WechatCore::new(WechatSettings::default(), seed);
        core.register(MerchantTerms {
            merchant_id: MERCHANT.to_owned(),
            app_id: APP.to_owned(),
            fee_rate_ppm: 6_000,
            notifications: true,
            auto_pay: None,
        });
        core
    }

    pub fn order(number: &str, fen: i64) -> NativeOrder {
        NativeOrder {
            appid: APP.to_owned(),
            mchid: MERCHANT.to_owned(),
            description: "tea, two cups".to_owned(),
            out_trade_no: number.to_owned(),
            notify_url: "http://127.0.0.1:9/notify".to_owned(),
            amount: OrderAmount {
                total: fen,
                currency: Some("CNY".to_owned()),
            },
            time_expire: None,
            attach: None,
        }
    }

    pub fn refund(number: &str, refund: &str, fen: i64, total: i64) -> RefundOrder {
        RefundOrder {
            transaction_id: None,
            out_trade_no: Some(number.to_owned()),
            out_refund_no: refund.to_owned(),
            reason: None,
            notify_url: Some("http://127.0.0.1:9/notify".to_owned()),
            amount: RefundAmount {
                refund: fen,
                total,
                currency: "CNY".to_owned(),
            },
        }
    }

    pub fn paid(core: &mut WechatCore, number: &str, fen: i64, now: Timestamp) -> Payment {
        core.create_order(MERCHANT, order(number, fen), now)
            .unwrap();
        core.pay(MERCHANT, number, now).unwrap()
    }

    pub fn fault(core: &mut WechatCore, fault: Fault, trigger: Trigger) {
        core.faults_mut().switch_on(FaultSwitch {
            merchant_id: None,
            operation: None,
            fault,
            trigger,
        });
    }
}
