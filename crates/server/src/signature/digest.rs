//! `Content-Digest` (RFC 9530).

use super::{SignatureProblem, malformed};
use axum::http::HeaderMap;
use sfv::{BareItem, Dictionary, ListEntry, Parser};
use sha2::{Digest, Sha256, Sha512};

pub(super) const NAME: &str = "content-digest";
const SHOWN: &str = "Content-Digest";

/// The digests of a body that a signature covers; what is not SHA-256 or SHA-512 is passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentDigest {
    sha256: Option<Vec<u8>>,
    sha512: Option<Vec<u8>>,
}

impl ContentDigest {
    /// Reads the header, if there is one.
    ///
    /// # Errors
    /// [`SignatureProblem::Malformed`] when it holds no digest that can be checked.
    pub fn read(headers: &HeaderMap) -> Result<Option<ContentDigest>, SignatureProblem> {
        let Some(value) = super::base::field(headers, NAME)? else {
            return Ok(None);
        };
        let digests: Dictionary = Parser::new(&value)
            .parse()
            .map_err(|error| malformed(SHOWN, error.to_string()))?;
        let of = |name: &str| match digests.get(name) {
            None => Ok(None),
            Some(ListEntry::Item(item)) => match &item.bare_item {
                BareItem::ByteSequence(bytes) => Ok(Some(bytes.clone())),
                _ => Err(malformed(SHOWN, "a digest is a byte sequence, :…:")),
            },
            Some(ListEntry::InnerList(_)) => {
                Err(malformed(SHOWN, "a digest is a byte sequence, :…:"))
            }
        };
        let read = ContentDigest {
            sha256: of("sha-256")?,
            sha512: of("sha-512")?,
        };
        if read.sha256.is_none() && read.sha512.is_none() {
            return Err(malformed(SHOWN, "it must hold sha-256 or sha-512"));
        }
        Ok(Some(read))
    }

    /// Whether every digest is that of the body.
    ///
    /// # Errors
    /// [`SignatureProblem::Digest`].
    pub fn check(&self, body: &[u8]) -> Result<(), SignatureProblem> {
        let sha256 = self.sha256.as_ref();
        let sha512 = self.sha512.as_ref();
        let same = sha256.is_none_or(|given| given[..] == Sha256::digest(body)[..])
            && sha512.is_none_or(|given| given[..] == Sha512::digest(body)[..]);
        same.then_some(()).ok_or(SignatureProblem::Digest)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::ContentDigest;
    use axum::http::{HeaderMap, HeaderValue};

    fn read(value: &'static str) -> Result<Option<ContentDigest>, String> {
        let mut headers = HeaderMap::new();
        headers.insert("content-digest", HeaderValue::from_static(value));
        ContentDigest::read(&headers).map_err(|error| error.to_string())
    }

    /// Of RFC 9530, section 2 (`{"hello": "world"}` with a line break) and RFC 9421, appendix B.2.
    const SHA_256: &str = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
    const SHA_512: &str = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";

    #[test]
    fn digests_of_the_standards_match_their_bodies_only() {
        let line = b"{\"hello\": \"world\"}\n";
        let text = b"{\"hello\": \"world\"}";
        let digest = read(SHA_256).unwrap().unwrap();
        assert!(digest.check(line).is_ok() && digest.check(text).is_err());
        let digest = read(SHA_512).unwrap().unwrap();
        assert!(digest.check(text).is_ok() && digest.check(line).is_err());
    }

    #[test]
    fn all_that_are_given_must_match_and_one_must_be_known() {
        let both: &'static str = Box::leak(format!("{SHA_256}, {SHA_512}").into_boxed_str());
        let digest = read(both).unwrap().unwrap();
        assert!(digest.check(b"{\"hello\": \"world\"}").is_err());
        for value in [
            "md5=:AAAA:",
            "sha-256=abc",
            "sha-256=(1 2)",
            "",
            "=",
            "sha-256=:!:",
        ] {
            assert!(read(value).is_err(), "{value}");
        }
        assert_eq!(ContentDigest::read(&HeaderMap::new()), Ok(None));
    }
}
