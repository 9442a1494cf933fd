//! Servers of one book among themselves: commands for a shard that another server holds, the
//! request to give some shards up, and how the others are.
//!
//! Who cannot open a message learns nothing, who cannot seal one is not a server of the book. The
//! answer is bound to the message it answers.

use super::seal::{Head, Nonce, PeerKey, Seen, label_of_answer, new_nonce, nonce_header, nonce_of};
use super::{Book, Place, Submitted};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::{Command, Rejection, Reply};
use engine::store::lease::Holder;
use engine::{Actor, Envelope, Idempotency, Outcome, ShardCode, SubmitError, VaultEntry, Work};
use jiff::Timestamp;
use ledger::{AccountId, AccountState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Path of messages among servers; keep it off the public side of a proxy.
pub const PEER_PATH: &str = "/internal/peer";
/// Longest time for an answer, after which the outcome is not known.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// The same where nothing is done on the other side.
const GREETING_MAX: Duration = Duration::from_secs(2);
const CONNECT_MAX: Duration = Duration::from_secs(1);
/// Bytes that sealing adds.
const TAG: usize = 16;
/// How long it is believed what a server said of itself.
const HEARD_MAX: Duration = Duration::from_secs(5);

/// What one server asks another.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ask {
    Submit(Box<Forwarded>),
    Account {
        account: u64,
    },
    Yield {
        server: String,
        count: usize,
    },
    /// What it writes.
    Greeting,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Message {
    shard: ShardCode,
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
pub(super) enum Answer {
    Outcome(Box<Outcome<Reply, Rejection>>),
    Account(Option<AccountState>),
    /// It does not hold the shard; nothing was done.
    NotHere,
    /// Its queue is full; nothing was done.
    Busy,
    /// Whether it took effect is not known.
    Unavailable(String),
    Noted,
    /// The shards that it writes.
    Writes(Vec<ShardCode>),
}

/// Talks to the other servers of the book, and remembers what they said.
#[derive(Clone, Debug)]
pub struct PeerLink {
    key: PeerKey,
    /// This process, as its leases name it.
    server: Arc<str>,
    client: reqwest::Client,
    seen: Arc<Mutex<Seen>>,
    heard: Arc<Mutex<BTreeMap<String, Heard>>>,
    yields: UnboundedSender<YieldRequest>,
}

/// Another server asks for shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YieldRequest {
    /// The server that asks.
    pub server: String,
    /// How many it would like.
    pub count: usize,
}

/// What a server said of itself.
#[derive(Debug)]
struct Heard {
    /// When it was greeted last.
    greeted_at: Instant,
    /// Whether it did not answer then.
    silent: bool,
    /// When it answered last, and the shards that it wrote.
    said: Option<(Instant, Vec<ShardCode>)>,
}

impl PeerLink {
    /// A link of the process that its leases call `server`, under the book's key; requests of others
    /// for shards arrive at the receiver.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(
        key: PeerKey,
        server: &str,
    ) -> Result<(PeerLink, UnboundedReceiver<YieldRequest>), reqwest::Error> {
        let (yields, requests) = unbounded_channel();
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_MAX)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            // What may have been done is never asked for twice behind our back.
            .retry(reqwest::retry::never())
            .build()?;
        let link = PeerLink {
            key,
            server: server.into(),
            client,
            seen: Arc::default(),
            heard: Arc::default(),
            yields,
        };
        Ok((link, requests))
    }

    pub(super) async fn submit(
        &self,
        holder: &Holder,
        shard: ShardCode,
        envelope: &Envelope<Command>,
    ) -> Submitted {
        let ask = Ask::Submit(Box::new(Forwarded::of(envelope)));
        match self.ask(holder, shard, ask, ANSWER_MAX).await? {
            Answer::Outcome(outcome) => Ok(*outcome),
            other => Err(refused(other)),
        }
    }

    pub(super) async fn account(
        &self,
        holder: &Holder,
        shard: ShardCode,
        account: AccountId,
    ) -> Result<Option<AccountState>, SubmitError> {
        let ask = Ask::Account { account: account.0 };
        match self.ask(holder, shard, ask, ANSWER_MAX).await? {
            Answer::Account(state) => Ok(state),
            other => Err(refused(other)),
        }
    }

    /// Asks a server to give up some of its shards.
    pub(super) async fn ask_to_yield(&self, holder: &Holder, count: usize) {
        let server = self.server.to_string();
        let ask = Ask::Yield { server, count };
        let asked = self.ask(holder, ShardCode::FIRST, ask, GREETING_MAX);
        if let Err(error) = asked.await {
            tracing::debug!(address = holder.address, %error, "a server could not be asked for shards");
        }
    }

    /// Asks a server what it writes, and remembers that.
    pub(super) async fn greet(&self, holder: &Holder) {
        let asked = self.ask(holder, ShardCode::FIRST, Ask::Greeting, GREETING_MAX);
        let writes = match asked.await {
            Ok(Answer::Writes(shards)) => Ok(shards),
            Ok(other) => Err(refused(other).to_string()),
            Err(error) => Err(error.to_string()),
        };
        let now = Instant::now();
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.retain(|_, heard| now < heard.greeted_at + HEARD_MAX);
        let known = heard.entry(holder.server.clone()).or_insert(Heard {
            greeted_at: now,
            silent: false,
            said: None,
        });
        known.greeted_at = now;
        match writes {
            Ok(shards) => {
                known.silent = false;
                known.said = Some((now, shards));
            }
            // Said once, not at every greeting.
            Err(reason) if !std::mem::replace(&mut known.silent, true) => tracing::warn!(
                address = holder.address,
                reason,
                "a server of the book does not answer: is its --advertise right, its vault key the book's, its clock right?"
            ),
            Err(_) => {}
        }
    }

    /// Whether a server has said a moment ago that it writes a shard.
    pub(crate) fn writes(&self, holder: &Holder, shard: ShardCode) -> bool {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let said = heard
            .get(&holder.server)
            .and_then(|heard| heard.said.as_ref());
        said.is_some_and(|(at, shards)| at.elapsed() < HEARD_MAX && shards.contains(&shard))
    }

    /// Whether this very process has answered a greeting since it was first seen.
    fn has_answered(&self, holder: &Holder) -> bool {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let known = heard.get(&holder.server);
        known.is_some_and(|heard| heard.said.is_some())
    }

    async fn ask(
        &self,
        holder: &Holder,
        shard: ShardCode,
        ask: Ask,
        longest: Duration,
    ) -> Result<Answer, SubmitError> {
        let message = serde_json::to_vec(&Message { shard, ask });
        let message = zeroize::Zeroizing::new(message.map_err(|error| unknown(&error))?);
        // Without random numbers nothing was sent.
        let head = Head::new(message.len() + TAG).map_err(|_| SubmitError::Busy)?;
        let label = head.label(&holder.server);
        let sealed = self.key.seal(&label, head.nonce, &message);
        let sealed = sealed.map_err(|_| SubmitError::Busy)?;
        let address = &holder.address;
        let mut request = self
            .client
            .post(format!("{address}{PEER_PATH}"))
            .timeout(longest)
            .body(sealed);
        for (name, value) in head.headers(&self.key, &holder.server) {
            request = request.header(name, value);
        }
        let response = match request.send().await {
            Ok(response) => response,
            // Nothing was sent.
            Err(error) if error.is_connect() || error.is_builder() => {
                return Err(SubmitError::Moving);
            }
            Err(error) => return Err(unknown(&error)),
        };
        if response.status() == reqwest::StatusCode::UNAUTHORIZED && self.has_answered(holder) {
            // That process knew the key: another one is at its address now, and has read nothing of the message.
            return Err(SubmitError::Moving);
        }
        if response.status() != reqwest::StatusCode::OK {
            return Err(unknown(&format!(
                "the server at {address} answered {}",
                response.status()
            )));
        }
        let headers = response.headers().clone();
        let body = response.bytes().await.map_err(|error| unknown(&error))?;
        let answer = nonce_of(&headers)
            .and_then(|nonce| self.key.open(&label_of_answer(head.nonce), nonce, &body));
        let answer =
            answer.ok_or_else(|| unknown(&"the answer is not of a server of this book"))?;
        serde_json::from_slice(&answer).map_err(|error| unknown(&error))
    }

    /// The head of a message that another server of the book sent to this one, now and for the first
    /// time; `None` for anything else.
    pub(super) fn admit(&self, headers: &HeaderMap) -> Option<Head> {
        let head = Head::read(headers, &self.key, &self.server)?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.is_new(&head, Timestamp::now()).then_some(head)
    }

    /// Reads the message behind a head.
    pub(super) fn read(&self, head: &Head, body: &[u8]) -> Option<Message> {
        let clear = self.key.open(&head.label(&self.server), head.nonce, body)?;
        serde_json::from_slice(&clear).ok()
    }

    pub(super) fn answer(&self, asked: Nonce, answer: &Answer) -> Option<Response> {
        let text = serde_json::to_vec(answer).ok()?;
        let nonce = new_nonce().ok()?;
        let sealed = self.key.seal(&label_of_answer(asked), nonce, &text).ok()?;
        Some(([nonce_header(nonce)], sealed).into_response())
    }
}

fn unknown(error: &dyn std::fmt::Display) -> SubmitError {
    SubmitError::Unavailable(error.to_string().into())
}

fn refused(answer: Answer) -> SubmitError {
    match answer {
        Answer::NotHere => SubmitError::Moving,
        Answer::Busy => SubmitError::Busy,
        Answer::Unavailable(reason) => SubmitError::Unavailable(reason.into()),
        Answer::Outcome(_) | Answer::Account(_) | Answer::Noted | Answer::Writes(_) => {
            SubmitError::Unavailable("the answer is that of another question".into())
        }
    }
}

/// Does what is asked, here or not at all: a message is never passed on.
pub(super) async fn perform(book: &Book, peers: &PeerLink, message: Message) -> Answer {
    let place = book.place(message.shard);
    match (message.ask, place.as_ref()) {
        (Ask::Yield { server, count }, _) => {
            // The keeper is gone only when the server stops, which gives up every shard anyway.
            let _ = peers.yields.send(YieldRequest { server, count });
            Answer::Noted
        }
        (Ask::Greeting, _) => {
            let shards = book.engines().into_iter();
            Answer::Writes(shards.map(|(shard, _)| shard).collect())
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
                // Lost meanwhile: what it remembers may be old.
                Ok(_) if !tenure.holds() => Answer::NotHere,
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
