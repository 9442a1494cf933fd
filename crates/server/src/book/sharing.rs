//! Who should have which shards, decided from the table of leases alone: what is free to be taken, whom to ask for more,
//! what to give up for another. No I/O, and the time is an argument.
//!
//! The share is the number of shards divided by the servers seen, rounded up. A server that has no shard is not in the
//! table, so it asks the richest holder to yield; that one gives up shards only while it has more than its share
//! counting the newcomer. Whoever asks must be able to write what it gets: a shard that was given up for nothing has had
//! no writer meanwhile.

use super::forward::YieldRequest;
use engine::ShardCode;
use engine::store::lease::{Holder, LeaseTable, ShardLease};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Longest time a shard that was given up is left to others.
const LEFT_TO_OTHERS: Duration = Duration::from_secs(5);
/// How often shards are asked for at most.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// Longest pause after an opening that failed.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// When a failed opening is of no account any more.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(180);

/// What one server remembers in order to share with others.
#[derive(Debug)]
pub(super) struct Sharing {
    /// This process, as its leases name it.
    server: String,
    /// First pause after an opening that failed.
    pause: Duration,
    left: BTreeMap<ShardCode, Left>,
    failed: BTreeMap<ShardCode, Failed>,
    asked_at: Option<Instant>,
    clock_differs: bool,
}

/// A shard given up for others.
#[derive(Debug)]
struct Left {
    /// Under which epoch: a later one says that somebody has had it since.
    epoch: u64,
    until: Instant,
}

/// A shard that could not be opened here.
#[derive(Debug)]
struct Failed {
    times: u32,
    last: Instant,
}

impl Failed {
    fn ends(&self, first: Duration) -> Instant {
        let doubled = 1_u32.checked_shl(self.times.saturating_sub(1));
        let pause = first.saturating_mul(doubled.unwrap_or(u32::MAX));
        self.last + pause.min(PAUSE_MAX)
    }
}

impl Sharing {
    pub fn new(server: &str, pause: Duration) -> Sharing {
        Sharing {
            server: server.to_owned(),
            pause,
            left: BTreeMap::new(),
            failed: BTreeMap::new(),
            asked_at: None,
            clock_differs: false,
        }
    }

    /// Notes how the clock was found; whether that is news.
    pub fn found_clock(&mut self, differs: bool) -> bool {
        std::mem::replace(&mut self.clock_differs, differs) != differs
    }

    /// Whether this server has to do without shards because its clock is not the database's.
    pub fn clock_differs(&self) -> bool {
        self.clock_differs
    }

    /// A shard could not be opened or set up here.
    pub fn opening_failed(&mut self, shard: ShardCode, now: Instant) {
        let times = self.failed.get(&shard).map_or(0, |failed| failed.times);
        let times = times.saturating_add(1);
        self.failed.insert(shard, Failed { times, last: now });
    }

    /// A shard is written here.
    pub fn opened(&mut self, shard: ShardCode) {
        self.failed.remove(&shard);
    }

    /// How many shards each server should have at most.
    pub fn share(&self, table: &LeaseTable) -> usize {
        share(table, &self.servers(table, None))
    }

    /// Shards to be taken, as long as the share is not reached. `here` are those that this server has.
    pub fn takes(
        &mut self,
        table: &LeaseTable,
        here: &BTreeSet<ShardCode>,
        now: Instant,
    ) -> Vec<ShardCode> {
        self.forget(table, now);
        if self.clock_differs {
            return Vec::new();
        }
        let alone = self.servers(table, None).len() == 1;
        let wanted = |entry: &&ShardLease| {
            // What is this server's in the table and not here was lost with an answer, or with its engine.
            let own = entry
                .holder
                .as_ref()
                .is_some_and(|holder| holder.server == self.server);
            let paused = self.failed.get(&entry.shard).is_some_and(|failed| {
                // Where nobody else is seen, a longer pause would spare nobody anything.
                let ends = if alone {
                    failed.last + self.pause
                } else {
                    failed.ends(self.pause)
                };
                now < ends
            });
            (own || entry.is_free())
                && !here.contains(&entry.shard)
                && !self.left.contains_key(&entry.shard)
                && !paused
        };
        let wanted = table.shards.iter().filter(wanted);
        wanted.map(|entry| entry.shard).collect()
    }

    /// Whom to ask for how many shards, when this server has too few; `here` is how many it has.
    pub fn asks(
        &mut self,
        table: &LeaseTable,
        here: usize,
        now: Instant,
    ) -> Option<(Holder, usize)> {
        let asked = self.asked_at.is_some_and(|at| now < at + ASK_EVERY);
        let mut failed = self.failed.values();
        if asked || self.clock_differs || failed.any(|failed| now < failed.ends(self.pause)) {
            return None;
        }
        let mut holders: BTreeMap<&str, (&Holder, usize)> = BTreeMap::new();
        for holder in holders_in(table) {
            holders.entry(&holder.server).or_insert((holder, 0)).1 += 1;
        }
        let least = table.shards.len() / self.servers(table, None).len().max(1);
        let (richest, most) = holders.into_values().max_by_key(|(_, count)| *count)?;
        if here >= least || most <= here + 1 || richest.server == self.server {
            return None;
        }
        self.asked_at = Some(now);
        // Whoever could not open one lately tries one, so that no more than that is without a writer for it.
        let count = if self.failed.is_empty() {
            least - here
        } else {
            1
        };
        Some((richest.clone(), count))
    }

    /// What to give up for another server that asks. `open` are the shards written here with their epochs, in order.
    pub fn gives_up(
        &mut self,
        table: &LeaseTable,
        open: &[(ShardCode, u64)],
        request: &YieldRequest,
        now: Instant,
    ) -> Vec<ShardCode> {
        let share = share(table, &self.servers(table, Some(&request.server)));
        let surplus = open.len().saturating_sub(share).min(request.count);
        // The last ones, so that low numbers stay where they are.
        let given = open.iter().rev().take(surplus);
        for &(shard, epoch) in given.clone() {
            let until = now + LEFT_TO_OTHERS;
            self.left.insert(shard, Left { epoch, until });
        }
        given.map(|(shard, _)| *shard).collect()
    }

    /// Servers seen, this one and `newcomer` included.
    fn servers<'a>(
        &'a self,
        table: &'a LeaseTable,
        newcomer: Option<&'a str>,
    ) -> BTreeSet<&'a str> {
        let seen = holders_in(table).map(|holder| holder.server.as_str());
        seen.chain([self.server.as_str()]).chain(newcomer).collect()
    }

    fn forget(&mut self, table: &LeaseTable, now: Instant) {
        self.failed
            .retain(|_, failed| now < failed.last + FORGOTTEN_AFTER);
        self.left.retain(|shard, left| {
            let entry = table.shards.iter().find(|entry| entry.shard == *shard);
            now < left.until && entry.is_none_or(|entry| entry.epoch <= left.epoch)
        });
    }
}

fn share(table: &LeaseTable, servers: &BTreeSet<&str>) -> usize {
    table.shards.len().div_ceil(servers.len().max(1))
}

/// Holders of the shards that somebody has, one for each shard.
fn holders_in(table: &LeaseTable) -> impl Iterator<Item = &Holder> {
    let held = table.shards.iter().filter(|entry| !entry.is_free());
    held.filter_map(|entry| entry.holder.as_ref())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{ASK_EVERY, LEFT_TO_OTHERS, PAUSE_MAX, Sharing};
    use crate::book::YieldRequest;
    use engine::ShardCode;
    use engine::store::lease::{Holder, LeaseTable, ShardLease};
    use jiff::Timestamp;
    use std::collections::BTreeSet;
    use std::time::{Duration, Instant};

    const LASTS: Duration = Duration::from_secs(3);

    fn code(number: usize) -> ShardCode {
        ShardCode::new(u16::try_from(number).unwrap()).unwrap()
    }

    /// A table of shards with these holders; nobody's where the name is empty.
    fn table(holders: &[&str]) -> LeaseTable {
        let entry = |(number, name): (usize, &&str)| ShardLease {
            shard: code(number),
            epoch: 1,
            holder: (!name.is_empty()).then(|| Holder {
                server: (*name).to_owned(),
                address: format!("http://{name}"),
            }),
            expires: Timestamp::UNIX_EPOCH,
            remaining: LASTS,
        };
        LeaseTable {
            shards: holders.iter().enumerate().map(entry).collect(),
        }
    }

    fn asked(sharing: &mut Sharing, table: &LeaseTable, now: Instant) -> Option<(String, usize)> {
        let asked = sharing.asks(table, 0, now);
        asked.map(|(holder, count)| (holder.server, count))
    }

    fn none() -> BTreeSet<ShardCode> {
        BTreeSet::new()
    }

    #[test]
    fn a_newcomer_asks_the_richest_for_its_share_and_not_too_often() {
        let (mut sharing, now) = (Sharing::new("new", LASTS), Instant::now());
        let table = table(&["a", "b", "b", "b", "b", "a"]);
        assert_eq!(
            asked(&mut sharing, &table, now),
            Some(("b".to_owned(), 2)),
            "two of six among three"
        );
        assert_eq!(asked(&mut sharing, &table, now), None);
        assert!(asked(&mut sharing, &table, now + ASK_EVERY).is_some());
        assert_eq!(sharing.asks(&table, 2, now + 2 * ASK_EVERY), None);
    }

    #[test]
    fn what_is_free_is_taken_and_what_others_have_is_not() {
        let (mut sharing, now) = (Sharing::new("a", LASTS), Instant::now());
        let table = table(&["a", "b", "", "a"]);
        let here = BTreeSet::from([code(0)]);
        assert_eq!(sharing.share(&table), 2);
        // The last one is its own in the table only: its engine ended, or the answer was lost.
        assert_eq!(sharing.takes(&table, &here, now), [code(2), code(3)]);
    }

    #[test]
    fn a_server_whose_clock_differs_neither_takes_nor_asks() {
        let (mut sharing, now) = (Sharing::new("new", LASTS), Instant::now());
        assert!(sharing.found_clock(true));
        assert!(!sharing.found_clock(true), "no news");
        let held = table(&["a", "a", "a", "a"]);
        assert_eq!(asked(&mut sharing, &held, now), None);
        assert!(
            sharing
                .takes(&table(&["", "", "a", "a"]), &none(), now)
                .is_empty()
        );
        assert!(sharing.found_clock(false));
        assert_eq!(asked(&mut sharing, &held, now), Some(("a".to_owned(), 2)));
    }

    #[test]
    fn after_failed_openings_a_server_asks_for_one_shard_after_a_pause_that_grows() {
        let mut sharing = Sharing::new("new", LASTS);
        let mut now = Instant::now();
        let held = table(&["a", "a", "a", "a"]);
        assert_eq!(asked(&mut sharing, &held, now), Some(("a".to_owned(), 2)));
        let mut pauses = Vec::new();
        for _ in 0..7 {
            sharing.opening_failed(code(3), now);
            let begun = now;
            while asked(&mut sharing, &held, now).is_none() {
                now += Duration::from_secs(1);
            }
            pauses.push((now - begun).as_secs());
            assert!(sharing.takes(&held, &none(), now).is_empty());
        }
        assert_eq!(pauses, [3, 6, 12, 24, 48, 60, 60]);
        now += ASK_EVERY;
        assert_eq!(asked(&mut sharing, &held, now), Some(("a".to_owned(), 1)));
        sharing.opened(code(3));
        now += ASK_EVERY;
        assert_eq!(asked(&mut sharing, &held, now), Some(("a".to_owned(), 2)));
    }

    #[test]
    fn a_shard_that_failed_here_is_left_to_others_longer_than_to_nobody() {
        let (mut sharing, now) = (Sharing::new("a", LASTS), Instant::now());
        for _ in 0..4 {
            sharing.opening_failed(code(1), now);
        }
        let later = now + LASTS;
        let free = |sharing: &mut Sharing, table: &LeaseTable, now| {
            let free = sharing.takes(table, &none(), now);
            free.contains(&code(1))
        };
        assert!(!free(&mut sharing, &table(&["b", ""]), later));
        assert!(free(&mut sharing, &table(&["", ""]), later));
        assert!(free(&mut sharing, &table(&["b", ""]), now + PAUSE_MAX));
    }

    #[test]
    fn the_last_shards_above_the_share_are_given_up_and_left_to_others_for_a_while() {
        let (mut sharing, now) = (Sharing::new("a", LASTS), Instant::now());
        let open: Vec<(ShardCode, u64)> = (0..4).map(|number| (code(number), 1)).collect();
        let request = |count| YieldRequest {
            server: "new".into(),
            count,
        };
        let held = table(&["a", "a", "a", "a"]);
        let given = sharing.gives_up(&held, &open, &request(9), now);
        assert_eq!(given, [code(3), code(2)]);
        let mut free = table(&["a", "a", "", ""]);
        let here = BTreeSet::from([code(0), code(1)]);
        assert!(sharing.takes(&free, &here, now).is_empty());
        // Somebody has had it meanwhile and gave it back: it waits for nobody any more.
        free.shards.last_mut().unwrap().epoch = 2;
        assert_eq!(sharing.takes(&free, &here, now), [code(3)]);
        let later = now + LEFT_TO_OTHERS;
        assert_eq!(sharing.takes(&free, &here, later), [code(2), code(3)]);
    }
}
