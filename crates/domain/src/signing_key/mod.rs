//! Keys with which merchants sign their requests. Only public keys are kept: what signs stays with
//! the merchant, so that nothing in the book can be used to ask in its name.

mod command;
mod record;

pub use command::{AddSigningKey, RevokeSigningKey};
pub use record::{KeyAlgorithm, RevokedKey, SigningKey};

use crate::context::Context;
use crate::merchant::{self, MerchantStatus};
use crate::rejection::{Code, Refusable, Rejection};
use crate::text;
use engine::{Interrupt, Stop, Tx};
use std::sync::Arc;

/// Keys of a merchant at a time: enough for a change of keys in several systems.
const ACTIVE_MAX: usize = 10;

/// A new key, or the active one that is the same.
pub(crate) fn add(
    cx: &mut Context<'_, '_>,
    command: &AddSigningKey,
) -> Refusable<(Arc<SigningKey>, bool)> {
    if let Some(known) = known(cx.tx, command)? {
        return Ok((known, true));
    }
    let id = cx.tx.new_id("key");
    cx.tx.put_new(SigningKey {
        id: id.clone(),
        merchant: command.merchant.clone(),
        name: command.name.clone(),
        algorithm: command.algorithm,
        public_key: command.public_key.clone(),
        created_at: cx.tx.now(),
        revoked_at: None,
    })?;
    Ok((cx.tx.expect(&id)?, false))
}

/// Whether a command adds a key, and neither repeats what was done nor is refused.
pub(crate) fn adds(tx: &mut Tx<'_>, command: &AddSigningKey) -> Result<bool, Interrupt> {
    match known(tx, command) {
        Ok(known) => Ok(known.is_none()),
        Err(Stop::Refused(_)) => Ok(false),
        Err(Stop::Interrupted(interrupt)) => Err(interrupt),
    }
}

/// The active key that is the same; none if the key may be added.
fn known(tx: &mut Tx<'_>, command: &AddSigningKey) -> Refusable<Option<Arc<SigningKey>>> {
    let merchant = merchant::named(tx, &command.merchant)?;
    if merchant.status == MerchantStatus::Closed {
        return Err(Rejection::state("the merchant is closed")
            .at("merchant")
            .into());
    }
    text::plain("name", &command.name, 64)?;
    text::plain("public_key", &command.public_key, 2_000)?;
    let active = tx.scan::<SigningKey>(
        "active",
        &format!("{}/", merchant.id),
        &format!("{}0", merchant.id),
        ACTIVE_MAX,
    )?;
    let same = |key: &&Arc<SigningKey>| {
        key.public_key == command.public_key && key.algorithm == command.algorithm
    };
    let known = active.iter().find(same);
    let revoked = RevokedKey::key_of(&merchant.id, &command.public_key);
    if known.is_none()
        && let Some(revoked) = tx.get::<RevokedKey>(&revoked)?
    {
        let message = "this public key was revoked, which is for ever: make a new pair of keys";
        return Err(Rejection::new(Code::AlreadyExists, message.to_owned())
            .at("public_key")
            .with("key", &revoked.signing_key)
            .into());
    }
    if known.is_none() && active.len() == ACTIVE_MAX {
        return Err(Rejection::new(
            Code::LimitExceeded,
            format!("a merchant has at most {ACTIVE_MAX} keys at a time: revoke one first"),
        )
        .into());
    }
    Ok(known.cloned())
}

/// Ends a key. Revoking it again changes nothing.
pub(crate) fn revoke(
    cx: &mut Context<'_, '_>,
    command: &RevokeSigningKey,
) -> Refusable<Arc<SigningKey>> {
    let key = cx
        .tx
        .get::<SigningKey>(&command.key)?
        .filter(|key| key.merchant == command.merchant)
        .ok_or_else(|| Rejection::not_found("key", &command.key))?;
    if key.revoked_at.is_some() {
        return Ok(key);
    }
    let mut key = (*key).clone();
    key.revoked_at = Some(cx.tx.now());
    cx.tx.put(RevokedKey {
        key: RevokedKey::key_of(&key.merchant, &key.public_key),
        signing_key: key.id.clone(),
    })?;
    cx.tx.put(key)?;
    Ok(cx.tx.expect(&command.key)?)
}
