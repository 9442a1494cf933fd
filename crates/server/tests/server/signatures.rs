//! Merchants sign their requests (RFC 9421) with keys that they manage.

use crate::support::{Answer, FINANCE, OPERATOR, Rig, SHOP, answer};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA512, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use server::{Connectors, ServerConfig};
use sha2::{Digest, Sha256};

const PUBLIC_URL: &str = "https://pay.example.com";

async fn rig() -> Rig {
    let config = ServerConfig {
        public_url: PUBLIC_URL.to_owned(),
        ..ServerConfig::default()
    };
    Rig::with(|_| Connectors::default(), config).await
}

enum Key {
    Ed25519(Ed25519KeyPair),
    RsaPss(RsaKeyPair),
    RsaV15(RsaKeyPair),
}

impl Key {
    fn new() -> Key {
        Key::Ed25519(Ed25519KeyPair::generate().unwrap())
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Key::Ed25519(_) => "ed25519",
            Key::RsaPss(_) => "rsa-pss-sha512",
            Key::RsaV15(_) => "rsa-v1_5-sha256",
        }
    }

    fn public(&self) -> String {
        let der: PublicKeyX509Der = match self {
            Key::Ed25519(key) => key.public_key().as_der(),
            Key::RsaPss(key) | Key::RsaV15(key) => key.public_key().as_der(),
        }
        .unwrap();
        STANDARD.encode(der.as_ref())
    }

    fn sign(&self, text: &str) -> String {
        let by_rsa = |key: &RsaKeyPair, padding| {
            let mut signature = vec![0; key.public_modulus_len()];
            key.sign(
                padding,
                &SystemRandom::new(),
                text.as_bytes(),
                &mut signature,
            )
            .unwrap();
            signature
        };
        let signature = match self {
            Key::Ed25519(key) => key.sign(text.as_bytes()).as_ref().to_vec(),
            Key::RsaPss(key) => by_rsa(key, &RSA_PSS_SHA512),
            Key::RsaV15(key) => by_rsa(key, &RSA_PKCS1_SHA256),
        };
        STANDARD.encode(signature)
    }

    async fn add(&self, rig: &Rig, merchant: &str) -> String {
        let body =
            json!({"name": "test", "algorithm": self.algorithm(), "public_key": self.public()});
        let path = format!("/v1/merchants/{merchant}/keys");
        let idempotency = hex::encode(Sha256::digest(self.public()));
        let proposed = rig.post(&path, OPERATOR, &idempotency, &body).await;
        let proposed = proposed.expect(202).body;
        let approve = format!(
            "/v1/proposals/{}/approve",
            proposed["proposal"].as_str().unwrap()
        );
        rig.press(&approve, FINANCE, &idempotency).await.expect(200);
        // Now it is there, and adding it again says so.
        rig.post(&path, OPERATOR, &format!("again-{idempotency}"), &body)
            .await
            .expect(200)
            .id()
    }
}

/// A request as a client builds it; tests bend its parts.
#[derive(Clone)]
struct Request {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    components: Vec<&'static str>,
    parameters: String,
}

impl Request {
    fn get(rig: &Rig, key: &str, path: &str) -> Request {
        Request {
            method: "GET",
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
            components: vec!["@method", "@target-uri"],
            parameters: format!(";created={};keyid=\"{key}\"", now(rig)),
        }
    }

    fn post(rig: &Rig, key: &str, path: &str, idempotency: &str, body: &Value) -> Request {
        let body = body.to_string();
        let digest = STANDARD.encode(Sha256::digest(body.as_bytes()));
        let headers = [
            ("content-type", "application/json".to_owned()),
            ("content-digest", format!("sha-256=:{digest}:")),
            ("idempotency-key", idempotency.to_owned()),
        ];
        Request {
            method: "POST",
            headers: headers
                .map(|(name, value)| (name.to_owned(), value))
                .to_vec(),
            body: Some(body),
            components: vec![
                "@method",
                "@path",
                "@query",
                "content-digest",
                "idempotency-key",
            ],
            ..Request::get(rig, key, path)
        }
    }

    fn base(&self, parameters: &str) -> String {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let mut base = String::new();
        for name in &self.components {
            let value = match *name {
                "@method" => self.method.to_owned(),
                "@target-uri" => format!("{PUBLIC_URL}{}", self.path),
                "@path" => path.to_owned(),
                "@query" => format!("?{query}"),
                "@authority" => "pay.example.com".to_owned(),
                field => {
                    let found = self.headers.iter().find(|(header, _)| header == field);
                    found.map(|(_, value)| value.clone()).unwrap_or_default()
                }
            };
            base += &format!("\"{name}\": {value}\n");
        }
        base + &format!("\"@signature-params\": {parameters}")
    }

    /// The headers of the signature.
    fn signed(&self, key: &Key) -> (String, String) {
        let names: Vec<String> = self
            .components
            .iter()
            .map(|name| format!("\"{name}\""))
            .collect();
        let parameters = format!("({}){}", names.join(" "), self.parameters);
        let signature = key.sign(&self.base(&parameters));
        (format!("sig={parameters}"), format!("sig=:{signature}:"))
    }

    async fn send_with(&self, rig: &Rig, (input, signature): &(String, String)) -> Answer {
        let method = reqwest::Method::from_bytes(self.method.as_bytes()).unwrap();
        let mut request = rig.client().request(method, rig.url(&self.path));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request = request
            .header("signature-input", input)
            .header("signature", signature);
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        answer(request).await
    }

    async fn send(&self, rig: &Rig, key: &Key) -> Answer {
        self.send_with(rig, &self.signed(key)).await
    }
}

fn now(rig: &Rig) -> i64 {
    use engine::runtime::Clock;
    rig.clock.now().as_second()
}

fn order(number: &str) -> Value {
    json!({"order_number": number, "amount": {"amount": 100, "currency": "CNY"},
        "channel": "wechat", "description": "book"})
}

#[tokio::test]
async fn each_algorithm_signs_for_its_merchant_alone() {
    let rig = rig().await;
    let keys = [
        Key::new(),
        Key::RsaPss(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
        Key::RsaV15(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
    ];
    for (index, key) in keys.iter().enumerate() {
        let id = key.add(&rig, &rig.shop).await;
        let number = format!("A-{index}");
        let made = Request::post(&rig, &id, "/v1/payments", &number, &order(&number));
        let made = made.send(&rig, key).await.expect(201);
        assert_eq!(made.body["merchant"], rig.shop.as_str());
        let path = format!("/v1/payments?limit=5&order_number={number}");
        let listed = Request::get(&rig, &id, &path)
            .send(&rig, key)
            .await
            .expect(200);
        assert_eq!(listed.body["items"][0]["id"], made.id().as_str());
        let foreign = format!("/v1/payments?merchant={}", rig.other_shop);
        Request::get(&rig, &id, &foreign)
            .send(&rig, key)
            .await
            .expect_problem(403, "forbidden", "merchant");
    }
    // Who acts is in the journal by the merchant's id, as with an API key.
    let journal = format!(
        "{:?}",
        rig.running
            .engine
            .queries()
            .journal_after(0, 1_000)
            .unwrap()
    );
    assert!(journal.contains(&rig.shop));
    rig.stop().await;
}

#[tokio::test]
async fn what_was_not_signed_is_refused_and_named() {
    let rig = rig().await;
    let key = Key::new();
    let id = key.add(&rig, &rig.shop).await;
    let good = Request::post(&rig, &id, "/v1/payments", "k", &order("A-1"));
    let row = rig.last_row().await;
    type Bend<'a> = &'a dyn Fn(&mut Request);
    let before: [(&str, Bend, &str, &str); 8] = [
        (
            "no method",
            &|r| {
                r.components.remove(0);
            },
            "Signature-Input",
            "@method",
        ),
        (
            "no path",
            &|r| {
                r.components.remove(1);
            },
            "Signature-Input",
            "@target-uri",
        ),
        (
            "no digest covered",
            &|r| {
                r.components.remove(3);
            },
            "Signature-Input",
            "content-digest",
        ),
        (
            "no key covered",
            &|r| {
                r.components.remove(4);
            },
            "Signature-Input",
            "idempotency-key",
        ),
        (
            "no digest",
            &|r| {
                r.headers.remove(1);
            },
            "Content-Digest",
            "body",
        ),
        (
            "old",
            &|r| r.parameters = r.parameters.replace(";created=1", ";created=0"),
            "Signature-Input",
            "300 seconds",
        ),
        (
            "unknown key",
            &|r| r.parameters = ";created=1795140000;keyid=\"key_none\"".into(),
            "Signature-Input",
            "keyid",
        ),
        (
            "another algorithm",
            &|r| r.parameters += ";alg=\"rsa-pss-sha512\"",
            "Signature-Input",
            "ed25519",
        ),
    ];
    for (what, bend, header, word) in before {
        let mut request = good.clone();
        bend(&mut request);
        let refused = request.send(&rig, &key).await;
        let refused = refused.expect_problem(401, "signature_refused", header);
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains(word), "{what}: {detail}");
    }
    // Changed on the way.
    let signature = good.signed(&key);
    let after: [(&str, Bend, &str, &str); 5] = [
        (
            "method",
            &|r| r.method = "PATCH",
            "signature_refused",
            "Signature",
        ),
        (
            "path",
            &|r| r.path = "/v1/payments/x/close".into(),
            "signature_refused",
            "Signature",
        ),
        (
            "query",
            &|r| r.path += "?a=1",
            "signature_refused",
            "Signature",
        ),
        (
            "key",
            &|r| r.headers[2].1 = "other".into(),
            "signature_refused",
            "Signature",
        ),
        (
            "body",
            &|r| r.body = Some(order("A-2").to_string()),
            "content_digest_mismatch",
            "Content-Digest",
        ),
    ];
    for (what, bend, code, header) in after {
        let mut request = good.clone();
        bend(&mut request);
        let refused = request.send_with(&rig, &signature).await;
        assert!(
            refused.status == 401 || refused.status == 405,
            "{what}: {refused:?}"
        );
        if refused.status == 401 {
            refused.expect_problem(401, code, header);
        }
    }
    let stranger = Key::new();
    good.send(&rig, &stranger)
        .await
        .expect_problem(401, "signature_refused", "Signature");
    let (input, _) = good.signed(&key);
    let bare = good.send_with(&rig, &(input, String::new())).await;
    bare.expect_problem(401, "signature_refused", "Signature");
    let mut both = good.clone();
    both.headers
        .push(("authorization".into(), format!("Bearer {SHOP}")));
    both.send(&rig, &key)
        .await
        .expect_problem(401, "unauthorized", "Authorization");
    assert_eq!(rig.last_row().await, row);
    let listed = rig.get("/v1/payments", SHOP).await.expect(200);
    assert_eq!(listed.body["items"], json!([]));
    good.send(&rig, &key).await.expect(201);
    rig.stop().await;
}

#[tokio::test]
async fn a_copy_of_a_request_does_nothing_new() {
    let rig = rig().await;
    let key = Key::new();
    let id = key.add(&rig, &rig.shop).await;
    let made = Request::post(&rig, &id, "/v1/payments", "k", &order("A-1"));
    let signature = made.signed(&key);
    let first = made.send_with(&rig, &signature).await.expect(201);
    let copy = made.send_with(&rig, &signature).await.expect(201);
    assert_eq!(copy.headers["idempotency-replayed"], "true");
    assert_eq!(copy.body, first.body);
    // A key of another system of the merchant meets the same idempotency keys.
    let second = Key::new();
    let second_id = second.add(&rig, &rig.shop).await;
    let again = Request::post(&rig, &second_id, "/v1/payments", "k", &order("A-1"));
    let again = again.send(&rig, &second).await.expect(201);
    assert_eq!(again.headers["idempotency-replayed"], "true");

    // Without an idempotency key the nonce tells a copy.
    let path = format!("/v1/payments/{}/query", first.id());
    let mut ask = Request::get(&rig, &id, &path);
    ask.method = "POST";
    ask.send(&rig, &key)
        .await
        .expect_problem(401, "signature_refused", "Signature-Input");
    ask.parameters += ";nonce=\"n-1\"";
    let signature = ask.signed(&key);
    let asked = ask.send_with(&rig, &signature).await.expect(200);
    assert!(!asked.headers.contains_key("idempotency-replayed"));
    let copied = ask.send_with(&rig, &signature).await.expect(200);
    assert_eq!(copied.headers["idempotency-replayed"], "true");
    // What is shown once is not shown to who sends a copy.
    let endpoint = json!({"url": "https://shop.example/hooks"});
    let set = Request::post(&rig, &id, "/v1/webhook-endpoints", "w", &endpoint);
    let signature = set.signed(&key);
    let answer = set.send_with(&rig, &signature).await.expect(201).body;
    assert!(answer["secret"].is_string(), "{answer}");
    let copied = set.send_with(&rig, &signature).await.expect(201);
    assert_eq!(copied.headers["idempotency-replayed"], "true");
    assert_eq!(copied.body.get("secret"), None);
    // A nonce that signs something else as well.
    let mut other = ask.clone();
    other.path = format!("/v1/payments/{}/close", first.id());
    let digest = STANDARD.encode(Sha256::digest(b""));
    other.headers = vec![("content-digest".into(), format!("sha-256=:{digest}:"))];
    other.components.push("content-digest");
    other.path = format!("/v1/merchants/{}/keys/{id}", rig.shop);
    other.method = "DELETE";
    other
        .send(&rig, &key)
        .await
        .expect_problem(422, "idempotency_key_reused", "Idempotency-Key");
    rig.stop().await;
}

#[tokio::test]
async fn merchants_keep_their_keys() {
    let rig = rig().await;
    let key = Key::new();
    let id = key.add(&rig, &rig.shop).await;
    let keys = format!("/v1/merchants/{}/keys", rig.shop);
    // The same key again is the same key; no private part of it was ever here.
    let body = json!({"name": "test", "algorithm": "ed25519", "public_key": key.public()});
    assert_eq!(
        rig.post(&keys, OPERATOR, "again", &body)
            .await
            .expect(200)
            .id(),
        id
    );
    // A merchant adds another with its first, and revokes the first with the other.
    let next = Key::new();
    let body = json!({"name": "next", "algorithm": "ed25519", "public_key": next.public()});
    let added = Request::post(&rig, &id, &keys, "next", &body);
    let next_id = added.send(&rig, &key).await.expect(201).id();
    let mut revoke = Request::get(&rig, &next_id, &format!("{keys}/{id}"));
    revoke.method = "DELETE";
    revoke.parameters += ";nonce=\"n\"";
    let revoked = revoke.send(&rig, &next).await.expect(200);
    assert!(revoked.body["revoked_at"].is_string());
    Request::get(&rig, &id, "/v1/payments")
        .send(&rig, &key)
        .await
        .expect_problem(401, "signature_refused", "Signature-Input");
    let listed = Request::get(&rig, &next_id, &keys)
        .send(&rig, &next)
        .await
        .expect(200);
    let names: Vec<&str> = listed.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["name"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 2);
    // Nobody else's.
    let foreign = format!("/v1/merchants/{}/keys", rig.other_shop);
    let refused = Request::post(&rig, &next_id, &foreign, "f", &body);
    refused
        .send(&rig, &next)
        .await
        .expect_problem(404, "not_found", "");
    let foreign = rig.post(&foreign, SHOP, "f", &body).await;
    foreign.expect_problem(404, "not_found", "");
    for (field, body) in [
        (
            "public_key",
            json!({"name": "x", "algorithm": "rsa-pss-sha512", "public_key": key.public()}),
        ),
        (
            "public_key",
            json!({"name": "x", "algorithm": "ed25519", "public_key": "AAAA"}),
        ),
        (
            "algorithm",
            json!({"name": "x", "algorithm": "hmac-sha256", "public_key": key.public()}),
        ),
        (
            "name",
            json!({"name": "", "algorithm": "ed25519", "public_key": Key::new().public()}),
        ),
    ] {
        let refused = rig.post(&keys, OPERATOR, field, &body).await;
        refused.expect_problem(422, "invalid_field", field);
    }
    for number in 0..9 {
        let body =
            json!({"name": "more", "algorithm": "ed25519", "public_key": Key::new().public()});
        rig.post(&keys, SHOP, &format!("more-{number}"), &body)
            .await
            .expect(201);
    }
    let body =
        json!({"name": "eleventh", "algorithm": "ed25519", "public_key": Key::new().public()});
    rig.post(&keys, OPERATOR, "eleventh", &body)
        .await
        .expect_problem(422, "limit_exceeded", "");
    rig.stop().await;
}

/// Whoever holds a key of a merchant is the merchant: an operator would otherwise be maker in its name.
#[tokio::test]
async fn an_operator_alone_adds_no_key() {
    let rig = rig().await;
    let keys = format!("/v1/merchants/{}/keys", rig.shop);
    let key = Key::new();
    let body = json!({"name": "his own", "algorithm": "ed25519", "public_key": key.public()});
    let proposed = rig.post(&keys, OPERATOR, "k", &body).await.expect(202).body;
    let proposal = proposed["proposal"].as_str().unwrap();
    let listed = rig.get(&keys, OPERATOR).await.expect(200).body;
    assert_eq!(listed["items"], json!([]));
    let approve = format!("/v1/proposals/{proposal}/approve");
    rig.press(&approve, OPERATOR, "k").await.expect(403);
    rig.press(&approve, FINANCE, "k").await.expect(200);
    let listed = rig.get(&keys, OPERATOR).await.expect(200).body;
    assert_eq!(listed["items"][0]["public_key"], key.public());
    // The merchant's own needs nobody.
    let body = json!({"name": "own", "algorithm": "ed25519", "public_key": Key::new().public()});
    rig.post(&keys, SHOP, "own", &body).await.expect(201);
    rig.stop().await;
}

/// The script that the documentation shows, with curl and OpenSSL against a real socket.
#[tokio::test]
async fn the_documented_script_takes_an_order() {
    let rig = rig().await;
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let script = std::fs::read_to_string(format!("{root}/scripts/signed-request.sh")).unwrap();
    let page = std::fs::read_to_string(format!("{root}/docs/api.md")).unwrap();
    let (_, shown) = script.split_once("set -eu\n").unwrap();
    assert!(
        page.contains(shown.trim()),
        "docs/api.md shows another script"
    );
    let mut command = std::process::Command::new("sh");
    command
        .arg(format!("{root}/scripts/signed-request.sh"))
        .env("URL", rig.server.url())
        .env("OPERATOR_KEY", OPERATOR)
        .env("FINANCE_KEY", FINANCE)
        .env("MERCHANT", &rig.shop)
        .env("CREATED", now(&rig).to_string())
        .env("no_proxy", "*");
    let run = tokio::task::spawn_blocking(move || command.output());
    let run = run.await.unwrap().unwrap();
    let printed = String::from_utf8(run.stdout).unwrap();
    assert!(run.status.success(), "{printed}{:?}", run.stderr);
    let order: Value = serde_json::from_str(&printed).unwrap_or_else(|_| panic!("{printed}"));
    assert_eq!(order["order_number"], "A-1001", "{printed}");
    assert_eq!(order["merchant"], rig.shop.as_str());
    println!("{printed}");
    rig.stop().await;
}

#[tokio::test]
async fn where_merchants_must_sign_their_api_keys_are_off_and_others_stay() {
    let config = ServerConfig {
        public_url: PUBLIC_URL.to_owned(),
        ..ServerConfig::default()
    };
    let rig = Rig::as_configured(|_| Connectors::default(), config).await;
    rig.get("/v1/payments", SHOP)
        .await
        .expect_problem(401, "signature_required", "");
    rig.get("/v1/merchants", OPERATOR).await.expect(200);
    let key = Key::new();
    let id = key.add(&rig, &rig.shop).await;
    Request::get(&rig, &id, "/v1/payments")
        .send(&rig, &key)
        .await
        .expect(200);
    rig.stop().await;
}
