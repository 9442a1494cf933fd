//! The test vectors of RFC 9421, appendix B, and what is refused by form.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::base::Message;
use super::input::Input;
use super::key::{KeyProblem, read_public_key};
use super::verify::verify;
use super::{ContentDigest, SignatureProblem};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use domain::signing_key::{KeyAlgorithm, SigningKey};

const ED25519: &str = "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=";
const RSA_PSS: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHqgDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5WUtzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI2wIDAQAB";

// Points of the order one, four and eight.
const NEUTRAL: &str = "MCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const OF_ORDER_FOUR: &str = "MCowBQYDK2VwAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const OF_ORDER_EIGHT: &str = "MCowBQYDK2VwAyEAJuiVj8KyJ7BFw/SJ8u+Y8NXfrAXTxjM5sTgCiG1T/AU=";
const B21_INPUT: &str =
    r#"sig-b21=();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd""#;
const B21_SIGNATURE: &str = "sig-b21=:d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==:";
const B23_INPUT: &str = r#"sig-b23=("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss""#;
const B23_SIGNATURE: &str = "sig-b23=:bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==:";
const B26_INPUT: &str = r#"sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519""#;
const B26_SIGNATURE: &str = "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:";
const NOW: i64 = 1_618_884_480;

/// `test-request` of appendix B.2.
fn headers(input: &str, signature: &str) -> HeaderMap {
    let lines = [
        ("host", "example.com"),
        ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("content-type", "application/json"),
        (
            "content-digest",
            "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
        ),
        ("content-length", "18"),
        ("signature-input", input),
        ("signature", signature),
    ];
    lines
        .into_iter()
        .map(|(name, value)| {
            let value = HeaderValue::from_str(value).unwrap();
            (HeaderName::from_static(name), value)
        })
        .collect()
}

fn key(algorithm: KeyAlgorithm, public_key: &str) -> SigningKey {
    SigningKey {
        id: "test-key".to_owned(),
        merchant: "mch".to_owned(),
        name: "test".to_owned(),
        algorithm,
        public_key: public_key.to_owned(),
        created_at: jiff::Timestamp::UNIX_EPOCH,
        revoked_at: None,
    }
}

/// Only whether the signature is that of the base; what must be covered is this API's own affair.
fn holds(headers: &HeaderMap, uri: &'static str, key: &SigningKey) -> bool {
    let input = Input::read(headers).unwrap();
    let message = Message {
        method: &Method::POST,
        uri: &Uri::from_static(uri),
        headers,
        public_url: "https://example.com",
    };
    let base = message.base(&input.components, &input.line).unwrap();
    let public = read_public_key(key.algorithm, &key.public_key).unwrap();
    public.verify_sig(base.as_bytes(), &input.signature).is_ok()
}

#[test]
fn the_signatures_of_the_standard_hold_and_no_others() {
    let ed25519 = key(KeyAlgorithm::Ed25519, ED25519);
    let pss = key(KeyAlgorithm::RsaPssSha512, RSA_PSS);
    let vectors = [
        (B21_INPUT, B21_SIGNATURE, &pss),
        (B23_INPUT, B23_SIGNATURE, &pss),
        (B26_INPUT, B26_SIGNATURE, &ed25519),
    ];
    let uri = "/foo?param=Value&Pet=dog";
    for (input, signature, key) in vectors {
        assert!(holds(&headers(input, signature), uri, key), "{input}");
        let later = input.replace("1618884473", "1618884474");
        assert!(!holds(&headers(&later, signature), uri, key), "{later}");
    }
    let mut other = headers(B23_INPUT, B23_SIGNATURE);
    assert!(!holds(&other, "/foo?param=Value&Pet=cat", &pss));
    other.insert("content-length", HeaderValue::from_static("19"));
    assert!(!holds(&other, uri, &pss));
    let as_v15 = key(KeyAlgorithm::RsaV15Sha256, RSA_PSS);
    assert!(!holds(&headers(B23_INPUT, B23_SIGNATURE), uri, &as_v15));
}

fn verified(
    input: &str,
    signature: &str,
    key: &SigningKey,
    now: i64,
) -> Result<Option<ContentDigest>, SignatureProblem> {
    let headers = headers(input, signature);
    let input = Input::read(&headers)?;
    let message = Message {
        method: &Method::POST,
        uri: &Uri::from_static("/foo?param=Value&Pet=dog"),
        headers: &headers,
        public_url: "https://example.com",
    };
    verify(&message, &input, key, now).map(|signer| signer.digest)
}

#[test]
fn what_must_be_covered_and_the_time_are_checked() {
    let ed25519 = key(KeyAlgorithm::Ed25519, ED25519);
    let check = |list: &str, more: &str, now: i64| {
        let input = format!(r#"s=({list});created=1618884473;keyid="k"{more}"#);
        verified(&input, "s=:AAAA:", &ed25519, now).unwrap_err()
    };
    let not_covered = |name: &str| SignatureProblem::NotCovered(name.to_owned());
    let whole = r#""@method" "@target-uri" "content-digest""#;
    let target = "@target-uri, or @path and @query";
    assert_eq!(check("", "", NOW), not_covered("@method"));
    assert_eq!(check(r#""@method""#, "", NOW), not_covered(target));
    assert_eq!(
        check(r#""@method" "@path""#, "", NOW),
        not_covered("@query")
    );
    assert_eq!(
        check(r#""@method" "@path" "@query""#, "", NOW),
        not_covered("content-digest")
    );
    assert_eq!(check(whole, "", NOW), SignatureProblem::NoNonce);
    assert_eq!(check(whole, r#";nonce="n""#, NOW), SignatureProblem::Wrong);
    let algorithm = check(whole, r#";nonce="n";alg="hmac-sha256""#, NOW);
    assert_eq!(algorithm, SignatureProblem::Algorithm("ed25519"));
    let unknown = check(&format!(r#"{whole} "x-none""#), r#";nonce="n""#, NOW);
    assert_eq!(
        unknown,
        SignatureProblem::NoSuchComponent("x-none".to_owned())
    );
    let late = |now| {
        matches!(
            check(whole, r#";nonce="n""#, now),
            SignatureProblem::Time { .. }
        )
    };
    assert!(late(1_618_884_473 + 301) && late(1_618_884_473 - 61));
    assert!(!late(1_618_884_473 + 300) && !late(1_618_884_473 - 60));
    let expired = check(whole, r#";nonce="n";expires=1618884480"#, NOW);
    assert!(matches!(expired, SignatureProblem::Time { .. }));
}

#[test]
fn what_is_not_in_its_form_is_refused() {
    let ed25519 = key(KeyAlgorithm::Ed25519, ED25519);
    let good = ";created=1618884473;keyid=\"k\"";
    let inputs = [
        "".to_owned(),
        "s".to_owned(),
        "s=1".to_owned(),
        format!("s=(){good}, t=(){good}"),
        r#"s=();keyid="k""#.to_owned(),
        "s=();created=1618884473".to_owned(),
        r#"s=();created="1618884473";keyid="k""#.to_owned(),
        r#"s=();created=1618884473.0;keyid="k""#.to_owned(),
        r#"s=();created=1618884473;keyid="""#.to_owned(),
        format!("s=(){good};colour=1"),
        format!(r#"s=("@method" "@method"){good}"#),
        format!(r#"s=("@Method"){good}"#),
        format!(r#"s=("@method";req){good}"#),
        format!(r#"s=("@query-param";name="a"){good}"#),
        format!("s=(method){good}"),
        format!("s=({}){good}", r#""a" "#.repeat(40)),
        format!(r#"s=();created=1618884473;keyid="{}""#, "k".repeat(201)),
    ];
    for input in inputs {
        let found = verified(&input, "s=:AAAA:", &ed25519, NOW);
        assert!(
            matches!(found, Err(SignatureProblem::Malformed { .. })),
            "{input}: {found:?}"
        );
    }
    for signature in ["", "t=:AAAA:", "s=abc", "s=:AAAA:, t=:AAAA:", "s=(:AAAA:)"] {
        let found = verified(&format!("s=(){good}"), signature, &ed25519, NOW);
        assert!(
            matches!(found, Err(SignatureProblem::Malformed { .. })),
            "{signature}: {found:?}"
        );
    }
}

#[test]
fn a_key_is_of_its_algorithm_and_long_enough() {
    use KeyAlgorithm::{Ed25519, RsaPssSha512, RsaV15Sha256};
    // openssl genrsa 1024 | openssl pkey -pubout -outform DER | base64 -w0
    let short = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC9TnKUmVEAXezFBMs25b9LtVFOwwvHN+ri+aYy1xaRQlHRQ12Jzig2TFJ/xJNvUrSfslm+pP9Tp21ImDglLJh8bYpJHfdxyAXe6viqWVsaY1eYd+hoyS38kJR52FrFfeUO4MwG9MUNxUJ2ptHWnHE+93xsAKhcHOTV/m/ap3pV6QIDAQAB";
    for (kind, text) in [
        (Ed25519, ED25519),
        (RsaPssSha512, RSA_PSS),
        (RsaV15Sha256, RSA_PSS),
    ] {
        assert!(read_public_key(kind, text).is_ok());
    }
    let cases = [
        (Ed25519, RSA_PSS, KeyProblem::Form),
        (RsaPssSha512, ED25519, KeyProblem::Form),
        (
            Ed25519,
            "JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=",
            KeyProblem::Form,
        ),
        (Ed25519, "not base64", KeyProblem::Form),
        (Ed25519, NEUTRAL, KeyProblem::Weak),
        (Ed25519, OF_ORDER_FOUR, KeyProblem::Weak),
        (Ed25519, OF_ORDER_EIGHT, KeyProblem::Weak),
        (RsaPssSha512, "", KeyProblem::Form),
        (RsaV15Sha256, short, KeyProblem::Size),
    ];
    for (kind, text, problem) in cases {
        assert_eq!(read_public_key(kind, text).err(), Some(problem), "{text}");
    }
}
