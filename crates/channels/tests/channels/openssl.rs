//! What our connectors sign, checked by the `openssl` program.

use crate::support::*;
use channels::crypto::base64_decode;
use channels::http::{Method, Request, header};
use channels::unionpay::Fields;
use channels::{Connector, Operation};
use std::process::Command;

/// Whether OpenSSL accepts the signature over the message with the certificate's key.
fn accepts(certificate_path: &str, message: &[u8], signature: &[u8]) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    let key = Command::new("openssl")
        .args(["x509", "-noout", "-pubkey", "-in"])
        .arg(fixtures().join(certificate_path))
        .output()
        .expect("the openssl program is needed for this test");
    assert!(key.status.success(), "{key:?}");
    std::fs::write(file("key.pem"), &key.stdout).unwrap();
    std::fs::write(file("message"), message).unwrap();
    std::fs::write(file("signature"), signature).unwrap();
    let output = Command::new("openssl")
        .args(["dgst", "-sha256", "-verify"])
        .arg(file("key.pem"))
        .arg("-signature")
        .arg(file("signature"))
        .arg(file("message"))
        .output()
        .unwrap();
    output.status.success() && output.stdout.starts_with(b"Verified OK")
}

/// The five lines, put together again from what would go over the wire.
fn five_lines(request: &Request) -> (Vec<u8>, Vec<u8>) {
    let authorization = header(&request.headers, "authorization").unwrap();
    let pairs = authorization
        .strip_prefix("WECHATPAY2-SHA256-RSA2048 ")
        .unwrap();
    let value = |name: &str| {
        let start = pairs.find(&format!("{name}=\"")).unwrap() + name.len() + 2;
        let length = pairs[start..].find('"').unwrap();
        &pairs[start..start + length]
    };
    assert_eq!(value("mchid"), "1900000001");
    assert_eq!(
        value("serial_no"),
        "5F1BC0DE0A0B0C0D0E0F1011121314151617A8B9"
    );
    let method = match request.method {
        Method::Get => "GET",
        Method::Post => "POST",
    };
    let target = request
        .url
        .strip_prefix("https://api.mch.weixin.qq.com")
        .unwrap();
    let mut message = format!(
        "{method}\n{target}\n{}\n{}\n",
        value("timestamp"),
        value("nonce_str")
    )
    .into_bytes();
    message.extend_from_slice(&request.body);
    message.push(b'\n');
    (message, base64_decode(value("signature")).unwrap())
}

fn check_wechat(operation: &Operation) {
    let request = wechat()
        .request(operation, None, signed_at(), NONCE)
        .unwrap();
    let (message, signature) = five_lines(&request);
    assert!(
        accepts("wechat/merchant.crt", &message, &signature),
        "{operation:?}"
    );
    let mut altered = message.clone();
    let last = altered.len() - 2;
    altered[last] ^= 1;
    assert!(!accepts("wechat/merchant.crt", &altered, &signature));
    assert!(!accepts("wechat/platform.crt", &message, &signature));
}

#[test]
fn wechat_post_signatures() {
    check_wechat(&create_order());
    check_wechat(&refund());
    check_wechat(&close_order());
}

#[test]
fn wechat_get_signatures_with_path_and_query() {
    check_wechat(&query_order());
    check_wechat(&query_refund());
    check_wechat(&trade_bill());
    check_wechat(&download_bill(&"0".repeat(40)));
}

fn check_unionpay(operation: &Operation) {
    let request = unionpay()
        .request(operation, Some(&payee()), signed_at(), NONCE)
        .unwrap();
    // Sorted, raw, without signature: done with the form decoder of the url crate, not ours.
    let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(&request.body)
        .into_owned()
        .collect();
    pairs.sort();
    let signature = pairs
        .iter()
        .find(|(name, _)| name == "signature")
        .map(|(_, value)| base64_decode(value).unwrap())
        .unwrap();
    let parts: Vec<String> = pairs
        .iter()
        .filter(|(name, _)| name != "signature")
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let digest = openssl_sha256(parts.join("&").as_bytes());
    assert_eq!(
        digest,
        Fields::from_form(&request.body).unwrap().digest_to_sign()
    );
    let verdict = |text: &str| accepts("unionpay/merchant.cer", text.as_bytes(), &signature);
    assert!(verdict(&digest));
    let altered = parts.join("&").replace("5.1.0", "5.1.1");
    assert!(!verdict(&openssl_sha256(altered.as_bytes())));
}

fn openssl_sha256(text: &[u8]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("text");
    std::fs::write(&path, text).unwrap();
    let output = Command::new("openssl")
        .args(["dgst", "-sha256", "-r"])
        .arg(path)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()[..64].to_owned()
}

#[test]
fn unionpay_form_signatures() {
    check_unionpay(&payout());
    check_unionpay(&query_payout());
}

#[test]
fn openssl_opens_the_account_number() {
    let request = unionpay()
        .request(&payout(), Some(&payee()), signed_at(), NONCE)
        .unwrap();
    let fields = Fields::from_form(&request.body).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let sealed = directory.path().join("sealed");
    std::fs::write(
        &sealed,
        base64_decode(fields.get("accNo").unwrap()).unwrap(),
    )
    .unwrap();
    let output = Command::new("openssl")
        .args(["pkeyutl", "-decrypt", "-pkeyopt", "rsa_padding_mode:pkcs1"])
        .arg("-inkey")
        .arg(fixtures().join("unionpay/encryption.key"))
        .arg("-in")
        .arg(sealed)
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"6216261000000000018");
}
