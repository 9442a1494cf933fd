//! What the outbox remembers: permissions to send, by lane and by time, and what is under way.

use super::Lane;
use crate::effect::{EffectRecord, Repeat};
use jiff::Timestamp;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// Effects of one lane that are under way or wait for a slot; the others stay in the list.
const LANE_MAX: usize = 1_000;

/// Effects of all lanes above which a lane gets one at a time, so that memory is bounded whatever the
/// number of lanes that stand still.
const IN_FLIGHT_MAX: usize = 10_000;

type LaneName = Cow<'static, str>;

#[derive(Default)]
pub(super) struct Known {
    /// Effects this process may send without asking; kept until the attempt begins.
    fresh: HashMap<String, Permission>,
    /// Those of them that are not under way, by lane and in the order in which they are due: whoever looks for one to
    /// take up passes over a full lane at once, however much waits there.
    waiting: HashMap<LaneName, BTreeSet<(Timestamp, String)>>,
    in_flight: HashSet<String>,
    /// Those under way that were settled or withdrawn since they were taken up.
    overtaken: HashSet<String>,
    /// Lanes with something in flight.
    lanes: HashMap<LaneName, OpenLane>,
    /// Where the next look at the list of due effects begins; `None` at its head.
    pub after: Option<(String, String)>,
}

struct Permission {
    record: Arc<EffectRecord>,
    lane: LaneName,
}

struct OpenLane {
    slots: Arc<Semaphore>,
    in_flight: usize,
}

/// An effect taken up, until its attempt ends however it ends, a panic of the performer included.
pub(super) struct InFlight<E> {
    known: Arc<Mutex<Known>>,
    pub record: Arc<EffectRecord>,
    pub effect: Result<E, serde_json::Error>,
    lane: LaneName,
    pub slots: Arc<Semaphore>,
}

/// How many effects of a lane may be taken up.
#[derive(Debug, Clone, Copy)]
pub(super) enum Take {
    /// As the bounds say.
    Bounded,
    /// All.
    All,
}

impl Known {
    /// Notes that an effect may be sent without asking.
    pub fn permit(&mut self, record: Arc<EffectRecord>, lane: &Lane, now: Timestamp) {
        self.revoke(&record.id);
        // One that needs no permission is not kept for a lane that is full of what is under way and what waits to be,
        // nor before its time, when it would take the place of others: the list of due effects is memory enough.
        if record.policy.repeat == Repeat::Always {
            if record.next_at > now {
                return;
            }
            let waiting = self.waiting.get(&lane.name).map_or(0, BTreeSet::len);
            if self.room(&lane.name, Take::Bounded) <= waiting {
                return;
            }
        }
        let (id, lane) = (record.id.clone(), lane.name.clone());
        self.fresh.insert(id.clone(), Permission { record, lane });
        self.wait(&id);
    }

    /// Takes a permission back, or uses it up.
    pub fn revoke(&mut self, id: &str) -> Option<Arc<EffectRecord>> {
        let permission = self.fresh.remove(id)?;
        self.forget(&permission.lane, permission.record.next_at, id);
        Some(permission.record)
    }

    /// Takes a permission back because the effect was settled or withdrawn. One that is under way and still waits for
    /// its slot goes by what was decided, too.
    pub fn overtake(&mut self, id: &str) {
        self.revoke(id);
        if self.in_flight.contains(id) {
            self.overtaken.insert(id.to_owned());
        }
    }

    pub fn is_overtaken(&self, id: &str) -> bool {
        self.overtaken.contains(id)
    }

    pub fn may_send(&self, id: &str) -> bool {
        self.fresh.contains_key(id)
    }

    pub fn is_in_flight(&self, id: &str) -> bool {
        self.in_flight.contains(id)
    }

    /// Effects with a permission that are due and for which there is room now.
    pub fn due(&self, now: Timestamp, take: Take) -> Vec<Arc<EffectRecord>> {
        let mut due = Vec::new();
        for (lane, waiting) in &self.waiting {
            let ready = waiting.iter().take_while(|(at, _)| *at <= now);
            let records = ready.filter_map(|(_, id)| Some(self.fresh.get(id)?.record.clone()));
            due.extend(records.take(self.room(lane, take)));
        }
        due
    }

    /// How many more effects a lane takes up.
    pub fn room(&self, lane: &LaneName, take: Take) -> usize {
        let most = match take {
            Take::All => return usize::MAX,
            Take::Bounded if self.in_flight.len() >= IN_FLIGHT_MAX => 1,
            Take::Bounded => LANE_MAX,
        };
        most.saturating_sub(self.lanes.get(lane).map_or(0, |open| open.in_flight))
    }

    /// Puts an effect under way, with so many slots if its lane is not open yet.
    fn begin(&mut self, record: &EffectRecord, lane: &LaneName, parallel: usize) -> Arc<Semaphore> {
        self.in_flight.insert(record.id.clone());
        if let Some(permission) = self.fresh.get(&record.id) {
            let (lane, at) = (permission.lane.clone(), permission.record.next_at);
            self.forget(&lane, at, &record.id);
        }
        let open = self.lanes.entry(lane.clone());
        let open = open.or_insert_with(|| OpenLane {
            slots: Arc::new(Semaphore::new(parallel)),
            in_flight: 0,
        });
        open.in_flight += 1;
        open.slots.clone()
    }

    /// An attempt has ended. A permission that it did not use, or that came meanwhile, is looked at again.
    fn end(&mut self, id: &str, lane: &LaneName) {
        self.in_flight.remove(id);
        self.overtaken.remove(id);
        self.wait(id);
        if let Some(open) = self.lanes.get_mut(lane) {
            open.in_flight = open.in_flight.saturating_sub(1);
            if open.in_flight == 0 {
                self.lanes.remove(lane);
            }
        }
    }

    fn wait(&mut self, id: &str) {
        if let Some(Permission { record, lane }) = self.fresh.get(id)
            && !self.in_flight.contains(id)
        {
            let waiting = self.waiting.entry(lane.clone()).or_default();
            waiting.insert((record.next_at, id.to_owned()));
        }
    }

    fn forget(&mut self, lane: &LaneName, at: Timestamp, id: &str) {
        if let Some(waiting) = self.waiting.get_mut(lane) {
            waiting.remove(&(at, id.to_owned()));
            if waiting.is_empty() {
                self.waiting.remove(lane);
            }
        }
    }
}

/// Takes up an effect, if it is not under way already and its lane has room.
pub(super) fn take_up<E>(
    shared: &Arc<Mutex<Known>>,
    record: Arc<EffectRecord>,
    effect: Result<E, serde_json::Error>,
    lane: Lane,
    parallel: usize,
    take: Take,
) -> Option<InFlight<E>> {
    let mut known = shared.lock().unwrap_or_else(PoisonError::into_inner);
    if known.is_in_flight(&record.id) || known.room(&lane.name, take) == 0 {
        return None;
    }
    let slots = known.begin(&record, &lane.name, parallel);
    Some(InFlight {
        known: shared.clone(),
        record,
        effect,
        lane: lane.name,
        slots,
    })
}

impl<E> Drop for InFlight<E> {
    fn drop(&mut self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.end(&self.record.id, &self.lane);
    }
}

#[cfg(test)]
mod tests {
    use super::{Known, LANE_MAX, Lane, Take, take_up};
    use crate::effect::{EffectPolicy, EffectRecord, EffectState, Repeat};
    use jiff::Timestamp;
    use std::sync::{Arc, Mutex, PoisonError};

    fn record(id: String) -> Arc<EffectRecord> {
        Arc::new(EffectRecord {
            id,
            body: serde_json::Value::Null,
            policy: EffectPolicy {
                repeat: Repeat::Always,
                pause_seconds: 1,
                pause_seconds_max: 1,
                attempts_max: None,
            },
            jitter_percent: 0,
            state: EffectState::Ready,
            attempts: 0,
            created_at: Timestamp::UNIX_EPOCH,
            next_at: Timestamp::UNIX_EPOCH,
            sent_at: None,
            arrived: false,
            withdrawn_at: None,
            last_problem: None,
        })
    }

    /// All of them were kept: what waited was not counted.
    #[test]
    fn no_more_is_kept_for_a_lane_than_it_may_take_up() {
        let shared = Arc::new(Mutex::new(Known::default()));
        let lane = Lane::named("slow");
        let under_way: Vec<_> = (1..LANE_MAX)
            .filter_map(|number| {
                let record = record(format!("under way {number}"));
                take_up(&shared, record, Ok(()), lane.clone(), 1, Take::Bounded)
            })
            .collect();
        assert_eq!(under_way.len(), LANE_MAX - 1);
        let mut known = shared.lock().unwrap_or_else(PoisonError::into_inner);
        for number in 0..5_000 {
            known.permit(record(number.to_string()), &lane, Timestamp::UNIX_EPOCH);
        }
        assert_eq!(known.fresh.len(), 1);
        // Another lane has room of its own.
        for number in 5_000..10_000 {
            let other = Lane::named("other");
            known.permit(record(number.to_string()), &other, Timestamp::UNIX_EPOCH);
        }
        assert_eq!(known.fresh.len(), 1 + LANE_MAX);
        // What is due later takes no place of what is due now.
        let (third, before) = (Lane::named("third"), Timestamp::MIN);
        known.permit(record("later".to_owned()), &third, before);
        assert!(!known.may_send("later"));
        drop(known);
    }
}
