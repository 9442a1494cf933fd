//! Personal data at rest.

use engine::{Vault, VaultError};
use proptest::prelude::*;

fn vault(byte: u8) -> Vault {
    Vault::new(&[byte; 32]).unwrap()
}

proptest! {
    #[test]
    fn what_was_sealed_comes_back(id in "[a-z_0-9]{1,40}", clear: Vec<u8>, nonce: [u8; 12]) {
        let sealed = vault(7).seal(&id, nonce, &clear).unwrap();
        prop_assert_eq!(sealed.cipher_text.len(), clear.len() + 16);
        prop_assert_eq!(vault(7).open(&sealed).unwrap().to_vec(), clear);
    }
}

#[test]
fn anything_altered_is_noticed() {
    let vault = vault(7);
    let sealed = vault
        .seal("card_1", [1; 12], b"6222020200112233445")
        .unwrap();
    let refused = |id: &str| Err(VaultError::Undecipherable(id.to_owned()));
    // Another key; another row's id; each byte of nonce and cipher text; a shortened text.
    assert_eq!(self::vault(8).open(&sealed), refused("card_1"));
    let mut swapped = sealed.clone();
    swapped.id = "card_2".into();
    assert_eq!(vault.open(&swapped), refused("card_2"));
    for position in 0..sealed.cipher_text.len() {
        let mut damaged = sealed.clone();
        damaged.cipher_text[position] ^= 1;
        assert_eq!(vault.open(&damaged), refused("card_1"));
    }
    for position in 0..12 {
        let mut damaged = sealed.clone();
        damaged.nonce[position] ^= 1;
        assert_eq!(vault.open(&damaged), refused("card_1"));
    }
    let mut short = sealed.clone();
    short.cipher_text.truncate(10);
    assert_eq!(vault.open(&short), refused("card_1"));
    short.cipher_text.clear();
    assert_eq!(vault.open(&short), refused("card_1"));
    assert!(vault.open(&sealed).is_ok());
}

#[test]
fn fingerprints_tell_texts_apart_under_one_key_only() {
    let print = |key: u8, text: &[u8]| vault(key).fingerprint(text);
    assert_eq!(
        print(7, b"6222020200112233445"),
        print(7, b"6222020200112233445")
    );
    assert_ne!(
        print(7, b"6222020200112233445"),
        print(7, b"6222020200112233446")
    );
    assert_ne!(
        print(7, b"6222020200112233445"),
        print(8, b"6222020200112233445")
    );
    assert_eq!(format!("{:?}", print(7, b"1")), "Fingerprint");
}

#[test]
fn keys_have_32_bytes_and_are_not_shown() {
    for length in [0, 16, 31, 33, 64] {
        assert_eq!(
            Vault::new(&vec![0; length]).err(),
            Some(VaultError::KeyLength)
        );
    }
    assert_eq!(format!("{:?}", vault(7)), "Vault");
    let entry = engine::VaultEntry {
        id: "card_1".into(),
        clear_text: zeroize::Zeroizing::new(b"6222020200112233445".to_vec()),
    };
    assert_eq!(format!("{entry:?}"), "VaultEntry(card_1)");
}
