//! The texts that are signed, both directions. The sandbox builds the same texts.

/// Scheme name in `Authorization` and `Wechatpay-Signature-Type`.
pub const SCHEME: &str = "WECHATPAY2-SHA256-RSA2048";

/// Beginning of a deliberately wrong signature by which the channel tests its merchants.
pub const PROBE_PREFIX: &str = "WECHATPAY/SIGNTEST/";

/// The five lines a merchant signs. `path_and_query` is what stands on the request line.
pub fn request_message(
    method: &str,
    path_and_query: &str,
    timestamp: i64,
    nonce: &str,
    body: &[u8],
) -> Vec<u8> {
    let mut message = format!("{method}\n{path_and_query}\n{timestamp}\n{nonce}\n").into_bytes();
    message.extend_from_slice(body);
    message.push(b'\n');
    message
}

/// The three lines the channel signs, of a response or a notification.
pub fn response_message(timestamp: &str, nonce: &str, body: &[u8]) -> Vec<u8> {
    let mut message = format!("{timestamp}\n{nonce}\n").into_bytes();
    message.extend_from_slice(body);
    message.push(b'\n');
    message
}
