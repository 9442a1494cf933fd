//! Keys with which merchants sign their requests. Only public keys are kept: what signs stays with
//! the merchant, so that nothing in the book can be used to ask in its name.

mod command;
mod record;

pub use command::{AddSigningKey, RevokeSigningKey};
pub use record::{KeyAlgorithm, SigningKey};

use crate::context::Context;
use crate::merchant::{self, MerchantStatus};
use crate::rejection::{Code, Refusable, Rejection};
use crate::text;
use std::sync::Arc;

/// Keys of a merchant at a time: enough for a change of keys in several systems.
const ACTIVE_MAX: usize = 10;

/// A new key, or the active one that is the same.
pub(crate) fn add(
    cx: &mut Context<'_, '_>,
    command: &AddSigningKey,
) -> Refusable<(Arc<SigningKey>, bool)> {
    let merchant = merchant::named(cx.tx, &command.merchant)?;
    if merchant.status == MerchantStatus::Closed {
        return Err(Rejection::state("the merchant is closed")
            .at("merchant")
            .into());
    }
    text::plain("name", &command.name, 64)?;
    text::plain("public_key", &command.public_key, 2_000)?;
    let active = cx.tx.scan::<SigningKey>(
        "active",
        &format!("{}/", merchant.id),
        &format!("{}0", merchant.id),
        ACTIVE_MAX,
    )?;
    let same = |key: &&Arc<SigningKey>| {
        key.public_key == command.public_key && key.algorithm == command.algorithm
    };
    if let Some(known) = active.iter().find(same) {
        return Ok((known.clone(), true));
    }
    if active.len() == ACTIVE_MAX {
        return Err(Rejection::new(
            Code::LimitExceeded,
            format!("a merchant has at most {ACTIVE_MAX} keys at a time: revoke one first"),
        )
        .into());
    }
    let id = cx.tx.new_id("key");
    cx.tx.put_new(SigningKey {
        id: id.clone(),
        merchant: merchant.id.clone(),
        name: command.name.clone(),
        algorithm: command.algorithm,
        public_key: command.public_key.clone(),
        created_at: cx.tx.now(),
        revoked_at: None,
    })?;
    Ok((cx.tx.expect(&id)?, false))
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
    cx.tx.put(key)?;
    Ok(cx.tx.expect(&command.key)?)
}
