//! What every handler shares.

use crate::auth::{ApiKeyError, ApiKeys};
use crate::book::{ActiveRulesError, Book, rules};
use crate::config::{ApiKeyConfig, Limits, WebhookConfig};
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::reconciliation::Reconciliations;
use axum::body::Bytes;
use channels::{Channel, Connector};
use compliance::Packs;
use domain::QingyuanApp;
use domain::rule_packs::RuleLibrary;
use engine::ShardCode;
use engine::store::{Queries, StoreError};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Signing keys read at the same time: a part of the connections for reading, so that strangers leave the others to
/// whoever is known.
pub(crate) const KEY_READS_MAX: usize = 8;
/// How long a request waits for its turn to have its key read.
const KEY_READ_WAIT: Duration = Duration::from_secs(5);

/// The engine of this application.
pub type Engine = engine::runtime::Engine<QingyuanApp>;

/// Connectors by channel.
#[derive(Clone, Default)]
pub struct Connectors(Arc<BTreeMap<Channel, Arc<dyn Connector>>>);

impl Connectors {
    /// A set of connectors; of two for the same channel the later counts.
    pub fn new(connectors: impl IntoIterator<Item = Arc<dyn Connector>>) -> Connectors {
        Connectors(Arc::new(
            connectors
                .into_iter()
                .map(|connector| (connector.channel(), connector))
                .collect(),
        ))
    }

    /// The connector of a channel, where one is configured.
    pub fn get(&self, channel: Channel) -> Option<&Arc<dyn Connector>> {
        self.0.get(&channel)
    }
}

impl std::fmt::Debug for Connectors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

pub(crate) struct Shared {
    pub book: Book,
    pub api_keys: RwLock<Arc<ApiKeys>>,
    pub connectors: Connectors,
    pub metrics: Arc<Metrics>,
    pub limits: Limits,
    pub webhooks: WebhookConfig,
    pub reconciliations: Reconciliations,
    pub openapi: Bytes,
    pub public_url: String,
    pub merchant_bearer: bool,
    /// Reads of keys that nobody has proved to have yet.
    pub key_reads: Arc<Semaphore>,
    /// The sets of rule packs that this process knows, if not only those that come with the program.
    pub library: OnceLock<Arc<RuleLibrary>>,
}

impl AppState {
    pub(crate) fn new(shared: Shared) -> AppState {
        AppState(Arc::new(shared))
    }

    /// The book's shards.
    pub fn book(&self) -> &Book {
        &self.0.book
    }

    /// Credentials.
    pub fn api_keys(&self) -> Arc<ApiKeys> {
        let keys = self.0.api_keys.read();
        keys.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces all credentials; requests under way keep what they had.
    ///
    /// # Errors
    /// [`ApiKeyError`] naming the key; then nothing is replaced.
    pub fn set_api_keys(&self, configs: &[ApiKeyConfig]) -> Result<(), ApiKeyError> {
        let keys = Arc::new(ApiKeys::new(configs)?);
        *self
            .0
            .api_keys
            .write()
            .unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// Connectors.
    pub fn connectors(&self) -> &Connectors {
        &self.0.connectors
    }

    /// Metrics.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    /// Bounds of requests.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Webhook settings.
    pub fn webhooks(&self) -> &WebhookConfig {
        &self.0.webhooks
    }

    /// Reconciliations with channels.
    pub fn reconciliations(&self) -> &Reconciliations {
        &self.0.reconciliations
    }

    /// Base URL under which the server is known.
    pub fn public_url(&self) -> &str {
        &self.0.public_url
    }

    /// The turn of a request to have its signing key read. That comes before anything is known of who sent it. The turn
    /// belongs to the read: who sent the request may be gone while it goes on.
    ///
    /// # Errors
    /// 503 when too many others wait too.
    pub(crate) async fn turn_to_read_a_key(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let turn = self.0.key_reads.clone().acquire_owned();
        let turn = tokio::time::timeout(KEY_READ_WAIT, turn).await;
        // It is never closed: without a permit the time was over.
        turn.ok().and_then(Result::ok).ok_or_else(|| {
            Problem::unavailable(
                "busy",
                "too many requests with signatures wait at this moment; send it again",
            )
        })
    }

    /// Whether merchants may use API keys instead of signatures.
    pub fn merchant_bearer(&self) -> bool {
        self.0.merchant_bearer
    }

    /// The sets of rule packs that this process knows.
    ///
    /// # Errors
    /// A pack that comes with the program and cannot be used.
    pub fn library(&self) -> Result<Arc<RuleLibrary>, Problem> {
        if let Some(library) = self.0.library.get() {
            return Ok(library.clone());
        }
        let packs =
            RuleLibrary::embedded().map_err(|error| Problem::internal(&error.to_string()))?;
        let library = self
            .0
            .library
            .get_or_init(|| Arc::new(RuleLibrary::new(packs)));
        Ok(library.clone())
    }

    /// Knows these sets from now on; of two calls the first counts.
    pub(crate) fn use_library(&self, library: Arc<RuleLibrary>) {
        // A second one is refused by being ignored: it is the memory of the application that is served.
        let _ = self.0.library.set(library);
    }

    /// The rules that decide in the book's first shard now: those that drawings and facts are judged by.
    /// Blocks.
    ///
    /// # Errors
    /// The store cannot be read, the book is not set up, or its packs cannot be used.
    pub fn active_rules(&self) -> Result<Arc<Packs>, Problem> {
        let queries = self.book().queries(ShardCode::FIRST);
        let queries = queries.ok_or_else(|| Problem::internal("the book has no shard"))?;
        let now = self.book().clock().now();
        let active = rules::active(queries.as_ref(), now).map_err(|error| store_problem(&error))?;
        let Some(active) = active else {
            let detail = "the book has not begun yet: try again when the server is ready";
            return Err(Problem::unavailable("not_set_up", detail));
        };
        self.stored_rules(&active.packs)
    }

    /// A set that the book keeps, compiled. Blocks.
    ///
    /// # Errors
    /// The store cannot be read, or the packs cannot be used.
    pub fn stored_rules(&self, hash: &str) -> Result<Arc<Packs>, Problem> {
        let library = self.library()?;
        let queries = self.book().queries(ShardCode::FIRST);
        let queries = queries.ok_or_else(|| Problem::internal("the book has no shard"))?;
        match rules::stored(queries.as_ref(), &library, hash) {
            Ok(packs) => Ok(packs),
            Err(ActiveRulesError::Store(error)) => Err(store_problem(&error)),
            Err(error) => Err(Problem::internal(&error.to_string())),
        }
    }

    /// The API's description, JSON.
    pub fn openapi(&self) -> Bytes {
        self.0.openapi.clone()
    }

    /// Reads a shard in the database on a thread that may block.
    ///
    /// # Errors
    /// 503 when the store cannot be read, 500 when what it holds cannot be understood.
    pub async fn read<T: Send + 'static>(
        &self,
        shard: ShardCode,
        read: impl FnOnce(&dyn Queries) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let queries = self.book().queries(shard).cloned();
        let queries = queries.ok_or_else(|| Problem::internal("no such shard"))?;
        blocking(move || read(queries.as_ref())).await
    }

    /// Reads all shards; the reads are given in the order of the shards.
    ///
    /// # Errors
    /// As [`AppState::read`].
    pub async fn read_all<T: Send + 'static>(
        &self,
        read: impl FnOnce(&[Arc<dyn Queries>]) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let queries = self.book().all_queries();
        blocking(move || read(&queries)).await
    }
}

async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(read).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(store_problem(&error)),
        Err(error) => Err(Problem::internal(&format!("a read did not end: {error}"))),
    }
}

fn store_problem(error: &StoreError) -> Problem {
    match error {
        StoreError::Unavailable(reason)
        | StoreError::InUse(reason)
        | StoreError::Fenced(reason) => {
            tracing::warn!(reason, "the store cannot be read");
            Problem::unavailable("store_unavailable", "the store cannot be read right now")
        }
        StoreError::Refused(_) | StoreError::Damaged { .. } => {
            Problem::internal(&error.to_string())
        }
    }
}
