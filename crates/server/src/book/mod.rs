//! All shards of a book: where each is kept, and how a command gets there.
//!
//! A book has a fixed number of shards. Each is written by one server at a time, its holder; every
//! server reads all of them from the database. A command for a shard that another server holds is
//! forwarded, so a client may talk to any server. On an embedded store there is one shard, here.

mod forward;
mod keeper;
mod lease_loop;
mod lease_thread;
mod others;
mod peer_route;
mod routing;
pub(crate) mod rules;
mod seal;
mod sharing;
mod steady_clock;
mod tenant;

pub use forward::{PEER_PATH, PeerLink, YieldRequest};
pub use keeper::{Keeper, KeeperOptions};
pub use routing::{Route, route};
pub use rules::{ActiveRulesError, BookRules, set_up_command};
pub use seal::PeerKey;
pub use steady_clock::SteadyClock;
pub use tenant::{Tenancy, VAULT_CHECK, set_up};

pub(crate) use peer_route::router as peer_router;

use crate::state::Engine;
use domain::{Command, Rejection, Reply};
use engine::runtime::{Clock, SecretError};
use engine::store::lease::Holder;
use engine::store::{Queries, StoreError};
use engine::{Envelope, Outcome, ShardCode, SubmitError, Vault};
use ledger::{AccountId, AccountState};
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::Instant;

/// How long a command waits for a shard that changes hands.
const PATIENCE: Duration = Duration::from_secs(8);
/// Pause between looks meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What a submitted command came to.
pub type Submitted = Result<Outcome<Reply, Rejection>, SubmitError>;

/// How long a shard is surely this server's. What is not leased is for ever.
#[derive(Debug, Clone, Default)]
pub struct Tenure(Option<tokio::sync::watch::Receiver<std::time::Instant>>);

impl Tenure {
    /// As long as a lease that is renewed from time to time.
    pub fn leased(until: tokio::sync::watch::Receiver<std::time::Instant>) -> Tenure {
        Tenure(Some(until))
    }

    /// Whether the shard is this server's at this moment.
    pub fn holds(&self) -> bool {
        let now = std::time::Instant::now();
        self.0.as_ref().is_none_or(|until| now < *until.borrow())
    }
}

/// Who writes a shard.
#[derive(Clone)]
pub enum Place {
    /// This server.
    Here(Engine, Tenure),
    /// Another server, as it announced itself.
    There(Holder),
    /// Nobody known at this moment.
    Nobody,
}

/// One shard as this server sees it.
struct Shard {
    queries: Arc<dyn Queries>,
    place: RwLock<Arc<Place>>,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Book(Arc<Inner>);

struct Inner {
    shards: Vec<Shard>,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    peers: Option<PeerLink>,
    fenced: AtomicU64,
    /// Milliseconds that this server's clock is ahead of the database's; 0 while they agree.
    clock_ahead_ms: AtomicI64,
}

impl From<Engine> for Book {
    /// A book of one shard that this process writes.
    fn from(engine: Engine) -> Book {
        Book(Arc::new(Inner {
            vault: engine.vault().clone(),
            clock: engine.clock().clone(),
            peers: None,
            fenced: AtomicU64::new(0),
            clock_ahead_ms: AtomicI64::new(0),
            shards: vec![Shard {
                queries: engine.queries().clone(),
                place: RwLock::new(Arc::new(Place::Here(engine, Tenure::default()))),
            }],
        }))
    }
}

impl Book {
    /// A book whose shards are held by whoever has their leases; at first nobody is known.
    pub fn shared(
        queries: Vec<Arc<dyn Queries>>,
        vault: Arc<Vault>,
        clock: Arc<dyn Clock>,
        peers: PeerLink,
    ) -> Book {
        let shards = queries.into_iter().map(|queries| Shard {
            queries,
            place: RwLock::new(Arc::new(Place::Nobody)),
        });
        Book(Arc::new(Inner {
            shards: shards.collect(),
            vault,
            clock,
            peers: Some(peers),
            fenced: AtomicU64::new(0),
            clock_ahead_ms: AtomicI64::new(0),
        }))
    }

    /// Codes of all shards.
    pub fn shards(&self) -> impl Iterator<Item = ShardCode> + use<> {
        (0..self.0.shards.len()).filter_map(|number| ShardCode::new(u16::try_from(number).ok()?))
    }

    /// Number of shards, at least one.
    pub fn shard_count(&self) -> usize {
        self.0.shards.len()
    }

    fn has(&self, shard: ShardCode) -> bool {
        usize::from(shard.number()) < self.0.shards.len()
    }

    /// The shard that an id, or a key that begins with an id, names; `None` for anything else.
    pub fn shard_of(&self, key: &str) -> Option<ShardCode> {
        routing::shard_in(key).filter(|shard| self.has(*shard))
    }

    /// The shard of a channel reference that this book issued; the first for a foreign one, whose
    /// facts go to suspense there.
    pub fn shard_of_reference(&self, reference: &str) -> ShardCode {
        let own = routing::shard_in_reference(reference);
        own.filter(|shard| self.has(*shard))
            .unwrap_or(ShardCode::FIRST)
    }

    /// The shard of an account number.
    pub fn shard_of_account(&self, account: u64) -> Option<ShardCode> {
        ShardCode::of_account(AccountId(account)).filter(|shard| self.has(*shard))
    }

    /// The shard where the members of a group are kept: the same for ever.
    pub fn shard_of_group(&self, group: &str) -> ShardCode {
        let digest = Sha256::digest(group.as_bytes());
        let number = digest
            .iter()
            .take(8)
            .fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        let number = number % self.0.shards.len().max(1) as u64;
        u16::try_from(number)
            .ok()
            .and_then(ShardCode::new)
            .unwrap_or(ShardCode::FIRST)
    }

    /// Where a routed command goes.
    pub fn shard_for(&self, route: &Route) -> ShardCode {
        match route {
            Route::Key(key) => self.shard_of(key).unwrap_or(ShardCode::FIRST),
            Route::Reference(reference) => self.shard_of_reference(reference),
            Route::Account(account) => self.shard_of_account(*account).unwrap_or(ShardCode::FIRST),
            Route::First | Route::Sought => ShardCode::FIRST,
        }
    }

    fn shard(&self, code: ShardCode) -> Option<&Shard> {
        self.0.shards.get(usize::from(code.number()))
    }

    /// Who writes a shard.
    pub fn place(&self, code: ShardCode) -> Arc<Place> {
        match self.shard(code) {
            Some(shard) => {
                let place = shard.place.read();
                place.unwrap_or_else(PoisonError::into_inner).clone()
            }
            None => Arc::new(Place::Nobody),
        }
    }

    /// Notes who writes a shard from now on.
    pub fn set_place(&self, code: ShardCode, place: Place) {
        if let Some(shard) = self.shard(code) {
            let mut known = shard.place.write().unwrap_or_else(PoisonError::into_inner);
            *known = Arc::new(place);
        }
    }

    /// Engines of the shards that this server writes.
    pub fn engines(&self) -> Vec<(ShardCode, Engine)> {
        self.shards()
            .filter_map(|code| match self.place(code).as_ref() {
                Place::Here(engine, _) => Some((code, engine.clone())),
                Place::There(_) | Place::Nobody => None,
            })
            .collect()
    }

    /// Reads of a shard, whoever writes it; at most a batch behind.
    pub fn queries(&self, code: ShardCode) -> Option<&Arc<dyn Queries>> {
        self.shard(code).map(|shard| &shard.queries)
    }

    /// Reads of all shards, in order.
    pub fn all_queries(&self) -> Vec<Arc<dyn Queries>> {
        let shards = self.0.shards.iter();
        shards.map(|shard| shard.queries.clone()).collect()
    }

    /// Hash of the rule packs that decide in the first shard now; `None` before it is set up. Blocks.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn active_packs(&self) -> Result<Option<String>, StoreError> {
        let Some(queries) = self.queries(ShardCode::FIRST) else {
            return Ok(None);
        };
        let active = rules::active(queries.as_ref(), self.0.clock.now())?;
        Ok(active.map(|active| active.packs))
    }

    /// Shards that ended here because the store refused their writer: another server had taken them.
    pub fn fenced(&self) -> u64 {
        self.0.fenced.load(Ordering::Relaxed)
    }

    pub(crate) fn add_fenced(&self, count: u64) {
        self.0.fenced.fetch_add(count, Ordering::Relaxed);
    }

    /// By how much this server's clock is ahead of the database's, where that keeps it from having shards.
    pub fn clock_ahead_ms(&self) -> Option<i64> {
        let ahead = self.0.clock_ahead_ms.load(Ordering::Relaxed);
        (ahead != 0).then_some(ahead)
    }

    pub(crate) fn set_clock_ahead(&self, milliseconds: Option<i64>) {
        let ahead = milliseconds.unwrap_or(0);
        self.0.clock_ahead_ms.store(ahead, Ordering::Relaxed);
    }

    /// The clock of the book.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// How other servers are talked to, where there are others.
    pub(crate) fn peers(&self) -> Option<&PeerLink> {
        self.0.peers.as_ref()
    }

    /// Key for the hashes of what a merchant sends, the same at every server of the book and known to
    /// nobody who lacks the vault's key.
    pub(crate) fn body_key(&self, merchant: &str) -> [u8; 32] {
        let label = format!("qingyuan: request bodies of {merchant}");
        let fingerprint = self.0.vault.fingerprint(label.as_bytes());
        Sha256::digest(fingerprint.reveal().as_bytes()).into()
    }

    /// Clear text of a vault entry of a shard. Blocks.
    ///
    /// # Errors
    /// The store failed, or the entry cannot be decrypted.
    pub fn open_secret(
        &self,
        code: ShardCode,
        id: &str,
    ) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, SecretError> {
        let Some(queries) = self.queries(code) else {
            return Ok(None);
        };
        match queries.secret(id)? {
            Some(secret) => Ok(Some(self.0.vault.open(&secret)?)),
            None => Ok(None),
        }
    }

    /// Submits a command to a shard, wherever it is, and waits until its outcome is durable. A shard
    /// that changes hands is waited for; what may have taken effect is never sent twice.
    ///
    /// # Errors
    /// [`SubmitError`]; after `Unavailable` it is not known whether the command took effect.
    pub async fn submit(&self, code: ShardCode, envelope: Envelope<Command>) -> Submitted {
        // The usual case costs no copy of the command.
        if self.0.peers.is_none()
            && let Place::Here(engine, _) = self.place(code).as_ref()
        {
            return engine.submit(envelope).await;
        }
        self.once_it_is_written(|| self.submit_once(code, &envelope))
            .await
    }

    async fn submit_once(&self, code: ShardCode, envelope: &Envelope<Command>) -> Submitted {
        match (self.place(code).as_ref(), &self.0.peers) {
            (Place::Here(engine, tenure), _) if tenure.holds() => {
                engine.submit(envelope.clone()).await
            }
            (Place::There(holder), Some(peers)) => peers.submit(holder, code, envelope).await,
            _ => Err(SubmitError::Moving),
        }
    }

    /// State of an account as its shard's writer knows it.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub async fn account(&self, id: AccountId) -> Result<Option<AccountState>, SubmitError> {
        let Some(code) = self.shard_of_account(id.0) else {
            return Ok(None);
        };
        self.once_it_is_written(|| self.account_once(code, id))
            .await
    }

    async fn account_once(
        &self,
        code: ShardCode,
        id: AccountId,
    ) -> Result<Option<AccountState>, SubmitError> {
        match (self.place(code).as_ref(), &self.0.peers) {
            // A balance is read from memory: without the lease it may be an old one, also when the
            // lease ended while the question was under way.
            (Place::Here(engine, tenure), _) if tenure.holds() => {
                let state = engine.account(id).await;
                if tenure.holds() {
                    state
                } else {
                    Err(SubmitError::Moving)
                }
            }
            (Place::There(holder), Some(peers)) => peers.account(holder, code, id).await,
            _ => Err(SubmitError::Moving),
        }
    }

    /// Asks a shard, again and again while it changes hands: only then is it certain that nothing was done.
    async fn once_it_is_written<T, F>(&self, ask: impl Fn() -> F) -> Result<T, SubmitError>
    where
        F: Future<Output = Result<T, SubmitError>>,
    {
        let until = Instant::now() + PATIENCE;
        loop {
            let answer = ask().await;
            let moving = matches!(answer, Err(SubmitError::Moving));
            if !moving || self.0.peers.is_none() || Instant::now() >= until {
                return answer;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

impl std::fmt::Debug for Book {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Book")
            .field("shards", &self.0.shards.len())
            .finish_non_exhaustive()
    }
}
