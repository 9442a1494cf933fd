//! Known answers and key formats.

use crate::support::{bytes, certificate, private_key, text};
use channels::crypto::{
    AeadKey, Certificate, CryptoError, RsaPrivateKey, RsaPublicKey, aead_aes_256_gcm_decrypt,
    aead_aes_256_gcm_encrypt, base64_decode, base64_encode, sha1_hex, sha256_hex, verify_chain,
};
use channels::unionpay::Fields;
use jiff::Timestamp;
use proptest::prelude::*;

const KEY: &[u8] = b"0123456789abcdef0123456789ABCDEF";
const PLAIN: &str = r#"{"mchid":"1900000001","out_trade_no":"T0001"}"#;
const WITH_AAD: &str =
    "vbc6JEv4Af6cAAE17Szy2l90onAM5hdPZe8sNjhUF5SyNY8BqFREs3j/S0Sjj52VV5iAtahDF279zsGXPw==";
const WITHOUT_AAD: &str =
    "vbc6JEv4Af6cAAE17Szy2l90onAM5hdPZe8sNjhUF5SyNY8BqFREs3j/S0SjBU8xtfZTrwk/X7eXEnnAGw==";

#[test]
fn aead_known_answers() {
    let key = AeadKey::new(KEY).unwrap();
    for (aad, expected) in [("transaction", WITH_AAD), ("", WITHOUT_AAD)] {
        let sealed =
            aead_aes_256_gcm_encrypt(&key, b"abcdef012345", aad.as_bytes(), PLAIN.as_bytes())
                .unwrap();
        assert_eq!(base64_encode(&sealed), expected);
        let opened = aead_aes_256_gcm_decrypt(
            &key,
            b"abcdef012345",
            aad.as_bytes(),
            &base64_decode(expected).unwrap(),
        );
        assert_eq!(opened.unwrap(), PLAIN.as_bytes());
    }
}

#[test]
fn aead_refuses_whatever_was_altered() {
    let key = AeadKey::new(KEY).unwrap();
    let sealed = base64_decode(WITH_AAD).unwrap();
    let open = |nonce: &[u8], aad: &[u8], sealed: &[u8]| {
        aead_aes_256_gcm_decrypt(&key, nonce, aad, sealed)
    };
    assert!(open(b"abcdef012345", b"transaction", &sealed).is_ok());
    assert_eq!(
        open(b"abcdef012346", b"transaction", &sealed),
        Err(CryptoError::Decryption)
    );
    assert_eq!(
        open(b"abcdef012345", b"refund", &sealed),
        Err(CryptoError::Decryption)
    );
    assert_eq!(
        open(b"short", b"transaction", &sealed),
        Err(CryptoError::Decryption)
    );
    assert_eq!(
        open(b"abcdef012345", b"transaction", &sealed[..10]),
        Err(CryptoError::Decryption)
    );
    for position in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[position] ^= 1;
        assert_eq!(
            open(b"abcdef012345", b"transaction", &altered),
            Err(CryptoError::Decryption)
        );
    }
    assert!(AeadKey::new(&KEY[..31]).is_err());
}

#[test]
fn digests_known_answers() {
    // FIPS 180-4 examples.
    assert_eq!(sha1_hex(b"abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_eq!(
        sha256_hex(b"abc"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

#[test]
fn unionpay_text_to_sign_known_answer() {
    let body = "accessType=0&bizType=000000&encoding=UTF-8&merId=777290058110048\
                &orderId=20260102030405001&signMethod=01&txnSubType=00\
                &txnTime=20260102030405&txnType=00&version=5.1.0&certId=68759663125";
    let mut fields = Fields::from_raw(body.as_bytes()).unwrap();
    fields.set("signature", "left out");
    fields.set("reserved", "");
    assert_eq!(
        fields.digest_to_sign(),
        "bd163d0a744a4bb4454f9bb34c404a15cece1acb6c8e31cc039b7660c76bf278"
    );
    let plain = body
        .replace("&certId=68759663125", "")
        .replace("signMethod=01", "signMethod=11");
    assert_eq!(
        Fields::from_raw(plain.as_bytes()).unwrap().digest_to_sign(),
        "b902d93f207cf50b9f933a0485b425c76182871c9f0537878bb2a53c43d9946f"
    );
}

#[test]
fn private_keys_load_in_every_form() {
    let pkcs8 = private_key("wechat/merchant.key");
    let pkcs1 = private_key("wechat/merchant_pkcs1.key");
    let bare = |path: &str| -> String {
        text(path)
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .collect()
    };
    let bare_pkcs8 = RsaPrivateKey::from_text(&bare("wechat/merchant.key")).unwrap();
    let bare_pkcs1 = RsaPrivateKey::from_text(&bare("wechat/merchant_pkcs1.key")).unwrap();
    let expected = pkcs8.sign_sha256_base64(b"message").unwrap();
    for key in [pkcs1, bare_pkcs8, bare_pkcs1] {
        assert_eq!(key.sign_sha256_base64(b"message").unwrap(), expected);
        assert_eq!(key.public_key(), pkcs8.public_key());
    }
}

#[test]
fn unreadable_keys_are_named_and_not_shown() {
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----";
    let message = RsaPrivateKey::from_text(encrypted).unwrap_err().to_string();
    assert!(message.contains("encrypted"), "{message}");
    let damaged = text("wechat/merchant.key").replace("MII", "MIJ");
    let wrong = [
        text("wechat/merchant.crt"),
        text("wechat/public_mode.pub"),
        damaged,
        "-----BEGIN PRIVATE KEY-----\nAAAA".to_owned(),
        "not a key".to_owned(),
        String::new(),
    ];
    for key in wrong {
        let error = RsaPrivateKey::from_text(&key).unwrap_err();
        assert!(matches!(error, CryptoError::Key { .. }), "{error}");
        assert!(error.to_string().len() < 150, "{error}");
    }
}

#[test]
fn secrets_are_masked_in_debug() {
    let key = private_key("wechat/merchant.key");
    assert_eq!(
        format!("{key:?}"),
        format!("RsaPrivateKey(*** of {})", key.public_key().fingerprint())
    );
    assert_eq!(format!("{:?}", AeadKey::new(KEY).unwrap()), "AeadKey(***)");
    let config = format!("{:?}", crate::support::wechat_config());
    assert!(!config.contains("0123456789abcdef"), "{config}");
}

#[test]
fn public_keys_load_from_pem_certificate_and_base64() {
    let certificate = certificate("wechat/platform.crt");
    let key = RsaPublicKey::from_text(&text("wechat/platform.crt")).unwrap();
    assert_eq!(&key, certificate.public_key());
    assert_eq!(RsaPublicKey::from_text(&key.to_pem()).unwrap(), key);
    let bare = base64_encode(key.spki_der());
    assert_eq!(RsaPublicKey::from_text(&bare).unwrap(), key);
    assert_ne!(
        RsaPublicKey::from_text(&text("wechat/public_mode.pub")).unwrap(),
        key
    );
    assert!(RsaPublicKey::from_text(&text("wechat/merchant.key")).is_err());
}

#[test]
fn signatures_fail_for_other_messages_keys_and_text() {
    let key = private_key("wechat/merchant.key");
    let signature = key.sign_sha256_base64(b"message").unwrap();
    let public = key.public_key();
    assert_eq!(public.verify_sha256_base64(b"message", &signature), Ok(()));
    assert_eq!(
        public.verify_sha256_base64(b"messagf", &signature),
        Err(CryptoError::Signature)
    );
    assert_eq!(
        public.verify_sha256_base64(b"message", "*"),
        Err(CryptoError::Base64)
    );
    assert_eq!(
        public.verify_sha256_base64(b"message", ""),
        Err(CryptoError::Signature)
    );
    let other = private_key("wechat/platform.key");
    assert_eq!(
        other
            .public_key()
            .verify_sha256_base64(b"message", &signature),
        Err(CryptoError::Signature)
    );
}

#[test]
fn pkcs1_encryption_opens_only_with_its_key() {
    let key = private_key("unionpay/encryption.key");
    let sealed = key
        .public_key()
        .encrypt_pkcs1(b"6216261000000000018")
        .unwrap();
    assert_eq!(sealed.len(), 256);
    assert_eq!(
        key.decrypt_pkcs1(&sealed).unwrap().as_slice(),
        b"6216261000000000018"
    );
    let other = private_key("unionpay/signer.key");
    let opened = other.decrypt_pkcs1(&sealed);
    assert!(opened.is_err() || opened.unwrap().as_slice() != b"6216261000000000018");
    assert!(key.decrypt_pkcs1(&sealed[..255]).is_err());
    assert!(key.public_key().encrypt_pkcs1(&[0; 245]).is_ok());
    assert_eq!(
        key.public_key().encrypt_pkcs1(&[0; 246]),
        Err(CryptoError::Encryption { length: 246 })
    );
}

#[test]
fn certificates_are_read_as_openssl_prints_them() {
    let merchant = certificate("wechat/merchant.crt");
    assert_eq!(
        merchant.serial_hex(),
        "5F1BC0DE0A0B0C0D0E0F1011121314151617A8B9"
    );
    let signer = certificate("unionpay/signer.cer");
    assert_eq!(signer.serial_decimal(), "68759585097");
    assert_eq!(signer.common_name(), Some("041@Z12@00040000:SIGN@00000001"));
    assert_eq!(signer.not_before().to_string(), "2026-01-01T00:00:00Z");
    assert_eq!(signer.not_after().to_string(), "2126-07-01T00:00:00Z");
    assert_eq!(signer.to_pem(), text("unionpay/signer.cer"));
}

#[test]
fn chains_hold_only_with_every_signature_right_and_date() {
    let at: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
    let load = |name: &str| certificate(&format!("unionpay/{name}.cer"));
    let (root, middle, signer) = (load("root"), load("middle"), load("signer"));
    assert_eq!(verify_chain(&[&signer, &middle, &root], at), Ok(()));
    let before: Timestamp = "2025-12-31T23:59:59Z".parse().unwrap();
    assert!(matches!(
        verify_chain(&[&signer, &middle, &root], before),
        Err(CryptoError::OutsideValidity { .. })
    ));
    assert!(matches!(
        verify_chain(&[&load("signer_expired"), &middle, &root], at),
        Err(CryptoError::OutsideValidity { .. })
    ));
    let broken = [
        [&load("stranger_signer"), &middle, &root],
        [&load("stranger_signer"), &load("stranger_middle"), &root],
        [&load("sub_signer"), &signer, &middle],
        [&signer, &root, &root],
    ];
    for chain in broken {
        assert!(matches!(
            verify_chain(&chain, at),
            Err(CryptoError::NotIssuedBy { .. })
        ));
    }
}

/// The outer algorithm field is not covered by the signature; nothing is read from it but its
/// equality with the inner one.
#[test]
fn a_certificate_altered_anywhere_says_the_same_or_is_refused() {
    let middle = certificate("unionpay/middle.cer");
    let signer = certificate("unionpay/signer.cer");
    let statement = |c: &Certificate| {
        (
            c.serial_hex(),
            c.common_name().map(str::to_owned),
            (c.not_before(), c.not_after()),
            c.public_key().clone(),
        )
    };
    let mut refused = 0;
    for position in 0..signer.der().len() {
        let mut der = signer.der().to_vec();
        der[position] ^= 0x01;
        match Certificate::from_der(&der) {
            Ok(altered) if altered.check_issued_by(&middle).is_ok() => {
                assert_eq!(statement(&altered), statement(&signer), "byte {position}");
            }
            _ => refused += 1,
        }
    }
    assert!(refused > signer.der().len() - 10, "{refused}");
}

proptest! {
    #[test]
    fn reading_keys_never_panics(data in proptest::collection::vec(any::<u8>(), 0..400)) {
        let text = String::from_utf8_lossy(&data);
        let _ = RsaPrivateKey::from_der(&data);
        let _ = RsaPrivateKey::from_text(&text);
        let _ = RsaPublicKey::from_text(&text);
        let _ = Certificate::from_der(&data);
        let _ = Certificate::from_pem(&text);
    }

    #[test]
    fn cut_and_patched_certificates_never_panic(cut in 0usize..900, byte: u8, at in 0usize..900) {
        let mut der = bytes("unionpay/signer.cer");
        der.truncate(cut);
        if let Some(place) = der.get_mut(at) {
            *place = byte;
        }
        let _ = Certificate::from_pem(&String::from_utf8_lossy(&der));
    }
}
