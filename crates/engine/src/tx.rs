//! What a command function sees: reads, writes, postings, effects, timers.

use crate::application::{Interrupt, Need, PostStop};
use crate::effect::{EffectPolicy, EffectRecord, EffectState};
use crate::ids::{IdSource, ShardCode};
use crate::record::{AnyRecord, Indexes, Record, RecordKey};
use crate::state::State;
use crate::state::overlay::Replaced;
use crate::state::records::{Slot, Stored};
use crate::state::transfer_ids::IdState;
use crate::store::Scan;
use crate::timer::TimerRecord;
use calendar::BusinessDate;
use jiff::Timestamp;
use ledger::{
    AccountId, AccountState, Accounts, HoldId, HoldState, LedgerError, Lookup, NewAccount,
    PostError, Posting, RowContext, Side, StepError, Transfer, TransferId,
};
use money::Money;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Rows a single command may change; longer work continues in another command.
pub const ROWS_PER_COMMAND_MAX: usize = 10_000;

/// Whether a posting was made now or had been made before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posted {
    /// Posted by this command.
    New,
    /// The same transfers under the same ids were posted before.
    Already,
}

/// What has to be undone when a command does not go through.
#[derive(Default)]
pub(crate) struct Undo {
    pub records: Vec<(RecordKey, Option<Slot>)>,
    pub overlay: Vec<Replaced>,
    pub accounts: Vec<(AccountId, Option<AccountState>)>,
    pub transfers: Vec<(TransferId, Option<u64>)>,
}

/// The transaction of one command.
pub struct Tx<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) undo: &'a mut Undo,
    pub(crate) ids: IdSource,
    pub(crate) now: Timestamp,
    pub(crate) emitted: Vec<String>,
    pub(crate) settled: Vec<String>,
    pub(crate) rows_changed: usize,
}

/// Name of an account, unique in its shard.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AccountName {
    name: String,
    account: AccountId,
}

impl Record for AccountName {
    const KIND: &'static str = "account_name";
    fn key(&self) -> &str {
        &self.name
    }
}

/// A hold kept by the engine.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct HoldRecord {
    id: String,
    #[serde(flatten)]
    hold: HoldState,
}

impl Record for HoldRecord {
    const KIND: &'static str = "hold";
    fn key(&self) -> &str {
        &self.id
    }
}

impl Tx<'_> {
    /// The command's time: never before that of an earlier command.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Business date (会计日) of everything posted now.
    pub fn business_date(&self) -> BusinessDate {
        self.state.head.business_date
    }

    /// Moves the business date; earlier dates are closed for ever.
    pub fn turn_day(&mut self, date: BusinessDate) -> Result<(), Interrupt> {
        if date <= self.state.head.business_date {
            return Err(Interrupt::Broken(format!(
                "business date {} cannot turn to {date}",
                self.state.head.business_date
            )));
        }
        self.state.head.business_date = date;
        Ok(())
    }

    /// The shard.
    pub fn shard(&self) -> ShardCode {
        self.state.shard
    }

    /// A new id: `prefix_`, shard code, time-ordered part.
    pub fn new_id(&mut self, prefix: &str) -> String {
        self.ids.id(prefix)
    }

    /// A new channel reference: shard code and 26 alphanumerics.
    pub fn new_reference(&mut self) -> String {
        self.ids.reference()
    }

    /// A new transfer id.
    pub fn new_transfer_id(&mut self) -> TransferId {
        self.ids.transfer()
    }

    /// A record, or `None` where there is none.
    pub fn get<R: Record>(&mut self, key: &str) -> Result<Option<Arc<R>>, Interrupt> {
        let mut found = self.state.records.get::<R>(key);
        if found.is_none() {
            self.load_missing(&[RecordKey::of::<R>(key)])?;
            found = self.state.records.get::<R>(key);
        }
        match found {
            Some(Ok(record)) => Ok(record),
            Some(Err(problem)) => Err(Interrupt::Broken(problem)),
            None => Err(Interrupt::Load(Need::Record(RecordKey::of::<R>(key)))),
        }
    }

    /// A record that must exist: another record refers to it.
    pub fn expect<R: Record>(&mut self, key: &str) -> Result<Arc<R>, Interrupt> {
        self.get::<R>(key)?
            .ok_or_else(|| Interrupt::Broken(format!("{} {key} is gone", R::KIND)))
    }

    /// Writes a record under its key.
    pub fn put<R: Record>(&mut self, record: R) -> Result<(), Interrupt> {
        let key = RecordKey::of::<R>(record.key());
        // The stored version must be in memory: its index entries are replaced.
        let old = self.get::<R>(&key.key)?;
        let record: Arc<dyn AnyRecord> = Arc::new(record);
        let new_indexes = record.index_entries();
        self.change(
            key,
            old.map(|old| (old as Arc<dyn AnyRecord>).index_entries()),
            new_indexes,
            Stored::Typed(record),
        )
    }

    /// Removes a record; nothing happens where there is none.
    pub fn delete<R: Record>(&mut self, key: &str) -> Result<(), Interrupt> {
        let Some(old) = self.get::<R>(key)? else {
            return Ok(());
        };
        let old = (old as Arc<dyn AnyRecord>).index_entries();
        self.change(
            RecordKey::of::<R>(key),
            Some(old),
            Indexes::default(),
            Stored::Absent,
        )
    }

    fn change(
        &mut self,
        key: RecordKey,
        old: Option<Indexes>,
        new: Indexes,
        value: Stored,
    ) -> Result<(), Interrupt> {
        self.count_row()?;
        let batch = self.state.head.batch_seq + 1;
        let old = old.unwrap_or_default();
        self.state
            .overlay
            .change(&key, &old, &new, batch, &mut self.undo.overlay);
        let previous = self.state.records.set(&key, value, batch);
        if previous
            .as_ref()
            .is_none_or(|slot| slot.changed_in != batch)
        {
            self.state.batch.changed.push(key.clone());
        }
        self.undo.records.push((key, previous));
        Ok(())
    }

    fn count_row(&mut self) -> Result<(), Interrupt> {
        self.rows_changed += 1;
        if self.rows_changed > ROWS_PER_COMMAND_MAX {
            return Err(Interrupt::Broken(format!(
                "the command changes more than {ROWS_PER_COMMAND_MAX} rows; it must continue in another"
            )));
        }
        Ok(())
    }

    /// Records of an index with values from `from` (inclusive) to `to` (exclusive), in value order,
    /// changes of this and earlier commands included; `limit` is at most 1,000.
    pub fn scan<R: Record>(
        &mut self,
        index: &'static str,
        from: &str,
        to: &str,
        limit: usize,
    ) -> Result<Vec<Arc<R>>, Interrupt> {
        let limit = limit.min(1_000);
        let overlaid: Vec<(String, Arc<str>, bool)> = self
            .state
            .overlay
            .range(R::KIND, index, from, to)
            .map(|(entry, present)| (entry.value.clone(), entry.key.clone(), present))
            .collect();
        let removed = overlaid.iter().filter(|(_, _, present)| !present).count();
        let scan = Scan {
            kind: R::KIND.to_owned(),
            index: index.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
            after: None,
            descending: false,
            limit: limit + removed,
        };
        let stored = self
            .state
            .reader
            .scan(&scan)
            .map_err(|error| self.state.cannot_read(error))?;
        let mut keys: std::collections::BTreeSet<(String, String)> = stored.into_iter().collect();
        for (value, key, present) in overlaid {
            let entry = (value, key.to_string());
            if present {
                keys.insert(entry);
            } else {
                keys.remove(&entry);
            }
        }
        let keys: Vec<RecordKey> = keys
            .into_iter()
            .take(limit)
            .map(|(_, key)| RecordKey::of::<R>(&key))
            .collect();
        self.load_missing(&keys)?;
        keys.iter().map(|key| self.expect::<R>(&key.key)).collect()
    }

    /// Loads what is not in memory in one query, where the command stands: interrupting it for each
    /// row would run it as often as it reads rows.
    fn load_missing(&mut self, keys: &[RecordKey]) -> Result<(), Interrupt> {
        let missing: Vec<RecordKey> = keys
            .iter()
            .filter(|key| !self.state.records.contains(key))
            .cloned()
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let bodies = self
            .state
            .reader
            .records(&missing)
            .map_err(|error| self.state.cannot_read(error))?;
        for (key, body) in missing.into_iter().zip(bodies) {
            self.state.records.load(key, body);
        }
        Ok(())
    }

    /// Opens an account; its name must be new in the shard.
    pub fn open_account(
        &mut self,
        new: &NewAccount,
    ) -> Result<Result<AccountId, NameTaken>, Interrupt> {
        if let Some(existing) = self.account_named(&new.name)? {
            return Ok(Err(NameTaken { existing }));
        }
        let id = AccountId(self.state.head.last_account + 1);
        self.put(AccountName {
            name: new.name.clone(),
            account: id,
        })?;
        self.count_row()?;
        self.state.head.last_account = id.0;
        self.state.batch.opened.push((id, new.clone()));
        self.step(|accounts, context| {
            ledger::open_account(accounts, context, id, new);
            Ok(())
        })
        .map_err(refused_is_broken)?;
        Ok(Ok(id))
    }

    /// Number of a named account.
    pub fn account_named(&mut self, name: &str) -> Result<Option<AccountId>, Interrupt> {
        Ok(self.get::<AccountName>(name)?.map(|record| record.account))
    }

    /// State of an account.
    pub fn account(&mut self, id: AccountId) -> Result<Option<AccountState>, Interrupt> {
        self.state
            .accounts
            .get(id)
            .ok_or(Interrupt::Load(Need::Account(id)))
    }

    /// Closes an empty account.
    pub fn close_account(&mut self, id: AccountId) -> Result<(), PostStop> {
        self.step(|accounts, context| ledger::close_account(accounts, context, id))
    }

    /// Posts transfers, all or none. The same posting under the same ids is [`Posted::Already`].
    pub fn post(
        &mut self,
        transfers: &[Transfer],
        reference: Option<&str>,
    ) -> Result<Posted, PostStop> {
        self.load_for(transfers)?;
        if self.posted_before(transfers, 0)? {
            return Ok(Posted::Already);
        }
        let reference: Option<Arc<str>> = reference.map(Arc::from);
        self.rows_changed += transfers.len().saturating_sub(1);
        self.count_row()?;
        self.state
            .accounts_step(self.undo, |accounts, context| {
                ledger::post(
                    accounts,
                    context,
                    Posting {
                        transfers,
                        reference: reference.as_ref(),
                    },
                )
            })
            .map_err(|(index, error)| post_stop(index, error))?;
        self.remember(transfers);
        Ok(Posted::New)
    }

    /// Loads what is not in memory of a posting, in two queries at most.
    fn load_for(&mut self, transfers: &[Transfer]) -> Result<(), Interrupt> {
        let state = &mut *self.state;
        let ids: Vec<TransferId> = transfers
            .iter()
            .map(|transfer| transfer.id)
            .filter(|id| state.transfers.must_ask(*id))
            .collect();
        if !ids.is_empty() {
            let seqs = state.reader.transfer_seqs(&ids);
            let seqs = seqs.map_err(|error| state.cannot_read(error))?;
            for (id, seq) in ids.into_iter().zip(seqs) {
                state.transfers.load(id, seq);
            }
        }
        let mut accounts: Vec<AccountId> = transfers
            .iter()
            .flat_map(|transfer| [transfer.debit, transfer.credit])
            .filter(|id| !state.accounts.contains(*id))
            .collect();
        if !accounts.is_empty() {
            accounts.sort_unstable();
            accounts.dedup();
            let found = state.reader.accounts(&accounts);
            let found = found.map_err(|error| state.cannot_read(error))?;
            for (id, account) in accounts.into_iter().zip(found) {
                state.accounts.load(id, account);
            }
        }
        Ok(())
    }

    fn remember(&mut self, transfers: &[Transfer]) {
        let first = self.state.head.ledger_seq + 1 - transfers.len() as u64;
        for (transfer, seq) in transfers.iter().zip(first..) {
            self.remember_id(transfer.id, seq);
        }
        self.state.head.transfers += transfers.len() as u64;
    }

    fn remember_id(&mut self, id: TransferId, seq: u64) {
        let old = self.state.transfers.insert(id, seq);
        self.undo.transfers.push((id, old));
        self.state.head.greatest_id = self.state.head.greatest_id.max(id.0);
    }

    /// Whether these very transfers are in the books already, out of the same hold (0: of none); a
    /// differing repeat, or one of parts of several postings, is an error.
    fn posted_before(&mut self, transfers: &[Transfer], hold: u128) -> Result<bool, PostStop> {
        let mut used = 0;
        let mut first = 0;
        for (index, transfer) in transfers.iter().enumerate() {
            match self.state.transfers.state(transfer.id) {
                IdState::New => {
                    // Within one posting an id may stand once.
                    if used > 0 {
                        return Err(reused(index, "posting"));
                    }
                }
                IdState::AskStore => {
                    return Err(Interrupt::Load(Need::Transfer(transfer.id)).into());
                }
                IdState::Used(seq) => {
                    if used != index {
                        return Err(reused(index, "posting"));
                    }
                    let row = self.state.row(seq)?;
                    if let Some(field) = differs(&row, transfer, hold) {
                        return Err(reused(index, field));
                    }
                    // A posting's rows follow one another.
                    if index == 0 {
                        first = seq;
                    } else if seq != first + index as u64 {
                        return Err(reused(index, "posting"));
                    }
                    used += 1;
                }
            }
        }
        if used == 0 && transfers.len() > 1 {
            let mut seen: Vec<u128> = transfers.iter().map(|transfer| transfer.id.0).collect();
            seen.sort_unstable();
            if seen.windows(2).any(|pair| pair.first() == pair.last()) {
                return Err(reused(0, "posting"));
            }
        }
        Ok(used > 0)
    }

    /// Reserves an amount on one side of an account and returns the hold's id.
    pub fn hold(
        &mut self,
        account: AccountId,
        side: Side,
        amount: Money,
        reference: Option<&str>,
    ) -> Result<String, PostStop> {
        let value = self.ids.transfer().0;
        let id = crate::ids::id_text(value);
        let reference: Option<Arc<str>> = reference.map(Arc::from);
        self.count_row()?;
        let hold = self.step(|accounts, context| {
            ledger::place_hold(
                accounts,
                context,
                HoldId(value),
                account,
                side,
                amount,
                reference.as_ref(),
            )
        })?;
        // Transfers and holds share one space of ids.
        self.remember_id(TransferId(value), self.state.head.ledger_seq);
        self.put(HoldRecord {
            id: id.clone(),
            hold,
        })?;
        Ok(id)
    }

    /// What is left of a hold.
    pub fn hold_state(&mut self, id: &str) -> Result<Option<HoldState>, Interrupt> {
        Ok(self
            .get::<HoldRecord>(id)?
            .map(|record| record.hold.clone()))
    }

    /// Posts a transfer out of a hold, whole or in part.
    pub fn capture(
        &mut self,
        hold: &str,
        transfer: &Transfer,
        reference: Option<&str>,
    ) -> Result<Posted, PostStop> {
        let id = hold_number(hold)?;
        if self.posted_before(std::slice::from_ref(transfer), id.0)? {
            return Ok(Posted::Already);
        }
        let mut record = (*self.expect::<HoldRecord>(hold)?).clone();
        let reference: Option<Arc<str>> = reference.map(Arc::from);
        self.count_row()?;
        self.step(|accounts, context| {
            ledger::capture_hold(
                accounts,
                context,
                id,
                &mut record.hold,
                transfer,
                reference.as_ref(),
            )
        })?;
        self.remember(std::slice::from_ref(transfer));
        self.put(record)?;
        Ok(Posted::New)
    }

    /// Gives up what is left of a hold and says how much that was.
    pub fn release(&mut self, hold: &str, reference: Option<&str>) -> Result<i64, PostStop> {
        let mut record = (*self.expect::<HoldRecord>(hold)?).clone();
        let id = hold_number(hold)?;
        let reference: Option<Arc<str>> = reference.map(Arc::from);
        self.count_row()?;
        let rest = self.step(|accounts, context| {
            ledger::release_hold(accounts, context, id, &mut record.hold, reference.as_ref())
        })?;
        self.put(record)?;
        Ok(rest)
    }

    fn step<T>(
        &mut self,
        step: impl FnOnce(&mut AccountsView<'_>, &mut RowContext<'_>) -> Result<T, StepError<Need>>,
    ) -> Result<T, PostStop> {
        self.state
            .accounts_step(self.undo, step)
            .map_err(|error| post_stop(0, error))
    }

    /// Records what has to happen outside; performed after the batch is durable. Returns its id.
    pub fn emit(
        &mut self,
        effect: &impl Serialize,
        policy: EffectPolicy,
    ) -> Result<String, Interrupt> {
        self.emit_at(effect, policy, self.now)
    }

    /// As [`Tx::emit`], not before a time.
    pub fn emit_at(
        &mut self,
        effect: &impl Serialize,
        policy: EffectPolicy,
        not_before: Timestamp,
    ) -> Result<String, Interrupt> {
        let id = self.new_id("eff");
        let body =
            serde_json::to_value(effect).map_err(|error| Interrupt::Broken(error.to_string()))?;
        self.put_new(EffectRecord {
            id: id.clone(),
            body,
            policy,
            state: EffectState::Ready,
            attempts: 0,
            created_at: self.now,
            next_at: not_before,
            sent_at: None,
            arrived: false,
            last_problem: None,
        })?;
        self.emitted.push(id.clone());
        Ok(id)
    }

    /// Writes a record whose key was issued by this command, so that no load is needed.
    pub fn put_new<R: Record>(&mut self, record: R) -> Result<(), Interrupt> {
        let key = RecordKey::of::<R>(record.key());
        if self.state.records.contains(&key) {
            return self.put(record);
        }
        let record: Arc<dyn AnyRecord> = Arc::new(record);
        let indexes = record.index_entries();
        self.change(key, None, indexes, Stored::Typed(record))
    }

    /// Submits a command later. Setting a key again moves its timer.
    pub fn schedule(
        &mut self,
        due: Timestamp,
        key: &str,
        command: &impl Serialize,
    ) -> Result<(), Interrupt> {
        let command =
            serde_json::to_value(command).map_err(|error| Interrupt::Broken(error.to_string()))?;
        self.put(TimerRecord {
            key: key.to_owned(),
            due,
            command,
        })
    }

    /// Forgets a timer.
    pub fn cancel(&mut self, key: &str) -> Result<(), Interrupt> {
        self.delete::<TimerRecord>(key)
    }

    /// An effect as it stands.
    pub fn effect(&mut self, id: &str) -> Result<Option<Arc<EffectRecord>>, Interrupt> {
        self.get::<EffectRecord>(id)
    }

    /// Ends an effect whose outcome became known by another way (a notification, a bill line, a
    /// person): nothing is attempted any more.
    pub fn settle_effect(&mut self, id: &str) -> Result<(), Interrupt> {
        if let Some(record) = self.get::<EffectRecord>(id)?
            && record.state != EffectState::Done
        {
            let mut record = (*record).clone();
            record.state = EffectState::Done;
            self.put(record)?;
            self.settled.push(id.to_owned());
        }
        Ok(())
    }
}

/// The name belongs to an account already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameTaken {
    /// That account.
    pub existing: AccountId,
}

fn hold_number(id: &str) -> Result<HoldId, Interrupt> {
    crate::ids::parse_id_text(id)
        .map(HoldId)
        .ok_or_else(|| Interrupt::Broken(format!("{id} is no hold id")))
}

fn reused(index: usize, field: &'static str) -> PostStop {
    PostStop::Refused(PostError {
        index,
        error: LedgerError::IdReused { field },
    })
}

fn differs(row: &ledger::Row, transfer: &Transfer, hold: u128) -> Option<&'static str> {
    if row.hold != hold {
        Some("hold")
    } else if row.debit.account != transfer.debit.0 {
        Some("debit account")
    } else if row.credit.account != transfer.credit.0 {
        Some("credit account")
    } else if row.amount != transfer.amount.amount() {
        Some("amount")
    } else if row.code != transfer.code {
        Some("code")
    } else {
        None
    }
}

fn post_stop(index: usize, error: StepError<Need>) -> PostStop {
    match PostError::from_step(index, error) {
        Ok(error) => PostStop::Refused(error),
        Err(need) => PostStop::Interrupted(Interrupt::Load(need)),
    }
}

fn refused_is_broken(stop: PostStop) -> Interrupt {
    match stop {
        PostStop::Refused(error) => Interrupt::Broken(error.to_string()),
        PostStop::Interrupted(interrupt) => interrupt,
    }
}

/// The ledger's view of the accounts, remembering what it replaces.
pub(crate) struct AccountsView<'a> {
    accounts: &'a mut crate::state::accounts::AccountCache,
    undo: &'a mut Vec<(AccountId, Option<AccountState>)>,
}

impl Accounts for AccountsView<'_> {
    type Miss = Need;

    fn state(&mut self, id: AccountId) -> Result<AccountState, Lookup<Need>> {
        match self.accounts.get(id) {
            Some(Some(state)) => Ok(state),
            Some(None) => Err(Lookup::Absent),
            None => Err(Lookup::Missing(Need::Account(id))),
        }
    }

    fn set(&mut self, id: AccountId, state: AccountState) {
        let old = self.accounts.set(id, Some(state));
        self.undo.push((id, old));
    }
}

impl State {
    fn accounts_step<T, E>(
        &mut self,
        undo: &mut Undo,
        step: impl FnOnce(&mut AccountsView<'_>, &mut RowContext<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mark = (
            undo.accounts.len(),
            self.batch.rows.len(),
            self.head.ledger_seq,
        );
        let mut view = AccountsView {
            accounts: &mut self.accounts,
            undo: &mut undo.accounts,
        };
        let mut context = RowContext {
            seq: &mut self.head.ledger_seq,
            date: self.head.business_date,
            rows: &mut self.batch.rows,
        };
        let result = step(&mut view, &mut context);
        if result.is_err() {
            // A function may go on after a refused posting (a fact goes to suspense): nothing of the
            // posting may stay.
            for (id, old) in undo.accounts.drain(mark.0..).rev() {
                self.accounts.set(id, old);
            }
            self.batch.rows.truncate(mark.1);
            self.head.ledger_seq = mark.2;
        }
        result
    }
}
