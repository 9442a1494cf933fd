//! A book on disk: database, vault key, and what kind of clock it lives by.

use crate::failure::Failure;
use calendar::{BusinessDate, shanghai_date};
use domain::{Command, QingyuanApp, Request};
use engine::batch::SealedSecret;
use engine::runtime::{Clock, Engine, Running};
use engine::store::sqlite::SqliteStore;
use engine::{Actor, CacheLimits, Envelope, ShardCode, ShardOptions, Vault, Verdict};
use server::book::BookRules;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

/// Environment variable with the vault key, 64 hexadecimal digits; takes precedence over the file.
const VAULT_KEY_VARIABLE: &str = "QINGYUAN_VAULT_KEY";
const VAULT_KEY_FILE: &str = "vault.key";
/// An empty text sealed with the book's key.
const VAULT_CHECK_FILE: &str = "vault.check";
const CLOCK_FILE: &str = "clock";

/// Whose time a book keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockKind {
    /// The machine's.
    Real,
    /// A demonstration's; its days end before today.
    Simulated,
}

impl ClockKind {
    fn name(self) -> &'static str {
        match self {
            ClockKind::Real => "real",
            ClockKind::Simulated => "simulated",
        }
    }
}

/// Opens or creates a book and starts its shard.
pub fn start(
    directory: &Path,
    clock: Arc<dyn Clock>,
    kind: ClockKind,
    app: QingyuanApp,
) -> Result<Running<QingyuanApp>, Failure> {
    let store = Arc::new(SqliteStore::open(directory)?);
    remember_clock(directory, kind, clock.as_ref(), &store)?;
    let written = engine::store::Queries::head(&store.queries()?)?.is_some();
    let vault = Arc::new(vault(directory, written)?);
    let options = ShardOptions {
        shard: ShardCode::FIRST,
        first_business_date: shanghai_date(clock.now()),
        limits: CacheLimits::default(),
        sweep_min: 2_048,
    };
    Ok(Engine::start(Arc::new(app), store, vault, clock, options)?)
}

/// Opens the internal accounts of a book of one shard under its first rule packs; harmless when they are.
/// Blocks.
pub fn set_up(engine: &Engine<QingyuanApp>, rules: &BookRules) -> Result<(), Failure> {
    let set_up = server::book::set_up_command(
        engine.queries().as_ref(),
        engine.queries().as_ref(),
        rules,
        engine.now(),
    )
    .map_err(Failure::other)?;
    let command = Command::Request(Request::SetUp(set_up));
    let outcome = engine.submit_blocking(Envelope::new(Actor::system(), command))?;
    match outcome.result {
        Verdict::Done(_) => Ok(()),
        other => Err(Failure::other(format!(
            "the book could not be set up: {other:?}"
        ))),
    }
}

/// A book begun on a real clock never goes on on a simulated one; the other way round only forward.
fn remember_clock(
    directory: &Path,
    kind: ClockKind,
    clock: &dyn Clock,
    store: &SqliteStore,
) -> Result<(), Failure> {
    let path = directory.join(CLOCK_FILE);
    let head = engine::store::Queries::head(&store.queries()?)?;
    match std::fs::read_to_string(&path) {
        Ok(known) => {
            if known.trim() == ClockKind::Real.name() && kind == ClockKind::Simulated {
                return Err(Failure::other(format!(
                    "the book in {} keeps real time; a demonstration needs a directory of its own",
                    directory.display()
                )));
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            std::fs::write(&path, kind.name()).map_err(|error| Failure::file(&path, error))?;
        }
        Err(error) => return Err(Failure::file(&path, error)),
    }
    if let Some(head) = head
        && head.now > clock.now()
    {
        let last = calendar::rfc3339_shanghai(head.now);
        return Err(Failure::other(match kind {
            ClockKind::Real => format!(
                "the book's last command is of {last}, which is after this machine's clock; set the clock right"
            ),
            ClockKind::Simulated => format!(
                "the book in {} has lived until {last}; a demonstration needs an empty directory",
                directory.display()
            ),
        }));
    }
    Ok(())
}

fn vault(directory: &Path, written: bool) -> Result<Vault, Failure> {
    let vault = Vault::new(&vault_key(directory, written)?)?;
    check_key(directory, &vault)?;
    Ok(vault)
}

/// The vault key of the environment or of the directory; made for a book that was never written.
pub fn vault_key(directory: &Path, written: bool) -> Result<zeroize::Zeroizing<Vec<u8>>, Failure> {
    let text = match std::env::var(VAULT_KEY_VARIABLE) {
        Ok(text) => zeroize::Zeroizing::new(text),
        Err(_) => key_file(directory, written)?,
    };
    let key = hex::decode(text.trim()).map_err(|_| {
        Failure::other(format!(
            "the vault key ({VAULT_KEY_VARIABLE} or {VAULT_KEY_FILE}) must be 64 hexadecimal digits"
        ))
    })?;
    Ok(zeroize::Zeroizing::new(key))
}

/// Refuses a key that is not the one the book began with: what it seals could not be read beside the rest.
fn check_key(directory: &Path, vault: &Vault) -> Result<(), Failure> {
    let path = directory.join(VAULT_CHECK_FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let cipher_text = hex::decode(text.trim()).unwrap_or_default();
            let sealed = SealedSecret {
                id: VAULT_CHECK_FILE.into(),
                nonce: [0; 12],
                cipher_text,
            };
            vault.open(&sealed).map(|_| ()).map_err(|_| {
                Failure::other(format!(
                    "the vault key is not the one of the book in {}: use the key it began with",
                    directory.display()
                ))
            })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            // Nothing but an empty text is ever sealed under this nonce.
            let sealed = vault.seal(VAULT_CHECK_FILE, [0; 12], b"")?;
            std::fs::write(&path, hex::encode(sealed.cipher_text))
                .map_err(|error| Failure::file(&path, error))
        }
        Err(error) => Err(Failure::file(&path, error)),
    }
}

/// Reads the key file, or makes one that only its owner can read. A book that was written has had a
/// key: with another one nothing in its vault could be read again.
fn key_file(directory: &Path, written: bool) -> Result<zeroize::Zeroizing<String>, Failure> {
    let path = directory.join(VAULT_KEY_FILE);
    if path.exists() {
        let text = std::fs::read_to_string(&path).map_err(|error| Failure::file(&path, error))?;
        return Ok(zeroize::Zeroizing::new(text));
    }
    if written {
        return Err(Failure::other(format!(
            "the book in {} has no vault key: put {VAULT_KEY_FILE} back or set {VAULT_KEY_VARIABLE}",
            directory.display()
        )));
    }
    let mut key = zeroize::Zeroizing::new([0u8; 32]);
    getrandom::fill(key.as_mut()).map_err(Failure::other)?;
    let text = zeroize::Zeroizing::new(hex::encode(*key));
    let mut file = std::fs::File::options()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| Failure::file(&path, error))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| Failure::file(&path, error))?;
    Ok(text)
}

/// Today in Shanghai.
pub fn today() -> BusinessDate {
    shanghai_date(engine::runtime::SystemClock.now())
}
