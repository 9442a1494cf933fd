//! Leases in the shard rows.

use super::address::Address;
use super::columns::Reading;
use super::session::{Purpose, Session};
use super::shard::column;
use super::sql;
use crate::ids::ShardCode;
use crate::store::StoreError;
use crate::store::lease::{
    ClockDifference, Holder, Lease, LeaseTable, Leases, Renewed, ShardLease, Taken,
};
use jiff::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a question about leases may take: a row is held by a commit's last statement only.
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
        let mut kept = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut session) = kept.take() {
            match question(&mut session) {
                Err(StoreError::Unavailable(_)) if session.is_closed() => {}
                result => {
                    *kept = of_use(session, &result);
                    return result;
                }
            }
        }
        let purpose = Purpose {
            name: "qingyuan leases".to_owned(),
            writes: true,
            statement_max: ASK_MAX,
            idle_max: ASK_MAX,
        };
        let mut session = Session::open(&self.address, &purpose)?;
        let result = question(&mut session);
        *kept = of_use(session, &result);
        result
    }

    fn difference(&self, session: &mut Session) -> Result<ClockDifference, StoreError> {
        let place = || "the database's clock".to_owned();
        // What preparing takes is not the network's delay.
        session.prepare(&place(), sql::CLOCK)?;
        let (begun, before) = (Instant::now(), (self.clock)());
        let row = session.row(&place(), sql::CLOCK, &[])?;
        let took = begun.elapsed();
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
            server_ahead_ms: before.as_millisecond().saturating_add(half) - theirs.as_millisecond(),
            uncertainty_ms: half,
        })
    }
}

/// A session that gave no answer in time may still be waiting for it: the next question must not stand behind it.
fn of_use<T>(session: Session, result: &Result<T, StoreError>) -> Option<Session> {
    let unanswered = matches!(result, Err(StoreError::Unavailable(_)));
    (!unanswered && !session.is_closed()).then_some(session)
}

fn place() -> String {
    "the leases in table shard".to_owned()
}

fn read(row: &tokio_postgres::Row) -> Result<(ShardLease, Timestamp), StoreError> {
    let reading = Reading { row, place: &place };
    let number: i16 = reading.get(0)?;
    let shard = u16::try_from(number)
        .ok()
        .and_then(ShardCode::new)
        .ok_or_else(|| super::error::damaged(&place(), &format!("no shard: {number}")))?;
    let server: Option<String> = reading.get(2)?;
    let address: Option<String> = reading.get(3)?;
    let lease = ShardLease {
        shard,
        epoch: reading.count(1)?,
        holder: server
            .zip(address)
            .map(|(server, address)| Holder { server, address }),
        expires: reading.time(4)?,
        remaining: Duration::from_millis(reading.count(5)?),
    };
    Ok((lease, reading.time(6)?))
}

fn milliseconds(lasts: Duration) -> i64 {
    i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX)
}

impl Leases for PostgresLeases {
    fn list(&self) -> Result<LeaseTable, StoreError> {
        let rows = self.ask(|session| session.rows(&place(), sql::LEASES, &[]))?;
        let mut table = LeaseTable {
            shards: Vec::with_capacity(rows.len()),
            at: Timestamp::UNIX_EPOCH,
        };
        for row in &rows {
            let (lease, at) = read(row)?;
            table.shards.push(lease);
            table.at = at;
        }
        Ok(table)
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
                Some(row) => Ok(Taken::HeldBy(read(&row)?.0)),
                None => Err(StoreError::Refused(format!(
                    "the book has no shard {}",
                    shard.number()
                ))),
            }
        })
    }

    fn renew(&self, leases: &[Lease]) -> Result<Vec<Renewed>, StoreError> {
        self.ask(|session| {
            session.prepare(&place(), sql::RENEW)?;
            let mut away = None;
            let renewed = leases.iter().map(|lease| {
                // Who could not answer for one lease is not waited for with the others.
                if let Some(reason) = &away {
                    return Renewed::Failed(StoreError::Unavailable(String::clone(reason)));
                }
                let asked = Instant::now();
                let parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)] = &[
                    &column(lease.shard),
                    &lease.epoch.cast_signed(),
                    &lease.holder.server,
                    &milliseconds(lease.lasts),
                ];
                let changed = session.durably(&place(), |session| {
                    session.change(&place(), sql::RENEW, parameters)
                });
                match changed {
                    Ok(0) => Renewed::Lost,
                    Ok(_) => Renewed::Lease(Lease {
                        held_until: asked + lease.lasts,
                        ..lease.clone()
                    }),
                    Err(error) => {
                        away = Some(error.to_string());
                        Renewed::Failed(error)
                    }
                }
            });
            Ok(renewed.collect())
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
