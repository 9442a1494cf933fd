//! What makes a message one of a server of this book: a head that is checked before anything else of
//! the message is read, and a seal over its body.
//!
//! Both are under keys that all servers of the book derive from the book's vault key. A message is for
//! one running process: read by another one, or again, or late, it is refused.

use aws_lc_rs::hmac;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use engine::batch::SealedSecret;
use engine::{Vault, VaultError};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Age above which a message is refused; clocks of servers differ by two seconds at most.
const AGE_MAX: SignedDuration = SignedDuration::from_secs(30);
const SEAL_LABEL: &[u8] = b"qingyuan: messages among servers, 1";
const HEAD_LABEL: &[u8] = b"qingyuan: heads of messages among servers, 1";
const NONCE: &str = "x-peer-nonce";
const AT: &str = "x-peer-at";
const MAC: &str = "x-peer-mac";

pub(super) type Nonce = [u8; 12];

/// The keys of messages among servers, derived from the book's vault key.
#[derive(Clone)]
pub struct PeerKey(Arc<Keys>);

struct Keys {
    seal: Vault,
    head: hmac::Key,
}

impl std::fmt::Debug for PeerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PeerKey")
    }
}

/// What stands before a message.
pub(super) struct Head {
    pub nonce: Nonce,
    pub at: Timestamp,
    /// Bytes of the body that follows.
    pub length: usize,
}

impl Head {
    /// A head of a message of now.
    pub fn new(length: usize) -> Result<Head, getrandom::Error> {
        Ok(Head {
            nonce: new_nonce()?,
            at: Timestamp::now(),
            length,
        })
    }

    /// What is authenticated: the head and the process that the message is for.
    fn text(&self, to: &str) -> String {
        let (nonce, at) = (hex::encode(self.nonce), self.at.as_millisecond());
        format!("{nonce} {at} {} {to}", self.length)
    }

    /// Its headers, for the process `to`.
    pub fn headers(&self, key: &PeerKey, to: &str) -> [(&'static str, String); 3] {
        let mac = hmac::sign(&key.0.head, self.text(to).as_bytes());
        [
            (NONCE, hex::encode(self.nonce)),
            (AT, self.at.as_millisecond().to_string()),
            (MAC, hex::encode(mac)),
        ]
    }

    /// Reads the head of a message to the process `to`; `None` for one that no server of the book made.
    pub fn read(headers: &HeaderMap, key: &PeerKey, to: &str) -> Option<Head> {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<i64>().ok();
        let head = Head {
            nonce: nonce_of(headers)?,
            at: Timestamp::from_millisecond(number(AT)?).ok()?,
            length: usize::try_from(number(CONTENT_LENGTH.as_str())?).ok()?,
        };
        let mac = hex::decode(headers.get(MAC)?.as_bytes()).ok()?;
        hmac::verify(&key.0.head, head.text(to).as_bytes(), &mac).ok()?;
        Some(head)
    }

    /// Binds the seal of the message to its head.
    pub fn label(&self, to: &str) -> String {
        format!("ask {}", self.text(to))
    }
}

impl PeerKey {
    /// Derives them.
    ///
    /// # Errors
    /// [`VaultError`] when the cipher cannot be set up.
    pub fn derive(vault_key: &[u8]) -> Result<PeerKey, VaultError> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, vault_key);
        let head = hmac::sign(&key, HEAD_LABEL);
        Ok(PeerKey(Arc::new(Keys {
            seal: Vault::new(hmac::sign(&key, SEAL_LABEL).as_ref())?,
            head: hmac::Key::new(hmac::HMAC_SHA256, head.as_ref()),
        })))
    }

    pub(super) fn seal(
        &self,
        label: &str,
        nonce: Nonce,
        clear: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        let sealed = self.0.seal.seal(label, nonce, clear)?;
        Ok(sealed.cipher_text)
    }

    pub(super) fn open(
        &self,
        label: &str,
        nonce: Nonce,
        bytes: &[u8],
    ) -> Option<zeroize::Zeroizing<Vec<u8>>> {
        let sealed = SealedSecret {
            id: label.to_owned(),
            nonce,
            cipher_text: bytes.to_vec(),
        };
        self.0.seal.open(&sealed).ok()
    }
}

/// Binds an answer to the message it answers.
pub(super) fn label_of_answer(asked: Nonce) -> String {
    format!("answer {}", hex::encode(asked))
}

pub(super) fn new_nonce() -> Result<Nonce, getrandom::Error> {
    let mut nonce = [0; 12];
    getrandom::fill(&mut nonce)?;
    Ok(nonce)
}

/// The header of an answer's nonce.
pub(super) fn nonce_header(nonce: Nonce) -> (&'static str, String) {
    (NONCE, hex::encode(nonce))
}

pub(super) fn nonce_of(headers: &HeaderMap) -> Option<Nonce> {
    let bytes = hex::decode(headers.get(NONCE)?.as_bytes()).ok()?;
    bytes.try_into().ok()
}

/// Messages of the last minute.
#[derive(Debug, Default)]
pub(super) struct Seen(BTreeSet<(i64, Nonce)>);

impl Seen {
    /// Notes an authentic message; false when it is too old or was here before.
    pub fn is_new(&mut self, head: &Head, now: Timestamp) -> bool {
        if now.duration_since(head.at).abs() > AGE_MAX {
            return false;
        }
        let oldest = (now - AGE_MAX - AGE_MAX).as_millisecond();
        self.0 = self.0.split_off(&(oldest, [0; 12]));
        self.0.insert((head.at.as_millisecond(), head.nonce))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{AT, Head, MAC, PeerKey, Seen};
    use axum::http::{HeaderMap, HeaderValue};
    use jiff::SignedDuration;

    fn headers(head: &Head, key: &PeerKey, to: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in head.headers(key, to) {
            headers.insert(name, HeaderValue::from_str(&value).unwrap());
        }
        headers.insert("content-length", HeaderValue::from(head.length));
        headers
    }

    #[test]
    fn a_head_is_read_by_whom_it_is_for_and_only_as_it_was_written() {
        let key = PeerKey::derive(&[7; 32]).unwrap();
        let head = Head::new(100).unwrap();
        let sent = headers(&head, &key, "one");
        assert!(Head::read(&sent, &key, "one").is_some());
        assert!(Head::read(&sent, &key, "other").is_none());
        let foreign = PeerKey::derive(&[8; 32]).unwrap();
        assert!(Head::read(&sent, &foreign, "one").is_none());
        for (name, value) in [("content-length", "101"), (AT, "1"), (MAC, "00")] {
            let mut changed = sent.clone();
            changed.insert(name, HeaderValue::from_static(value));
            assert!(Head::read(&changed, &key, "one").is_none(), "{name}");
            changed.remove(name);
            assert!(Head::read(&changed, &key, "one").is_none(), "{name}");
        }
    }

    #[test]
    fn a_message_is_new_once_and_for_a_short_time() {
        let mut seen = Seen::default();
        let head = Head::new(0).unwrap();
        let late = head.at + SignedDuration::from_secs(31);
        assert!(!seen.is_new(&head, late));
        assert!(seen.is_new(&head, head.at));
        assert!(!seen.is_new(&head, head.at));
        assert!(!seen.is_new(&head, head.at + SignedDuration::from_secs(29)));
    }
}
