//! A shard as its holder opens it: with the epoch of its lease.

use super::address::Address;
use super::columns::Reading;
use super::queries::PostgresQueries;
use super::reader::PostgresReader;
use super::session::{Purpose, Session};
use super::writer::PostgresWriter;
use super::{Pool, sql};
use crate::ids::ShardCode;
use crate::store::{Queries, StoreError, StoreFactory, StoreReader, StoreWriter};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a commit may take.
const COMMIT_MAX: Duration = Duration::from_secs(25);
/// How long the question who holds the shard may take.
const ASK_MAX: Duration = Duration::from_secs(2);

/// A lease on a shard, as the handles of its holder need it.
pub(super) struct Holding {
    pub address: Arc<Address>,
    pub shard: ShardCode,
    pub epoch: u64,
    /// Below the lease time: a paused writer must not hold rows longer than its lease.
    pub idle_max: Duration,
    pub pool: Arc<Pool>,
    /// Sessions whose last commit has an unknown outcome.
    pub suspects: Mutex<Vec<i32>>,
}

/// How far a shard is, and under which epoch.
pub(super) struct Place {
    pub epoch: u64,
    pub batch_seq: u64,
}

impl Holding {
    /// As its columns hold it.
    pub fn number(&self) -> i16 {
        column(self.shard)
    }

    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    pub fn commit_max(&self) -> Duration {
        COMMIT_MAX
    }

    fn purpose(&self) -> Purpose {
        Purpose {
            // Read again by END_WRITERS.
            name: format!(
                "qingyuan shard {} epoch {}",
                self.shard.number(),
                self.epoch
            ),
            writes: true,
            statement_max: COMMIT_MAX,
            idle_max: self.idle_max,
        }
    }

    pub fn writing_session(&self) -> Result<Session, StoreError> {
        self.settle()?;
        Session::open(&self.address, &self.purpose())
    }

    /// Asked by a session that is no writer's: a successor ends those, and this one shall learn of it.
    pub fn place(&self) -> Result<Place, StoreError> {
        let purpose = Purpose {
            name: format!("qingyuan shard {} asks", self.shard.number()),
            writes: true,
            statement_max: ASK_MAX,
            idle_max: ASK_MAX,
        };
        let mut session = Session::open(&self.address, &purpose)?;
        self.place_by(&mut session)
    }

    fn place_by(&self, session: &mut Session) -> Result<Place, StoreError> {
        let name = || format!("table shard, shard {}", self.shard.number());
        let Some(row) = session.row(&name(), sql::PLACE, &[&self.number()])? else {
            return Err(super::error::damaged(&name(), "the row is missing"));
        };
        let reading = Reading {
            row: &row,
            place: &name,
        };
        Ok(Place {
            epoch: reading.count(0)?,
            batch_seq: reading.count(1)?,
        })
    }

    /// The error for a holder whose time is over.
    pub fn fenced(&self, now: &Place) -> Option<StoreError> {
        (now.epoch != self.epoch).then(|| {
            StoreError::Fenced(format!(
                "shard {} is at epoch {}, this server holds epoch {}",
                self.shard.number(),
                now.epoch,
                self.epoch
            ))
        })
    }

    /// Commits, so that all that was committed before it is as durable as a commit is made here: a commit whose wait
    /// for the standby was cut short, or whose writer died waiting, can be read before the standby has it.
    fn confirm(&self, session: &mut Session) -> Result<(), StoreError> {
        let place = format!("confirming the state of shard {}", self.shard.number());
        let (shard, epoch) = (self.number(), self.epoch.cast_signed());
        let confirmed = session.durably(&place, |session| {
            session.change(&place, sql::CONFIRM, &[&shard, &epoch])
        })?;
        if confirmed == 1 {
            return Ok(());
        }
        let now = self.place_by(session)?;
        Err(self
            .fenced(&now)
            .unwrap_or_else(|| super::error::damaged(&place, "the row took no update")))
    }

    /// Remembers a session whose commit may still take effect.
    pub fn suspect(&self, backend: i32) {
        self.suspects
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(backend);
    }

    /// Ends what earlier writers of this shard left, so that what is read after this stays true.
    fn settle(&self) -> Result<(), StoreError> {
        let suspects = self
            .suspects
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if suspects.is_empty() {
            return Ok(());
        }
        let place = "ending a session whose commit has an unknown outcome";
        let mut session = Session::open(&self.address, &self.purpose())?;
        for backend in &suspects {
            session.rows(place, sql::END_SESSION, &[&self.number(), backend])?;
            let left = session.row(place, sql::SESSION, &[&self.number(), backend])?;
            if left.is_some() {
                return Err(StoreError::Unavailable(format!(
                    "{place}: backend {backend} does not end"
                )));
            }
        }
        self.suspects
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|backend| !suspects.contains(backend));
        Ok(())
    }
}

/// A shard's number as its columns hold it.
pub(super) fn column(shard: ShardCode) -> i16 {
    i16::try_from(shard.number()).unwrap_or(i16::MAX)
}

/// Opens the handles of a shard for the holder of its lease.
pub(super) struct PostgresShard(pub Arc<Holding>);

impl StoreFactory for PostgresShard {
    fn reader(&self) -> Result<Box<dyn StoreReader>, StoreError> {
        let mut session = self.0.writing_session()?;
        let place = "ending the sessions of earlier holders";
        let (shard, epoch) = (self.0.number(), self.0.epoch.cast_signed());
        session.rows(place, sql::END_WRITERS, &[&shard, &epoch])?;
        self.0.confirm(&mut session)?;
        Ok(Box::new(PostgresReader::new(session, shard)))
    }

    fn writer(&self) -> Result<Box<dyn StoreWriter>, StoreError> {
        Ok(Box::new(PostgresWriter::open(self.0.clone())?))
    }

    fn queries(&self) -> Result<Arc<dyn Queries>, StoreError> {
        Ok(Arc::new(PostgresQueries::new(
            self.0.pool.clone(),
            self.0.shard,
        )))
    }
}
