//! Operations to signed form posts.

use super::message::{
    ACCESS_TYPE, ACCOUNT_CARD, ACCOUNT_CORPORATE, BIZ_PAYOUT, CHANNEL_TYPE, CURRENCY, ENCODING,
    SIGN_METHOD, SUB_TYPE, TXN_PAYOUT, TXN_QUERY, VERSION,
};
use super::{Fields, UnionpayConnector};
use crate::connector::{ConnectorError, check_amount, check_reference, check_text, operation_name};
use crate::crypto::base64_encode;
use crate::http::{Method, Request};
use crate::operation::{Channel, ChannelReference, DELIMITERS, Operation, PayeeAccount};
use calendar::compact;
use jiff::Timestamp;
use zeroize::Zeroizing;

fn check_purpose(purpose: &str) -> Result<&str, ConnectorError> {
    if purpose.contains(DELIMITERS) {
        return Err(ConnectorError::Field {
            field: "purpose",
            reason: "must not contain any of & = { } [ ]",
        });
    }
    check_text("purpose", 32, purpose)
}

impl UnionpayConnector {
    pub(super) fn build_request(
        &self,
        operation: &Operation,
        payee: Option<&PayeeAccount>,
        at: Timestamp,
    ) -> Result<Request, ConnectorError> {
        match operation {
            Operation::Payout {
                payout,
                submitted_at,
                amount,
                purpose,
                ..
            } => {
                let payee = payee.ok_or(ConnectorError::Field {
                    field: "payee",
                    reason: "the clear text of the account is needed to pay it",
                })?;
                let mut fields = self.common(TXN_PAYOUT, payout, *submitted_at)?;
                fields.set("txnAmt", check_amount("amount", *amount)?.to_string());
                fields.set("currencyCode", CURRENCY);
                fields.set("orderDesc", check_purpose(purpose)?);
                fields.set("backUrl", self.config.back_url.as_str());
                self.set_payee(&mut fields, payee, at)?;
                self.post("backTransReq.do", fields)
            }
            Operation::QueryPayout {
                payout,
                submitted_at,
            } => {
                let fields = self.common(TXN_QUERY, payout, *submitted_at)?;
                self.post("queryTrans.do", fields)
            }
            _ => Err(ConnectorError::Unsupported {
                channel: Channel::Unionpay,
                operation: operation_name(operation),
            }),
        }
    }

    fn common(
        &self,
        txn_type: &str,
        payout: &ChannelReference,
        submitted_at: Timestamp,
    ) -> Result<Fields, ConnectorError> {
        let mut fields = Fields::new();
        fields.set("version", VERSION);
        fields.set("encoding", ENCODING);
        fields.set("signMethod", SIGN_METHOD);
        fields.set("txnType", txn_type);
        fields.set("txnSubType", SUB_TYPE);
        fields.set("bizType", BIZ_PAYOUT);
        fields.set("channelType", CHANNEL_TYPE);
        fields.set("accessType", ACCESS_TYPE);
        fields.set("merId", self.config.merchant_id.as_str());
        fields.set("orderId", check_reference("payout", 8, payout)?);
        fields.set("txnTime", compact(submitted_at));
        Ok(fields)
    }

    /// The account number goes encrypted. The holder's name stands in `customerInfo`, which the
    /// protocol leaves in base64 (TLS protects it); only phone, CVN2 and expiry, which a payout
    /// does not have, would be encrypted inside.
    fn set_payee(
        &self,
        fields: &mut Fields,
        payee: &PayeeAccount,
        at: Timestamp,
    ) -> Result<(), ConnectorError> {
        if let Some((part, reason)) = payee.unusable() {
            let field = match part {
                "account_number" => "payee.account_number",
                _ => "payee.holder",
            };
            return Err(ConnectorError::Field { field, reason });
        }
        let number = payee.account_number.as_str();
        let holder = check_text("payee.holder", 60, &payee.holder)?;
        let certificate = &self.config.encryption_certificate;
        certificate.check_validity(at)?;
        let sealed = certificate.public_key().encrypt_pkcs1(number.as_bytes())?;
        fields.set("accNo", base64_encode(&sealed));
        fields.set("encryptCertId", certificate.serial_decimal());
        let info = Zeroizing::new(format!("{{customerNm={holder}}}"));
        fields.set("customerInfo", base64_encode(info.as_bytes()));
        if payee.corporate {
            fields.set("accType", ACCOUNT_CORPORATE);
            fields.set("reserved", format!("{{comDebitCardAccName={holder}}}"));
        } else {
            fields.set("accType", ACCOUNT_CARD);
        }
        Ok(())
    }

    fn post(&self, path: &str, mut fields: Fields) -> Result<Request, ConnectorError> {
        fields.set("certId", self.config.cert_id.as_str());
        let digest = fields.digest_to_sign();
        let signature = self
            .config
            .private_key
            .sign_sha256_base64(digest.as_bytes())?;
        fields.set("signature", signature);
        let base = self.base.as_str().trim_end_matches('/');
        Ok(Request {
            method: Method::Post,
            url: format!("{base}/{path}"),
            headers: vec![(
                "content-type".to_owned(),
                "application/x-www-form-urlencoded;charset=UTF-8".to_owned(),
            )],
            body: fields.to_form().into_bytes(),
        })
    }
}
