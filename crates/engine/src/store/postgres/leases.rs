//! Leases in the shard rows.

use super::address::Address;
use super::columns::Reading;
use super::session::{Parameters, Purpose, Session};
use super::shard::column;
use super::sql;
use crate::ids::ShardCode;
use crate::store::StoreError;
use crate::store::lease::{
    ClockDifference, Holder, Lease, LeaseTable, Leases, Renewed, ShardLease, Taken,
};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the database works at a question about leases. This side waits a little longer for its answer.
const ASK_MAX: Duration = Duration::from_secs(2);

/// The leases of a book.
pub(super) struct PostgresLeases {
    address: Arc<Address>,
    /// This server's clock, to be compared with the database's.
    clock: fn() -> Timestamp,
    session: Mutex<Option<Session>>,
}

impl PostgresLeases {
    pub fn new(address: Arc<Address>, clock: fn() -> Timestamp) -> PostgresLeases {
        PostgresLeases {
            address,
            clock,
            session: Mutex::new(None),
        }
    }

    /// Asks by the one connection; a new one is made after each failure, and once more when the one that was kept
    /// turns out to be dead: everything asked here can be asked twice.
    fn ask<T>(
        &self,
        question: impl Fn(&mut Session) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.ask_keeping(|session| Ok((question(session)?, true)))
    }

    /// The same; the answer says whether the connection is still good.
    fn ask_keeping<T>(
        &self,
        question: impl Fn(&mut Session) -> Result<(T, bool), StoreError>,
    ) -> Result<T, StoreError> {
        let mut kept = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut session) = kept.take() {
            match question(&mut session) {
                Err(StoreError::Unavailable(_)) if session.is_closed() => {}
                answer => return keep(&mut kept, session, answer),
            }
        }
        let purpose = Purpose {
            name: "qingyuan leases".to_owned(),
            writes: true,
            statement_max: ASK_MAX,
            idle_max: ASK_MAX,
        };
        let mut session = Session::open(&self.address, &purpose)?;
        let answer = question(&mut session);
        keep(&mut kept, session, answer)
    }

    fn difference(&self, session: &mut Session) -> Result<ClockDifference, StoreError> {
        let place = || "the database's clock".to_owned();
        // What preparing takes is not the network's delay.
        session.prepare(&place(), sql::CLOCK)?;
        let (asked, at) = (Instant::now(), (self.clock)());
        let row = session.row(&place(), sql::CLOCK, &[])?;
        let took = asked.elapsed();
        let Some(row) = row else {
            return Err(super::error::damaged(&place(), "no answer"));
        };
        let theirs = Reading {
            row: &row,
            place: &place,
        }
        .time(0)?;
        let half = i64::try_from(took.as_millis().div_ceil(2)).unwrap_or(i64::MAX);
        Ok(ClockDifference {
            server_ahead_ms: at.as_millisecond().saturating_add(half) - theirs.as_millisecond(),
            uncertainty_ms: half,
            at,
            asked,
        })
    }
}

/// Keeps a session for the next question, unless that could stand behind one which this session has not answered.
fn keep<T>(
    kept: &mut Option<Session>,
    session: Session,
    answer: Result<(T, bool), StoreError>,
) -> Result<T, StoreError> {
    let sound = match &answer {
        Ok((_, sound)) => *sound,
        Err(error) => !matches!(error, StoreError::Unavailable(_)),
    };
    if sound && session.is_usable() {
        *kept = Some(session);
    }
    answer.map(|(answer, _)| answer)
}

/// A lease that goes on from when it was asked for.
fn renewed(lease: &Lease, asked: Instant) -> Renewed {
    Renewed::Lease(Lease {
        held_until: asked + lease.lasts,
        ..lease.clone()
    })
}

/// Renews, for the price of one commit, the leases whose rows are not locked: their shards and epochs, and when that
/// was asked for.
fn renew_free(
    session: &mut Session,
    leases: &[Lease],
) -> Result<HashMap<(i16, u64), Instant>, StoreError> {
    let numbers: Vec<i16> = leases.iter().map(|lease| column(lease.shard)).collect();
    let epochs: Vec<i64> = leases.iter().map(|l| l.epoch.cast_signed()).collect();
    let servers: Vec<&str> = leases.iter().map(|l| l.holder.server.as_str()).collect();
    let lasts: Vec<i64> = leases.iter().map(|l| milliseconds(l.lasts)).collect();
    session.prepare(&place(), sql::RENEW_FREE)?;
    let asked = Instant::now();
    let rows = session.durably(&place(), |session| {
        let parameters: &Parameters<'_> = &[&numbers, &epochs, &servers, &lasts];
        session.rows(&place(), sql::RENEW_FREE, parameters)
    })?;
    let free = rows.iter().map(|row| {
        let reading = Reading { row, place: &place };
        Ok(((reading.get(0)?, reading.count(1)?), asked))
    });
    free.collect()
}

/// Renews the leases whose rows were locked, each in a transaction of its own that waits for a commit to end. A busy
/// shard's row is locked most of the time, and each commit here may take as long as one there: what makes them durable is
/// one commit behind them all. The whole is given up in time for the leases that were renewed before.
fn renew_locked(session: &mut Session, leases: &[(usize, &Lease)]) -> Vec<Renewed> {
    let lasts = leases.iter().map(|(_, lease)| lease.lasts).min();
    let lasts = lasts.unwrap_or_default();
    let until = Instant::now() + lasts / 2;
    let each = (lasts / 6).clamp(Duration::from_millis(1), ASK_MAX);
    let begin = format!(
        "SET synchronous_commit=off; SET statement_timeout={}",
        each.as_millis()
    );
    let waited = session.durably(&place(), |session| {
        session.prepare(&place(), sql::RENEW)?;
        session.script(&place(), &begin)?;
        let mut outcomes = Vec::with_capacity(leases.len());
        for (_, lease) in leases {
            let asked = Instant::now();
            if asked >= until {
                let reason = format!("{}: other leases were waited for", place());
                outcomes.push(Renewed::Failed(StoreError::Unavailable(reason)));
                continue;
            }
            let parameters: &Parameters<'_> = &[
                &column(lease.shard),
                &lease.epoch.cast_signed(),
                &lease.holder.server,
                &milliseconds(lease.lasts),
            ];
            outcomes.push(match session.change(&place(), sql::RENEW, parameters) {
                Ok(0) => Renewed::Lost,
                Ok(_) => renewed(lease, asked),
                // The database's own word on one row says nothing of the others.
                Err(error) if session.is_usable() => Renewed::Failed(error),
                Err(error) => return Err(error),
            });
        }
        let end = "RESET synchronous_commit; RESET statement_timeout";
        session.script(&place(), end)?;
        session.rows(&place(), sql::MARK, &[])?;
        Ok(outcomes)
    });
    waited.unwrap_or_else(|error| {
        let failed = |_| Renewed::Failed(StoreError::Unavailable(error.to_string()));
        leases.iter().map(failed).collect()
    })
}

fn place() -> String {
    "the leases in table shard".to_owned()
}

fn read(row: &tokio_postgres::Row) -> Result<ShardLease, StoreError> {
    let reading = Reading { row, place: &place };
    let number: i16 = reading.get(0)?;
    let shard = u16::try_from(number)
        .ok()
        .and_then(ShardCode::new)
        .ok_or_else(|| super::error::damaged(&place(), &format!("no shard: {number}")))?;
    let server: Option<String> = reading.get(2)?;
    let address: Option<String> = reading.get(3)?;
    Ok(ShardLease {
        shard,
        epoch: reading.count(1)?,
        holder: server
            .zip(address)
            .map(|(server, address)| Holder { server, address }),
        expires: reading.time(4)?,
        remaining: Duration::from_millis(reading.count(5)?),
    })
}

fn milliseconds(lasts: Duration) -> i64 {
    i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX)
}

impl Leases for PostgresLeases {
    fn list(&self) -> Result<LeaseTable, StoreError> {
        let rows = self.ask(|session| session.rows(&place(), sql::LEASES, &[]))?;
        let shards: Result<_, StoreError> = rows.iter().map(read).collect();
        Ok(LeaseTable { shards: shards? })
    }

    fn take(
        &self,
        shard: ShardCode,
        holder: &Holder,
        lasts: Duration,
    ) -> Result<Taken, StoreError> {
        self.ask(|session| {
            let difference = self.difference(session)?;
            if !difference.is_small() {
                return Ok(Taken::ClockDiffers(difference));
            }
            let number = column(shard);
            let asked = Instant::now();
            // Effects are dispatched under this epoch, so it must outlive the server that gave it.
            let taken = session.durably(&place(), |session| {
                session.row(
                    &place(),
                    sql::TAKE,
                    &[
                        &number,
                        &holder.server,
                        &holder.address,
                        &milliseconds(lasts),
                    ],
                )
            })?;
            if let Some(row) = taken {
                return Ok(Taken::Lease(Lease {
                    shard,
                    epoch: Reading {
                        row: &row,
                        place: &place,
                    }
                    .count(0)?,
                    holder: holder.clone(),
                    lasts,
                    held_until: asked + lasts,
                }));
            }
            match session.row(&place(), sql::LEASE, &[&number])? {
                Some(row) => Ok(Taken::HeldBy(read(&row)?)),
                None => Err(StoreError::Refused(format!(
                    "the book has no shard {}",
                    shard.number()
                ))),
            }
        })
    }

    fn renew(&self, leases: &[Lease]) -> Result<Vec<Renewed>, StoreError> {
        self.ask_keeping(|session| {
            let free = renew_free(session, leases)?;
            let mut outcomes: Vec<(usize, Renewed)> = Vec::with_capacity(leases.len());
            let mut locked: Vec<(usize, &Lease)> = Vec::new();
            for (place, lease) in leases.iter().enumerate() {
                match free.get(&(column(lease.shard), lease.epoch)) {
                    Some(asked) => outcomes.push((place, renewed(lease, *asked))),
                    None => locked.push((place, lease)),
                }
            }
            if !locked.is_empty() {
                // Whoever was not reached this time is the first the next time.
                locked.sort_by_key(|(_, lease)| lease.held_until);
                let waited = renew_locked(session, &locked);
                outcomes.extend(locked.iter().map(|(place, _)| *place).zip(waited));
            }
            outcomes.sort_by_key(|(place, _)| *place);
            let outcomes: Vec<Renewed> = outcomes.into_iter().map(|(_, one)| one).collect();
            let failed = |one: &Renewed| matches!(one, Renewed::Failed(_));
            let sound = !outcomes.iter().any(failed);
            Ok((outcomes, sound))
        })
    }

    fn release(&self, lease: &Lease) -> Result<bool, StoreError> {
        let parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)] = &[
            &column(lease.shard),
            &lease.epoch.cast_signed(),
            &lease.holder.server,
        ];
        let changed = self.ask(|session| session.change(&place(), sql::RELEASE, parameters))?;
        Ok(changed > 0)
    }

    fn clock_difference(&self) -> Result<ClockDifference, StoreError> {
        self.ask(|session| self.difference(session))
    }
}
