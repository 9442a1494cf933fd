//! Who calls: bearer keys, their principals and roles, and merchants who sign their requests.
//!
//! Only hashes of keys are kept. A key is found by the first bytes of its hash, which tell a
//! listener nothing about the key, and then compared whole in constant time.

use crate::config::{ApiKeyConfig, Role};
use crate::pagination;
use crate::problem::Problem;
use crate::signature::{self, ContentDigest, Input, Message, SignatureProblem};
use crate::state::AppState;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use domain::signing_key::SigningKey;
use engine::Actor;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// A key that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyError {
    /// The hash is not in its form.
    #[error("sha256 of key {id} must be 64 hexadecimal digits")]
    Hash {
        /// Name of the key.
        id: String,
    },
    /// Two keys are the same or have the same name.
    #[error("key {id} is there twice")]
    Twice {
        /// Name of the key.
        id: String,
    },
    /// A merchant key without a merchant, or another key with one.
    #[error("key {id}: a merchant key, and no other, names its merchant")]
    Merchant {
        /// Name of the key.
        id: String,
    },
    /// Name or principal are not usable.
    #[error("key {id:?}: id and principal must be 1 to 100 characters without control characters")]
    Name {
        /// Name of the key.
        id: String,
    },
}

/// A known credential.
#[derive(Debug)]
pub struct Credential {
    /// Name of the key.
    pub id: Arc<str>,
    /// As commands carry it.
    pub actor: Actor,
    /// What it may do.
    pub role: Role,
    /// Merchant of a merchant key.
    pub merchant: Option<Arc<str>>,
}

/// A credential and the hash of its key.
type Known = ([u8; 32], Arc<Credential>);

/// All credentials, by the first bytes of their keys' hashes.
#[derive(Debug, Default)]
pub struct ApiKeys {
    by_prefix: HashMap<[u8; 8], Vec<Known>>,
}

impl ApiKeys {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`ApiKeyError`] naming the key.
    pub fn new(configs: &[ApiKeyConfig]) -> Result<ApiKeys, ApiKeyError> {
        let mut keys = ApiKeys::default();
        let mut names = std::collections::HashSet::new();
        for config in configs {
            let id = || config.id.clone();
            let hash = read_hash(&config.sha256).ok_or_else(|| ApiKeyError::Hash { id: id() })?;
            check_name(config)?;
            if (config.role == Role::Merchant) != config.merchant.is_some() {
                return Err(ApiKeyError::Merchant { id: id() });
            }
            let list = keys.by_prefix.entry(prefix(&hash)).or_default();
            if !names.insert(config.id.as_str()) || list.iter().any(|(known, _)| *known == hash) {
                return Err(ApiKeyError::Twice { id: id() });
            }
            let merchant: Option<Arc<str>> = config.merchant.as_deref().map(Arc::from);
            // The domain knows a merchant's actor by the merchant's id as its principal.
            let principal = merchant
                .clone()
                .unwrap_or_else(|| Arc::from(config.principal.as_str()));
            let credential = Credential {
                id: Arc::from(config.id.as_str()),
                actor: Actor::new(principal, config.role.name()),
                role: config.role,
                merchant,
            };
            list.push((hash, Arc::new(credential)));
        }
        Ok(keys)
    }

    fn find(&self, token: &[u8]) -> Option<Arc<Credential>> {
        let hash: [u8; 32] = Sha256::digest(token).into();
        let candidates = self.by_prefix.get(&prefix(&hash))?;
        candidates
            .iter()
            .find(|(known, _)| bool::from(known.ct_eq(&hash)))
            .map(|(_, credential)| credential.clone())
    }
}

fn read_hash(text: &str) -> Option<[u8; 32]> {
    hex::decode(text).ok()?.try_into().ok()
}

fn prefix(hash: &[u8; 32]) -> [u8; 8] {
    let mut prefix = [0; 8];
    for (to, from) in prefix.iter_mut().zip(hash) {
        *to = *from;
    }
    prefix
}

fn check_name(config: &ApiKeyConfig) -> Result<(), ApiKeyError> {
    let usable = |text: &str| {
        (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control)
    };
    if usable(&config.id) && usable(&config.principal) {
        return Ok(());
    }
    Err(ApiKeyError::Name {
        id: config.id.chars().take(40).collect(),
    })
}

/// The authenticated caller of a request.
#[derive(Debug, Clone)]
pub struct Caller {
    credential: Arc<Credential>,
    /// Keys the hash of request bodies: bodies may hold bank accounts, and an unkeyed hash of
    /// those can be found by trying all numbers. The server itself does not keep the token.
    body_key: [u8; 32],
    /// Of a signed request: what tells it from a copy, and a hash of its signature.
    nonce: Option<(String, String)>,
}

/// Digests that the body of a signed request must have; `None` where it must be empty.
#[derive(Debug, Clone)]
pub(crate) struct SignedBody(pub Option<ContentDigest>);

impl SignedBody {
    /// Checks the body once it is here.
    pub fn check(&self, body: &[u8]) -> Result<(), Problem> {
        match &self.0 {
            Some(digest) => Ok(digest.check(body)?),
            None if body.is_empty() => Ok(()),
            None => Err(SignatureProblem::Digest.into()),
        }
    }
}

impl Caller {
    /// As commands carry it.
    pub fn actor(&self) -> Actor {
        self.credential.actor.clone()
    }

    /// Its credential.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// Hash of a body under the caller's token.
    pub fn body_hash(&self, body: &[u8]) -> String {
        let mut hasher = Sha256::new_with_prefix(self.body_key);
        hasher.update(body);
        hex::encode(hasher.finalize())
    }

    /// The nonce of a signed request and a hash of its signature: a copy is answered as the request
    /// was, where no `Idempotency-Key` sees to that.
    pub(crate) fn nonce(&self) -> Option<(&str, &str)> {
        let (nonce, signature) = self.nonce.as_ref()?;
        Some((nonce, signature))
    }

    /// Merchant to which the caller is confined.
    pub fn confined_to(&self) -> Option<&str> {
        self.credential.merchant.as_deref()
    }

    /// Lets pass who has one of the roles.
    ///
    /// # Errors
    /// 403 naming the roles.
    pub fn require(&self, roles: &[Role]) -> Result<(), Problem> {
        if roles.contains(&self.credential.role) {
            return Ok(());
        }
        let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
        Err(Problem::forbidden(format!(
            "this needs one of the roles {}; the key has the role {}",
            names.join(", "),
            self.credential.role.name()
        )))
    }

    /// Lets pass who may see an object of this merchant; others hear that there is none.
    ///
    /// # Errors
    /// 404, not 403: whether a foreign number exists is nobody's business.
    pub fn may_see(&self, merchant: Option<&str>, what: &str, id: &str) -> Result<(), Problem> {
        match self.confined_to() {
            Some(own) if merchant != Some(own) => Err(Problem::not_found(what, id)),
            _ => Ok(()),
        }
    }

    /// The merchant that a request concerns: its own for a merchant, the one named for others.
    ///
    /// # Errors
    /// 403 when a merchant names another; 422 when nobody is named.
    pub fn merchant(&self, named: Option<String>) -> Result<String, Problem> {
        match (self.confined_to(), named) {
            (Some(own), Some(named)) if own != named => Err(Problem::forbidden(
                "a merchant's key acts for that merchant only: leave the field out".into(),
            )
            .at("merchant")),
            (Some(own), _) => Ok(own.to_owned()),
            (None, Some(named)) => Ok(named),
            (None, None) => Err(Problem::missing_field("merchant")),
        }
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let signed = ["signature-input", "signature"]
            .iter()
            .any(|name| parts.headers.contains_key(*name));
        match (parts.headers.contains_key(AUTHORIZATION), signed) {
            (_, false) => Caller::by_bearer(parts, state),
            (false, true) => Caller::by_signature(parts, state).await,
            (true, true) => Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "send either a signature or an API key, not both",
            )
            .at("Authorization")),
        }
    }
}

impl Caller {
    fn by_bearer(parts: &Parts, state: &AppState) -> Result<Caller, Problem> {
        let mut values = parts.headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(Problem::unauthorized());
        };
        let (scheme, token) = value
            .as_bytes()
            .split_at_checked("Bearer ".len())
            .ok_or_else(Problem::unauthorized)?;
        if !scheme.eq_ignore_ascii_case(b"Bearer ") {
            return Err(Problem::unauthorized());
        }
        let credential = state
            .api_keys()
            .find(token)
            .ok_or_else(Problem::unauthorized)?;
        if credential.role == Role::Merchant && !state.merchant_bearer() {
            return Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "signature_required",
                "merchants sign their requests here (HTTP Message Signatures, RFC 9421); their API keys are switched off (merchant_bearer)",
            ));
        }
        let mut hasher = Sha256::new_with_prefix(b"request bodies\0");
        hasher.update(token);
        let body_key = hasher.finalize().into();
        Ok(Caller {
            credential,
            body_key,
            nonce: None,
        })
    }

    /// The key is read at each request, so that a revoked one signs nothing more.
    async fn by_signature(parts: &mut Parts, state: &AppState) -> Result<Caller, Problem> {
        let input = Input::read(&parts.headers)?;
        // Ids of keys name their shard: what does not is looked for nowhere.
        if state.book().shard_of(&input.keyid).is_none() {
            return Err(SignatureProblem::UnknownKey.into());
        }
        let turn = state.turn_to_read_a_key().await?;
        let key = pagination::find_in_turn::<SigningKey>(state, &input.keyid, turn).await?;
        let key = key
            .filter(|key| key.revoked_at.is_none())
            .ok_or(SignatureProblem::UnknownKey)?;
        let message = Message {
            method: &parts.method,
            uri: &parts.uri,
            headers: &parts.headers,
            public_url: state.public_url(),
        };
        let now = state.book().clock().now().as_second();
        let signer = signature::verify(&message, &input, &key, now)?;
        let merchant: Arc<str> = Arc::from(key.merchant.as_str());
        let mut caller = Caller {
            credential: Arc::new(Credential {
                // The scope of idempotency keys: it outlives a change of signing keys.
                id: merchant.clone(),
                actor: Actor::new(merchant.clone(), Role::Merchant.name()),
                role: Role::Merchant,
                merchant: Some(merchant),
            }),
            body_key: state.book().body_key(&key.merchant),
            nonce: None,
        };
        if let Some(nonce) = signer.nonce {
            let signature = caller.body_hash(&input.signature);
            caller.nonce = Some((nonce, signature));
        }
        parts.extensions.insert(SignedBody(signer.digest));
        Ok(caller)
    }
}
