//! Back notifications, genuine and not.

use crate::support::*;
use channels::unionpay::Fields;
use channels::{Answer, Connector, Notification, NotificationError, PayoutState, SignatureError};
use money::Money;

const GENUINE: &str = "unionpay/notify_succeeded.form";

fn read(body: &[u8]) -> Result<Notification, NotificationError> {
    unionpay().notification(&[], body, signed_at())
}

fn changed(changes: &[(&str, &str)]) -> Result<Notification, NotificationError> {
    let mut fields = Fields::from_form(&bytes(GENUINE)).unwrap();
    for (name, value) in changes {
        fields.set(name, *value);
    }
    acp_resign(&mut fields, "unionpay/signer.key");
    read(fields.to_form().as_bytes())
}

#[test]
fn the_recorded_notification_is_read() {
    assert_eq!(
        read(&bytes(GENUINE)),
        Ok(Notification {
            id: "202612010959000000001".to_owned(),
            answer: Answer::Payout {
                payout: reference(PAYOUT),
                state: PayoutState::Succeeded {
                    channel_number: "202612010959000000001".to_owned(),
                    amount: Money::cny(250_000),
                    settle_date: Some("1201".to_owned()),
                },
            },
        })
    );
    assert!(changed(&[("respCode", "A6")]).is_ok());
}

#[test]
fn altered_notifications_are_refused() {
    let genuine = text(GENUINE);
    for (from, to) in [("250000", "250001"), ("01PAYOUT", "01PAYOUx")] {
        assert_eq!(
            read(genuine.replace(from, to).as_bytes()),
            Err(NotificationError::Signature(SignatureError::Mismatch))
        );
    }
    let extra = format!("{genuine}&x=1");
    assert!(read(extra.as_bytes()).is_err());
    let twice = format!("{genuine}&txnAmt=250001");
    assert!(matches!(
        read(twice.as_bytes()),
        Err(NotificationError::Malformed { .. })
    ));
    assert!(matches!(
        read(b""),
        Err(NotificationError::Signature(SignatureError::Missing { .. }))
    ));
}

#[test]
fn signed_notifications_of_other_things_are_told_apart() {
    assert!(matches!(
        changed(&[("merId", "777290058110049")]),
        Err(NotificationError::ForeignMerchant { field: "merId", .. })
    ));
    for change in [
        ("txnType", "01"),
        ("bizType", "000201"),
        ("respCode", "05"),
        ("respCode", "61"),
    ] {
        assert!(
            matches!(
                changed(&[change]),
                Err(NotificationError::UnknownEvent { .. })
            ),
            "{change:?}"
        );
    }
    for change in [
        ("queryId", ""),
        ("txnAmt", "x"),
        ("currencyCode", "840"),
        ("orderId", ""),
    ] {
        assert!(
            matches!(changed(&[change]), Err(NotificationError::Malformed { .. })),
            "{change:?}"
        );
    }
}
