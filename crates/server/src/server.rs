//! The server: checked settings, a router, a listener.

use crate::auth::ApiKeys;
use crate::book::{self, Book};
use crate::channel::{self, ChannelPerformer, HttpDriver, NOTIFY_PATHS};
use crate::config::{ConfigError, ServerConfig, check_public_url};
use crate::connections;
use crate::edge;
use crate::metrics::Metrics;
use crate::openapi;
use crate::reconciliation::Reconciliations;
use crate::routes::{self, system};
use crate::state::{AppState, Connectors, KEY_READS_MAX, Shared};
use crate::webhook::WebhookSender;
use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use calendar::HolidayCalendar;
use domain::rule_packs::RuleLibrary;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock, RwLock};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;

/// A server whose settings are checked.
pub struct Server {
    state: AppState,
    performer: ChannelPerformer,
    router: Router,
    description: OpenApi,
}

/// A server that answers.
pub struct RunningServer {
    /// Where it listens.
    pub address: SocketAddr,
    state: AppState,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Server {
    /// Checks the settings and builds the routes.
    ///
    /// # Errors
    /// [`ConfigError`] naming the setting.
    pub fn new(
        config: &ServerConfig,
        book: impl Into<Book>,
        connectors: Connectors,
    ) -> Result<Server, ConfigError> {
        let book = book.into();
        check_public_url(&config.public_url)?;
        let api_keys = ApiKeys::new(&config.api_keys)?;
        let (api, mut description) = routes::api().split_for_parts();
        openapi::complete(&mut description);
        let written = description.to_json().unwrap_or_default();
        let paths = description.paths.paths.keys().map(String::as_str);
        let metrics = Arc::new(Metrics::new(paths.chain(system::PATHS).chain(NOTIFY_PATHS)));
        let performer = ChannelPerformer::new(
            book.clone(),
            connectors.clone(),
            HttpDriver::new(&config.channels)?,
            WebhookSender::new(&config.webhooks)?,
            metrics.clone(),
        );
        let reconciliations =
            Reconciliations::new(book.clone(), connectors.clone(), performer.clone());
        let state = AppState::new(Shared {
            reconciliations,
            book,
            api_keys: RwLock::new(Arc::new(api_keys)),
            connectors,
            metrics,
            limits: config.limits,
            webhooks: config.webhooks,
            openapi: Bytes::from(written),
            key_reads: Arc::new(Semaphore::new(KEY_READS_MAX)),
            library: OnceLock::new(),
            public_url: config.public_url.clone(),
            merchant_bearer: config.merchant_bearer,
        });
        let router = api
            .merge(system::router())
            .merge(channel::notify_router())
            .merge(book::peer_router(&state))
            .fallback(edge::unknown_route)
            .method_not_allowed_fallback(edge::wrong_method)
            // Bodies are bounded where they are read, each by its own limit.
            .layer(DefaultBodyLimit::disable())
            .layer(CatchPanicLayer::custom(edge::caught_panic))
            .layer(axum::middleware::from_fn_with_state(
                state.clone(),
                edge::edge,
            ))
            .with_state(state.clone());
        Ok(Server {
            state,
            performer,
            router,
            description,
        })
    }

    /// Shares the sets of rule packs that the application knows.
    #[must_use]
    pub fn with_rules(self, library: Arc<RuleLibrary>) -> Server {
        self.state.use_library(library);
        self
    }

    /// Shows in the metrics how far the list of holidays reaches.
    #[must_use]
    pub fn with_holidays(self, calendar: &HolidayCalendar) -> Server {
        self.state.metrics().holidays(calendar);
        self
    }

    /// Performs effects for the engine's outbox, with this server's connectors and metrics.
    pub fn performer(&self) -> ChannelPerformer {
        self.performer.clone()
    }

    /// What handlers share.
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// The API's description.
    pub fn description(&self) -> &OpenApi {
        &self.description
    }

    /// The routes as a service, e.g. to call them without a socket or beside others.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Serves a listener until [`RunningServer::stop`].
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start(self, listener: TcpListener) -> std::io::Result<RunningServer> {
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let limits = *self.state.limits();
        let serving = tokio::spawn(connections::serve(listener, self.router, limits, stopped));
        Ok(RunningServer {
            address,
            state: self.state,
            stop,
            serving,
        })
    }
}

impl RunningServer {
    /// Takes no new connections, answers what is under way, and ends; connections that are then
    /// still open after the longest time a request may take are cut.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let longest = self.state.limits().request_timeout();
        let abort = self.serving.abort_handle();
        match tokio::time::timeout(longest, self.serving).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the server ended badly"),
            Err(_) => {
                tracing::warn!("connections were cut at the stop");
                abort.abort();
            }
        }
    }

    /// What handlers share; credentials are replaced through it.
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// `http://` and the address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
