//! Reading a pay-out or a query out of the fields of a request.

use super::books::OrderKey;
use super::core::PayoutOrder;
use super::message::{Fields, read_group};
use crate::keys::CertifiedKey;
use calendar::parse_compact;
use channels::crypto::base64_decode;

/// Fields of a request that the answer and the notification repeat.
const ECHOED: &[&str] = &[
    "accessType",
    "bizType",
    "currencyCode",
    "encoding",
    "merId",
    "orderId",
    "reqReserved",
    "signMethod",
    "txnAmt",
    "txnSubType",
    "txnTime",
    "txnType",
    "version",
];

/// A response code that declines a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Declined(pub(crate) &'static str);

const MALFORMED: Declined = Declined("10");
const INCOMPLETE: Declined = Declined("13");
const NO_PERMISSION: Declined = Declined("32");
const BAD_ACCOUNT: Declined = Declined("61");

pub(crate) fn echo(fields: &Fields) -> Fields {
    fields
        .iter()
        .filter(|(name, _)| ECHOED.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Which order a request is about.
pub(crate) fn order_key(fields: &Fields) -> Result<OrderKey, Declined> {
    let merchant_id = required(fields, "merId")?;
    let order_id = required(fields, "orderId")?;
    let txn_time = required(fields, "txnTime")?;
    let fit = (8..=40).contains(&order_id.len())
        && order_id.bytes().all(|b| b.is_ascii_alphanumeric())
        && parse_compact(txn_time).is_ok();
    if !fit {
        return Err(MALFORMED);
    }
    Ok(OrderKey {
        merchant_id: merchant_id.to_owned(),
        order_id: order_id.to_owned(),
        txn_time: txn_time.to_owned(),
    })
}

/// Checks the fields that every request of a product has.
pub(crate) fn check_product(
    fields: &Fields,
    txn_type: &str,
    txn_sub_type: &str,
) -> Result<(), Declined> {
    let is = |name: &str, wanted: &str| required(fields, name).map(|value| value == wanted);
    if !(is("version", "5.1.0")? && is("encoding", "UTF-8")?) {
        return Err(MALFORMED);
    }
    let product = is("txnType", txn_type)?
        && is("txnSubType", txn_sub_type)?
        && is("bizType", "000401")?
        && is("accessType", "0")?;
    if product { Ok(()) } else { Err(NO_PERMISSION) }
}

/// Reads a pay-out; `encryption` opens what only UnionPay may read.
pub(crate) fn payout_order(
    fields: &Fields,
    encryption: &CertifiedKey,
) -> Result<PayoutOrder, Declined> {
    check_product(fields, "12", "00")?;
    let key = order_key(fields)?;
    required(fields, "channelType")?;
    if required(fields, "currencyCode")? != "156" {
        return Err(MALFORMED);
    }
    let amount_fen = amount(required(fields, "txnAmt")?)?;
    if required(fields, "encryptCertId")? != encryption.serial_decimal() {
        return Err(MALFORMED);
    }
    let account_number = decrypted(required(fields, "accNo")?, encryption)?;
    check_account(&account_number, required(fields, "accType")?)?;
    check_customer(required(fields, "customerInfo")?, encryption)?;
    Ok(PayoutOrder {
        key,
        amount_fen,
        account_number,
        back_url: fields.get("backUrl").filter(|url| !url.is_empty()).cloned(),
        echo: echo(fields),
    })
}

fn required<'a>(fields: &'a Fields, name: &str) -> Result<&'a str, Declined> {
    fields
        .get(name)
        .map(String::as_str)
        .filter(|value| !value.is_empty())
        .ok_or(INCOMPLETE)
}

fn amount(text: &str) -> Result<i64, Declined> {
    let fit = (1..=12).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_digit())
        && !text.starts_with('0');
    if !fit {
        return Err(MALFORMED);
    }
    text.parse().map_err(|_| MALFORMED)
}

fn decrypted(text: &str, encryption: &CertifiedKey) -> Result<String, Declined> {
    let sealed = base64_decode(text).map_err(|_| MALFORMED)?;
    let plain = encryption
        .private_key()
        .decrypt_pkcs1(&sealed)
        .map_err(|_| MALFORMED)?;
    String::from_utf8(plain.to_vec()).map_err(|_| MALFORMED)
}

/// Cards have 13 to 19 digits, corporate accounts up to 32.
fn check_account(number: &str, account_type: &str) -> Result<(), Declined> {
    let lengths = match account_type {
        "01" | "02" | "03" => 13..=19,
        "04" => 5..=32,
        _ => return Err(MALFORMED),
    };
    if lengths.contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit()) {
        Ok(())
    } else {
        Err(BAD_ACCOUNT)
    }
}

/// The payee's name is mandatory; what is encrypted inside must be readable.
fn check_customer(text: &str, encryption: &CertifiedKey) -> Result<(), Declined> {
    let plain = base64_decode(text).map_err(|_| MALFORMED)?;
    let plain = String::from_utf8(plain).map_err(|_| MALFORMED)?;
    let customer = read_group(&plain).ok_or(MALFORMED)?;
    if let Some(sealed) = customer.get("encryptedInfo") {
        decrypted(sealed, encryption)?;
    }
    required(&customer, "customerNm").map(|_| ())
}
