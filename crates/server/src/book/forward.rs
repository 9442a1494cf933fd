//! Servers of one book among themselves: commands for a shard that another server holds, and the
//! request to give some shards up.
//!
//! Each message is sealed with AES-256-GCM under a key that all servers of the book derive from the
//! book's vault key: who cannot open it learns nothing, who cannot seal it is not a server of the
//! book. A message is accepted once, and only for a short time after it was written. The answer is
//! bound to the message it answers.

use super::{Book, Place, Submitted};
use crate::problem::Problem;
use crate::state::AppState;
use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::{Command, Rejection, Reply};
use engine::batch::SealedSecret;
use engine::{Actor, Envelope, Idempotency, Outcome, ShardCode, SubmitError, Vault, VaultEntry};
use engine::{VaultError, Work};
use jiff::{SignedDuration, Timestamp};
use ledger::{AccountId, AccountState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Path of messages among servers; keep it off the public side of a proxy.
pub const PEER_PATH: &str = "/internal/peer";
/// Longest message: the largest batch of transfers with room to spare.
const MESSAGE_MAX: usize = 64 << 20;
/// Age above which a message is refused; clocks of servers differ by two seconds at most.
const AGE_MAX: SignedDuration = SignedDuration::from_secs(30);
/// Longest time for an answer, after which the outcome is not known.
const ANSWER_MAX: Duration = Duration::from_secs(30);
const CONNECT_MAX: Duration = Duration::from_secs(1);
/// Longest time a server may take to answer whether it gives shards up; then it is asked again.
const YIELD_MAX: Duration = Duration::from_secs(1);
const NONCE: &str = "x-peer-nonce";
const LABEL: &[u8] = b"qingyuan: messages among servers, 1";

/// The key of messages among servers, derived from the book's vault key.
#[derive(Clone)]
pub struct PeerKey(Arc<Vault>);

impl PeerKey {
    /// Derives it.
    ///
    /// # Errors
    /// [`VaultError`] when the cipher cannot be set up.
    pub fn derive(vault_key: &[u8]) -> Result<PeerKey, VaultError> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, vault_key);
        let derived = hmac::sign(&key, LABEL);
        Ok(PeerKey(Arc::new(Vault::new(derived.as_ref())?)))
    }
}

impl std::fmt::Debug for PeerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PeerKey")
    }
}

/// What one server asks another.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ask {
    Submit(Box<Forwarded>),
    Account { account: u64 },
    Yield { server: String, count: usize },
}

#[derive(Serialize, Deserialize)]
struct Message {
    shard: ShardCode,
    #[serde(with = "calendar::rfc3339")]
    at: Timestamp,
    ask: Ask,
}

/// A command on its way to another server. Personal data travel inside the sealed message only.
#[derive(Serialize, Deserialize)]
struct Forwarded {
    actor: Actor,
    work: Work<Command>,
    idempotency: Option<Idempotency>,
    secrets: Vec<(String, String)>,
}

impl Forwarded {
    fn of(envelope: &Envelope<Command>) -> Forwarded {
        let secrets = envelope
            .vault
            .iter()
            .map(|entry| (entry.id.clone(), BASE64.encode(&*entry.clear_text)));
        Forwarded {
            actor: envelope.actor.clone(),
            work: envelope.work.clone(),
            idempotency: envelope.idempotency.clone(),
            secrets: secrets.collect(),
        }
    }

    fn into_envelope(self) -> Option<Envelope<Command>> {
        let secrets = self.secrets.into_iter().map(|(id, text)| {
            let clear_text = zeroize::Zeroizing::new(BASE64.decode(text).ok()?);
            Some(VaultEntry { id, clear_text })
        });
        Some(Envelope {
            actor: self.actor,
            work: self.work,
            idempotency: self.idempotency,
            vault: secrets.collect::<Option<_>>()?,
        })
    }
}

/// What the other server answers.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Outcome(Box<Outcome<Reply, Rejection>>),
    Account(Option<AccountState>),
    /// It does not hold the shard; nothing was done.
    NotHere,
    /// Its queue is full; nothing was done.
    Busy,
    /// Whether it took effect is not known.
    Unavailable(String),
    Noted,
}

/// Talks to the other servers of the book, and remembers what they said.
#[derive(Clone, Debug)]
pub struct PeerLink {
    key: PeerKey,
    client: reqwest::Client,
    seen: Arc<Mutex<Seen>>,
    yields: tokio::sync::mpsc::UnboundedSender<YieldRequest>,
}

/// Another server asks for shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YieldRequest {
    /// The server that asks.
    pub server: String,
    /// How many it would like.
    pub count: usize,
}

/// Nonces of the last minute.
#[derive(Debug, Default)]
struct Seen(BTreeMap<(i64, [u8; 12]), ()>);

impl Seen {
    /// Notes a message; false when it was here before.
    fn first_time(&mut self, at: Timestamp, nonce: [u8; 12], now: Timestamp) -> bool {
        let oldest = (now - AGE_MAX - AGE_MAX).as_millisecond();
        self.0 = self.0.split_off(&(oldest, [0; 12]));
        self.0.insert((at.as_millisecond(), nonce), ()).is_none()
    }
}

impl PeerLink {
    /// A link under the book's key; requests of others for shards arrive at the receiver.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(
        key: PeerKey,
    ) -> Result<(PeerLink, tokio::sync::mpsc::UnboundedReceiver<YieldRequest>), reqwest::Error>
    {
        let (yields, requests) = tokio::sync::mpsc::unbounded_channel();
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_MAX)
            .timeout(ANSWER_MAX)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            // What may have been done is never asked for twice behind our back.
            .retry(reqwest::retry::never())
            .build()?;
        let link = PeerLink {
            key,
            client,
            seen: Arc::default(),
            yields,
        };
        Ok((link, requests))
    }

    pub(super) async fn submit(
        &self,
        address: &str,
        shard: ShardCode,
        envelope: &Envelope<Command>,
    ) -> Submitted {
        let ask = Ask::Submit(Box::new(Forwarded::of(envelope)));
        match self.ask(address, shard, ask).await? {
            Answer::Outcome(outcome) => Ok(*outcome),
            other => Err(refused(other)),
        }
    }

    pub(super) async fn account(
        &self,
        address: &str,
        shard: ShardCode,
        account: AccountId,
    ) -> Result<Option<AccountState>, SubmitError> {
        let ask = Ask::Account { account: account.0 };
        match self.ask(address, shard, ask).await? {
            Answer::Account(state) => Ok(state),
            other => Err(refused(other)),
        }
    }

    /// Asks a server to give up some of its shards.
    pub(super) async fn ask_to_yield(&self, address: &str, server: &str, count: usize) {
        let server = server.to_owned();
        let ask = Ask::Yield { server, count };
        let asked = self.ask(address, ShardCode::FIRST, ask);
        let asked = tokio::time::timeout(YIELD_MAX, asked).await;
        if !matches!(asked, Ok(Ok(_))) {
            tracing::debug!(address, "a server could not be asked for shards");
        }
    }

    async fn ask(&self, address: &str, shard: ShardCode, ask: Ask) -> Result<Answer, SubmitError> {
        let at = Timestamp::now();
        let message = serde_json::to_vec(&Message { shard, at, ask });
        let message = zeroize::Zeroizing::new(message.map_err(|error| unknown(&error))?);
        let nonce = new_nonce().map_err(|_| SubmitError::Busy)?;
        let sealed = self.key.0.seal(&label("ask", nonce), nonce, &message);
        let sealed = sealed.map_err(|_| SubmitError::Busy)?;
        let request = self
            .client
            .post(format!("{address}{PEER_PATH}"))
            .header(NONCE, hex::encode(nonce))
            .body(sealed.cipher_text);
        let response = match request.send().await {
            Ok(response) => response,
            // Nothing was sent.
            Err(error) if error.is_connect() || error.is_builder() => {
                return Err(SubmitError::Moving);
            }
            Err(error) => return Err(unknown(&error)),
        };
        if response.status() != reqwest::StatusCode::OK {
            return Err(unknown(&format!(
                "the server at {address} answered {}",
                response.status()
            )));
        }
        let headers = response.headers().clone();
        let body = response.bytes().await.map_err(|error| unknown(&error))?;
        let answer = nonce_of(&headers)
            .and_then(|answer_nonce| self.open(&label_of_answer(nonce), answer_nonce, &body));
        let answer =
            answer.ok_or_else(|| unknown(&"the answer is not of a server of this book"))?;
        serde_json::from_slice(&answer).map_err(|error| unknown(&error))
    }

    fn open(
        &self,
        label: &str,
        nonce: [u8; 12],
        bytes: &[u8],
    ) -> Option<zeroize::Zeroizing<Vec<u8>>> {
        let sealed = SealedSecret {
            id: label.to_owned(),
            nonce,
            cipher_text: bytes.to_vec(),
        };
        self.key.0.open(&sealed).ok()
    }

    /// Reads a message of another server; `None` for anything else, and for one that was read before.
    fn read(&self, headers: &HeaderMap, body: &[u8]) -> Option<(Message, [u8; 12])> {
        let nonce = nonce_of(headers)?;
        let clear = self.open(&label("ask", nonce), nonce, body)?;
        let message: Message = serde_json::from_slice(&clear).ok()?;
        let now = Timestamp::now();
        let age = now.duration_since(message.at).abs();
        if age > AGE_MAX {
            return None;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.first_time(message.at, nonce, now)
            .then_some((message, nonce))
    }

    fn answer(&self, asked: [u8; 12], answer: &Answer) -> Option<Response> {
        let text = serde_json::to_vec(answer).ok()?;
        let nonce = new_nonce().ok()?;
        let sealed = self
            .key
            .0
            .seal(&label_of_answer(asked), nonce, &text)
            .ok()?;
        Some(([(NONCE, hex::encode(nonce))], sealed.cipher_text).into_response())
    }
}

fn label(kind: &str, nonce: [u8; 12]) -> String {
    format!("{kind} {}", hex::encode(nonce))
}

fn label_of_answer(asked: [u8; 12]) -> String {
    label("answer", asked)
}

fn nonce_of(headers: &HeaderMap) -> Option<[u8; 12]> {
    let bytes = hex::decode(headers.get(NONCE)?.as_bytes()).ok()?;
    bytes.try_into().ok()
}

fn new_nonce() -> Result<[u8; 12], getrandom::Error> {
    let mut nonce = [0; 12];
    getrandom::fill(&mut nonce)?;
    Ok(nonce)
}

fn unknown(error: &dyn std::fmt::Display) -> SubmitError {
    SubmitError::Unavailable(error.to_string().into())
}

fn refused(answer: Answer) -> SubmitError {
    match answer {
        Answer::NotHere => SubmitError::Moving,
        Answer::Busy => SubmitError::Busy,
        Answer::Unavailable(reason) => SubmitError::Unavailable(reason.into()),
        Answer::Outcome(_) | Answer::Account(_) | Answer::Noted => {
            SubmitError::Unavailable("the answer is that of another question".into())
        }
    }
}

/// The route of messages among servers.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route(PEER_PATH, post(take))
        .layer(DefaultBodyLimit::max(MESSAGE_MAX))
}

async fn take(State(state): State<AppState>, headers: HeaderMap, body: Bytes) -> Response {
    let missing = || Problem::not_found("path", PEER_PATH).into_response();
    let Some(peers) = state.book().peers() else {
        return missing();
    };
    // Without a word on what is wrong: whoever may know has the key.
    let Some((message, nonce)) = peers.read(&headers, &body) else {
        tracing::warn!("a message that is not of a server of this book was refused");
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let answer = perform(state.book(), peers, message).await;
    peers
        .answer(nonce, &answer)
        .unwrap_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// Does what is asked, here or not at all: a message is never passed on.
async fn perform(book: &Book, peers: &PeerLink, message: Message) -> Answer {
    let place = book.place(message.shard);
    match (message.ask, place.as_ref()) {
        (Ask::Yield { server, count }, _) => {
            // The keeper is gone only when the server stops, which gives up every shard anyway.
            let _ = peers.yields.send(YieldRequest { server, count });
            Answer::Noted
        }
        (Ask::Submit(forwarded), Place::Here(engine, tenure)) if tenure.holds() => {
            match forwarded.into_envelope() {
                Some(envelope) => match engine.submit(envelope).await {
                    Ok(outcome) => Answer::Outcome(Box::new(outcome)),
                    Err(error) => failed(error),
                },
                None => Answer::Unavailable("a secret cannot be read".into()),
            }
        }
        (Ask::Account { account }, Place::Here(engine, tenure)) if tenure.holds() => {
            match engine.account(AccountId(account)).await {
                Ok(state) => Answer::Account(state),
                Err(error) => failed(error),
            }
        }
        (Ask::Submit(_) | Ask::Account { .. }, _) => Answer::NotHere,
    }
}

fn failed(error: SubmitError) -> Answer {
    match error {
        SubmitError::Unavailable(reason) => Answer::Unavailable(reason.to_string()),
        SubmitError::Busy => Answer::Busy,
        SubmitError::Moving => Answer::NotHere,
    }
}
