//! One connection, driven by whoever uses it: its runtime has no thread of its own, so that a round trip wakes
//! nobody but the caller.

use super::address::Address;
use super::error::{damaged, from_postgres};
use super::sql::PLANNING;
use crate::store::StoreError;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Runtime;
use tokio_postgres::error::Severity;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls, Row, Statement};

pub(super) type Parameters<'a> = [&'a (dyn ToSql + Sync)];

/// What a connection is for.
#[derive(Debug, Clone)]
pub(super) struct Purpose {
    /// Shown by the database's own tools.
    pub name: String,
    /// Whether it has to be the one server that takes writes.
    pub writes: bool,
    /// A statement is ended by the server after this, and given up by this side a little later.
    pub statement_max: Duration,
    /// An open transaction without a statement is ended by the server after this.
    pub idle_max: Duration,
}

/// How much longer than the server this side waits before it gives a statement up.
const GRACE: Duration = Duration::from_secs(2);
/// How long a server may take from the first packet to a session: one that accepts connections and says nothing is
/// away too.
const OPEN_MAX: Duration = Duration::from_secs(10);

/// One connection with its prepared statements.
pub(super) struct Session {
    client: Client,
    prepared: HashMap<&'static str, Statement>,
    driver: Driver,
    statement_max: Duration,
    warning: Warning,
    /// Whether an answer is outstanding that nobody waits for any more.
    unanswered: AtomicBool,
}

/// Drives the connection. An ordinary drop of a runtime would wait, which is forbidden on an asynchronous caller's
/// thread: also where no session comes of it.
struct Driver(Option<Runtime>);

impl Driver {
    fn new() -> Result<Driver, StoreError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime
            .map(|runtime| Driver(Some(runtime)))
            .map_err(|error| {
                StoreError::Unavailable(format!("cannot prepare a connection: {error}"))
            })
    }

    /// Drives the connection until the work is done.
    fn block<T: Send>(&self, work: impl Future<Output = T> + Send) -> Result<T, StoreError> {
        match &self.0 {
            Some(runtime) => Ok(on(runtime, work)),
            None => Err(StoreError::Unavailable("the connection has ended".into())),
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// What the server last warned of. A COMMIT that gave up waiting for the standby is answered like any other, and
/// only a warning before the answer tells.
type Warning = Arc<Mutex<Option<String>>>;

impl Session {
    pub fn open(address: &Address, purpose: &Purpose) -> Result<Session, StoreError> {
        let driver = Driver::new()?;
        let place = format!("connecting to {}", address.shown());
        let mut config = address.config(&purpose.name, purpose.writes);
        let settings = format!(
            "{} {SETTINGS} {PLANNING} -c statement_timeout={} -c idle_in_transaction_session_timeout={}",
            config.get_options().unwrap_or_default(),
            purpose.statement_max.as_millis(),
            purpose.idle_max.as_millis(),
        );
        config.options(settings.trim());
        let warning = Warning::default();
        let connecting = async {
            let client = match address.tls.clone() {
                None => {
                    let (client, connection) = config.connect(NoTls).await?;
                    tokio::spawn(drive(connection, warning.clone()));
                    client
                }
                Some(tls) => {
                    let (client, connection) = config.connect(tls).await?;
                    tokio::spawn(drive(connection, warning.clone()));
                    client
                }
            };
            Ok(client)
        };
        let connected = driver.block(async { tokio::time::timeout(OPEN_MAX, connecting).await })?;
        let client = match connected {
            Ok(connected) => connected.map_err(|error| from_postgres(&place, &error))?,
            Err(_) => {
                return Err(StoreError::Unavailable(format!(
                    "{place}: the server accepts connections but gave no session within {} s",
                    OPEN_MAX.as_secs()
                )));
            }
        };
        Ok(Session {
            client,
            prepared: HashMap::new(),
            driver,
            statement_max: purpose.statement_max,
            warning,
            unanswered: AtomicBool::new(false),
        })
    }

    /// What the server has warned of since this was asked last.
    pub fn take_warning(&self) -> Option<String> {
        lock(&self.warning).take()
    }

    /// Work whose commit counts only if the server had nothing to warn of: otherwise it may be on this server alone.
    pub fn durably<T>(
        &mut self,
        place: &str,
        work: impl FnOnce(&mut Session) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.take_warning();
        let done = work(self)?;
        match self.take_warning() {
            None => Ok(done),
            Some(warning) => Err(warned(place, &warning)),
        }
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Whether it answers: the next question must not stand behind one that was given up.
    pub fn is_usable(&self) -> bool {
        !self.is_closed() && !self.unanswered.load(Ordering::Relaxed)
    }

    /// Waits for what was begun with the client; not longer than the server's own limit and a little.
    pub fn wait<T: Send>(
        &self,
        place: &str,
        work: impl Future<Output = Result<T, tokio_postgres::Error>> + Send,
    ) -> Result<T, StoreError> {
        let patience = self.statement_max + GRACE;
        let answer = self.block(async { tokio::time::timeout(patience, work).await.ok() })?;
        let Some(answer) = answer else {
            self.unanswered.store(true, Ordering::Relaxed);
            return Err(StoreError::Unavailable(format!(
                "{place}: the database did not answer within {} s",
                patience.as_secs()
            )));
        };
        answer.map_err(|error| from_postgres(place, &error))
    }

    /// Drives the connection until the work is done.
    pub fn block<T: Send>(&self, work: impl Future<Output = T> + Send) -> Result<T, StoreError> {
        self.driver.block(work)
    }

    pub fn prepare(&mut self, place: &str, sql: &'static str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.wait(place, self.client.prepare(sql))?;
        self.prepared.insert(sql, statement.clone());
        Ok(statement)
    }

    pub fn rows(
        &mut self,
        place: &str,
        sql: &'static str,
        parameters: &Parameters<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepare(place, sql)?;
        self.wait(place, self.client.query(&statement, parameters))
    }

    /// At most one row.
    pub fn row(
        &mut self,
        place: &str,
        sql: &'static str,
        parameters: &Parameters<'_>,
    ) -> Result<Option<Row>, StoreError> {
        let mut rows = self.rows(place, sql, parameters)?;
        if rows.len() > 1 {
            return Err(damaged(place, "more rows than one"));
        }
        Ok(rows.pop())
    }

    /// Number of rows that a statement changed.
    pub fn change(
        &mut self,
        place: &str,
        sql: &'static str,
        parameters: &Parameters<'_>,
    ) -> Result<u64, StoreError> {
        let statement = self.prepare(place, sql)?;
        self.wait(place, self.client.execute(&statement, parameters))
    }

    /// Statements without parameters.
    pub fn script(&self, place: &str, sql: &str) -> Result<(), StoreError> {
        self.wait(place, self.client.batch_execute(sql))
    }
}

/// What every session begins with, whatever the server's or the database's defaults are. Warnings must be sent: see
/// [`Warning`]. A statement that waited for a locked row must see the row as it is then, not fail over it.
const SETTINGS: &str = "-c synchronous_commit=on -c client_min_messages=warning \
     -c default_transaction_isolation=read\\ committed";

/// A commit that is known to have happened on one server only.
pub(super) fn warned(place: &str, warning: &str) -> StoreError {
    StoreError::Unavailable(format!(
        "{place}: the database warned, so the commit may not outlive this server: {warning}"
    ))
}

/// Reads what the server sends, and keeps its warnings, until the connection ends.
async fn drive<S, T>(mut connection: Connection<S, T>, warning: Warning)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    // Whoever waits for an answer is told of an error by the client.
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        let AsyncMessage::Notice(notice) = message else {
            continue;
        };
        let (text, detail) = (notice.message(), notice.detail().unwrap_or_default());
        match notice.parsed_severity() {
            Some(Severity::Warning) => {
                tracing::debug!(text, detail, "the database warns");
                *lock(&warning) = Some(format!("{text} {detail}").trim_end().to_owned());
            }
            _ => tracing::debug!(text, detail, "the database notes"),
        }
    }
}

fn lock(warning: &Mutex<Option<String>>) -> std::sync::MutexGuard<'_, Option<String>> {
    warning.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An asynchronous caller's thread may not drive a second runtime: another thread does it then.
fn on<T: Send>(runtime: &Runtime, work: impl Future<Output = T> + Send) -> T {
    if tokio::runtime::Handle::try_current().is_err() {
        return runtime.block_on(work);
    }
    let outcome = std::thread::scope(|scope| scope.spawn(|| runtime.block_on(work)).join());
    match outcome {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
