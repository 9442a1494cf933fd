//! The constants of a pay-out message.

pub(super) const VERSION: &str = "5.1.0";
pub(super) const ENCODING: &str = "UTF-8";
/// RSA with a certificate.
pub(super) const SIGN_METHOD: &str = "01";
/// Merchant connected directly.
pub(super) const ACCESS_TYPE: &str = "0";
pub(super) const CHANNEL_TYPE: &str = "07";
/// Renminbi by its ISO 4217 number.
pub(super) const CURRENCY: &str = "156";
pub(super) const BIZ_PAYOUT: &str = "000401";
pub(super) const TXN_PAYOUT: &str = "12";
pub(super) const TXN_QUERY: &str = "00";
pub(super) const SUB_TYPE: &str = "00";

/// `accType` of a bank card.
pub(super) const ACCOUNT_CARD: &str = "01";
/// `accType` of a corporate account.
pub(super) const ACCOUNT_CORPORATE: &str = "04";
