//! Running one task: as often as loads interrupt it, undone whenever it does not go through.

use crate::actor::{Actor, Proposal, ProposalStatus};
use crate::application::{
    Application, Denial, Envelope, Idempotency, Interrupt, Stop, Verdict, Work,
};
use crate::batch::{JournalRow, SealedSecret};
use crate::effect::{AttemptMode, EffectNews, EffectRecord, EffectReport, EffectState};
use crate::idempotency::{self, IdempotencyRecord};
use crate::ids::IdSource;
use crate::shard::Shard;
use crate::state::undo::Undo;
use crate::store::StoreError;
use crate::task::{Admission, Ran, SetAside, Task};
use crate::timer::TimerRecord;
use crate::tx::{Tx, caught};
use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;

/// Times a command may be interrupted for a load before it counts as broken.
const LOADS_MAX: usize = 20_000;

/// Idempotency records deleted by one housekeeping step.
pub(crate) const EXPIRED_PER_STEP: usize = 500;

/// Until an effect whose report broke is asked after again.
const EFFECT_PAUSE: SignedDuration = SignedDuration::from_mins(5);

type Result2<App> = Result<
    Verdict<<App as Application>::Reply, <App as Application>::Rejection>,
    Stop<<App as Application>::Rejection>,
>;

type RanOf<App> = Ran<<App as Application>::Reply, <App as Application>::Rejection>;

/// How a command failed that is set aside.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Failed {
    /// What broke it can be mended: a damaged row is restored, a release with a defect replaced.
    Broken,
    /// It answered, and the answer would be the same again.
    Refused,
}

/// A command that ran, not yet taken into the batch.
struct Attempt<App: Application> {
    result: Result2<App>,
    undo: Undo,
    emitted: Vec<String>,
    settled: Vec<String>,
    ids: IdSource,
}

impl<App: Application> Shard<App> {
    pub(crate) fn run_one(
        &mut self,
        task: &Task<App::Command, App::Answer>,
        admission: Admission,
    ) -> Result<RanOf<App>, StoreError> {
        let admission = Admission {
            now: admission.now.max(self.state.head.now),
            ..admission
        };
        match self.replay(task) {
            Ok(Some(replay)) => return Ok(replay),
            Ok(None) => {}
            Err(error @ StoreError::Damaged { .. }) => {
                return self.broken(task, admission, error.to_string());
            }
            Err(error) => return Err(error),
        }
        let mark = self.state.mark(&Undo::default());
        for _ in 0..LOADS_MAX {
            let mut attempt = self.attempt(task, admission);
            if let Some(error) = self.state.failed_read.take() {
                return Err(error);
            }
            match attempt.result {
                Ok(verdict) => match self.seal_secrets(task, &verdict, &mut attempt.ids) {
                    Ok(secrets) => {
                        self.keep(attempt.undo);
                        self.waiting.fresh.extend(attempt.emitted);
                        self.waiting.settled.extend(attempt.settled);
                        let sealed = secrets.iter().map(|secret| secret.cipher_text.len());
                        self.state.batch.bytes += sealed.sum::<usize>();
                        self.state.batch.secrets.extend(secrets);
                        return self.finish(task, admission, verdict);
                    }
                    Err(reason) => {
                        self.state.undo_to(&mark, &mut attempt.undo);
                        return self.broken(task, admission, reason);
                    }
                },
                Err(Stop::Refused(rejection)) => {
                    self.state.undo_to(&mark, &mut attempt.undo);
                    return self.refused(task, admission, rejection);
                }
                Err(Stop::Interrupted(interrupt)) => {
                    self.state.undo_to(&mark, &mut attempt.undo);
                    if let Some(reason) = self.interrupted(interrupt)? {
                        return self.broken(task, admission, reason);
                    }
                }
            }
        }
        let reason = "the command never stopped asking for rows".to_owned();
        self.broken(task, admission, reason)
    }

    fn broken(
        &mut self,
        task: &Task<App::Command, App::Answer>,
        admission: Admission,
        reason: String,
    ) -> Result<RanOf<App>, StoreError> {
        self.set_aside(task, admission, Failed::Broken, &reason)?;
        self.finish(task, admission, Self::denied(reason))
    }

    /// A timer's refused command has nobody to hear of it and would be refused again at every tick.
    fn refused(
        &mut self,
        task: &Task<App::Command, App::Answer>,
        admission: Admission,
        rejection: App::Rejection,
    ) -> Result<RanOf<App>, StoreError> {
        if matches!(task, Task::Timer { .. }) {
            let reason = serde_json::to_string(&rejection)
                .map_err(|error| StoreError::Refused(error.to_string()))?;
            self.set_aside(
                task,
                admission,
                Failed::Refused,
                &format!("refused: {reason}"),
            )?;
        }
        self.finish(task, admission, Verdict::Refused(rejection))
    }

    /// One run of the task; a panic in it is a broken command, not a broken shard.
    fn attempt(
        &mut self,
        task: &Task<App::Command, App::Answer>,
        admission: Admission,
    ) -> Attempt<App> {
        let app = self.app.clone();
        let mut undo = Undo::default();
        let mut tx = Tx {
            ids: IdSource::new(self.state.shard, admission.now, admission.seed),
            state: &mut self.state,
            undo: &mut undo,
            now: admission.now,
            approver: None,
            emitted: Vec::new(),
            settled: Vec::new(),
            rows_changed: 0,
        };
        let result = caught(|| dispatch(app.as_ref(), task, &mut tx));
        let (emitted, ids) = (std::mem::take(&mut tx.emitted), tx.ids.clone());
        let settled = std::mem::take(&mut tx.settled);
        Attempt {
            result,
            undo,
            emitted,
            settled,
            ids,
        }
    }

    fn keep(&mut self, undo: Undo) {
        for (id, _) in undo.accounts {
            if self.state.accounts.mark_dirty(id) {
                self.state.batch.dirtied += 1;
            }
        }
    }

    /// Journals a task and records its answer for repeats.
    fn finish(
        &mut self,
        task: &Task<App::Command, App::Answer>,
        admission: Admission,
        verdict: Verdict<App::Reply, App::Rejection>,
    ) -> Result<RanOf<App>, StoreError> {
        let head = &mut self.state.head;
        head.journal_seq += 1;
        head.now = admission.now;
        let journal_seq = head.journal_seq;
        let actor = match task {
            Task::Envelope(envelope) => envelope.actor.clone(),
            _ => Actor::system(),
        };
        let outcome = serde_json::value::to_raw_value(&verdict)
            .map_err(|error| StoreError::Refused(error.to_string()))?;
        let command = task.journal_form();
        self.state.batch.bytes += command.len() + outcome.get().len();
        self.state.batch.journal.push(JournalRow {
            seq: journal_seq,
            at: admission.now,
            principal: actor.principal,
            role: actor.role,
            command,
            outcome: outcome.get().to_owned(),
            last_ledger_seq: self.state.head.ledger_seq,
        });
        if let Task::Envelope(Envelope {
            idempotency: Some(idempotency),
            ..
        }) = task
            && !matches!(verdict, Verdict::Denied(Denial::Broken { .. }))
        {
            self.remember_answer(idempotency, journal_seq, admission, outcome)?;
        }
        Ok(Ran {
            journal_seq,
            replayed: false,
            verdict,
        })
    }

    /// Personal data that came with a command which went through.
    fn seal_secrets(
        &self,
        task: &Task<App::Command, App::Answer>,
        verdict: &Verdict<App::Reply, App::Rejection>,
        ids: &mut IdSource,
    ) -> Result<Vec<SealedSecret>, String> {
        let (Task::Envelope(envelope), Verdict::Done(_) | Verdict::Proposed(_)) = (task, verdict)
        else {
            return Ok(Vec::new());
        };
        envelope
            .vault
            .iter()
            .map(|entry| {
                self.vault
                    .seal(&entry.id, ids.nonce(), &entry.clear_text)
                    .map_err(|error| error.to_string())
            })
            .collect()
    }

    fn remember_answer(
        &mut self,
        idempotency: &Idempotency,
        journal_seq: u64,
        admission: Admission,
        verdict: Box<RawValue>,
    ) -> Result<(), StoreError> {
        let record = IdempotencyRecord {
            key: idempotency::record_key(idempotency),
            body_hash: idempotency.body_hash.clone(),
            journal_seq,
            expires_at: admission.now + idempotency::KEPT_FOR,
            verdict: verdict.into(),
        };
        self.write_own(admission, |tx| tx.put(record.clone()))
    }

    /// Writes a record of the engine's own outside any command.
    fn write_own<T>(
        &mut self,
        admission: Admission,
        mut write: impl FnMut(&mut Tx<'_>) -> Result<T, Interrupt>,
    ) -> Result<T, StoreError> {
        for _ in 0..4 {
            let mark = self.state.mark(&Undo::default());
            let mut undo = Undo::default();
            let mut tx = Tx {
                ids: IdSource::new(self.state.shard, admission.now, !admission.seed),
                state: &mut self.state,
                undo: &mut undo,
                now: admission.now,
                approver: None,
                emitted: Vec::new(),
                settled: Vec::new(),
                rows_changed: 0,
            };
            match write(&mut tx) {
                Ok(written) => return Ok(written),
                Err(interrupt) => {
                    self.state.undo_to(&mark, &mut undo);
                    // A store that does not answer says nothing of the row.
                    if let Some(error) = self.state.failed_read.take() {
                        return Err(error);
                    }
                    if let Some(reason) = self.interrupted(interrupt)? {
                        return Err(StoreError::Refused(reason));
                    }
                }
            }
        }
        Err(StoreError::Refused(
            "an engine record could not be written".into(),
        ))
    }

    /// Records a task that the store refuses to write, and keeps a timer or effect from coming back at once.
    pub fn set_aside_unwritable(
        &mut self,
        task: &Task<App::Command, App::Answer>,
        admission: Admission,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.set_aside(task, admission, Failed::Broken, reason)
    }

    fn set_aside(
        &mut self,
        task: &Task<App::Command, App::Answer>,
        admission: Admission,
        failed: Failed,
        reason: &str,
    ) -> Result<(), StoreError> {
        let record = SetAside {
            id: String::new(),
            task: task.journal_form(),
            reason: reason.to_owned(),
            at: admission.now,
        };
        let named = match task {
            Task::Timer { key } => Some(format!("timer/{key}")),
            Task::Effect { id, .. } => Some(format!("effect/{id}")),
            _ => None,
        };
        // What is to be kept from coming back can be damaged itself, and whoever looks for what is due leaves it out
        // then; so can the record of its failure before.
        let mut last = None;
        for (keep_back, named) in [(true, named), (true, None), (false, None)] {
            let written = self.write_own(admission, |tx| {
                if keep_back {
                    put_off(tx, task, failed)?;
                }
                let mut record = record.clone();
                match &named {
                    Some(name) => {
                        record.id.clone_from(name);
                        tx.put(record.clone())?;
                    }
                    None => {
                        record.id = tx.new_id("asd");
                        tx.put_new(record.clone())?;
                    }
                }
                Ok(record)
            });
            match written {
                Ok(record) => {
                    self.waiting.set_aside.push(record);
                    return Ok(());
                }
                Err(error @ (StoreError::Damaged { .. } | StoreError::Refused(_))) => {
                    last = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        last.map_or(Ok(()), Err)
    }

    /// The answer of an earlier request under the same key.
    fn replay(
        &mut self,
        task: &Task<App::Command, App::Answer>,
    ) -> Result<Option<RanOf<App>>, StoreError> {
        let Task::Envelope(Envelope {
            idempotency: Some(idempotency),
            ..
        }) = task
        else {
            return Ok(None);
        };
        let key = idempotency::record_key(idempotency);
        let record = loop {
            match self.state.records.get::<IdempotencyRecord>(&key) {
                Some(Ok(record)) => break record,
                Some(Err(problem)) => {
                    return Err(StoreError::Damaged {
                        place: "idempotency record".into(),
                        problem,
                    });
                }
                None => self.load(&crate::application::Need::Record(crate::RecordKey::of::<
                    IdempotencyRecord,
                >(&key)))?,
            }
        };
        let Some(record) = record else {
            return Ok(None);
        };
        let (replayed, verdict) = if record.body_hash != idempotency.body_hash {
            (false, Verdict::Denied(Denial::KeyReused))
        } else {
            let verdict = serde_json::from_str(record.verdict.get()).map_err(|error| {
                StoreError::Damaged {
                    place: format!("idempotency {key}"),
                    problem: error.to_string(),
                }
            })?;
            (true, verdict)
        };
        Ok(Some(Ran {
            journal_seq: record.journal_seq,
            replayed,
            verdict,
        }))
    }
}

fn dispatch<App: Application>(
    app: &App,
    task: &Task<App::Command, App::Answer>,
    tx: &mut Tx<'_>,
) -> Result2<App> {
    match task {
        Task::Envelope(envelope) => match &envelope.work {
            Work::Command(command) => submit(app, &envelope.actor, command, tx),
            Work::Decide { proposal, approve } => {
                decide(app, &envelope.actor, proposal, *approve, tx)
            }
        },
        Task::Timer { key } => fire(app, key, tx),
        Task::Effect {
            id,
            mode,
            begun_at,
            report,
        } => effect_report(app, id, *mode, *begun_at, report, tx),
        Task::Housekeeping => housekeeping(tx)
            .map(|()| Verdict::Noted)
            .map_err(Stop::from),
    }
}

fn submit<App: Application>(
    app: &App,
    actor: &Actor,
    command: &App::Command,
    tx: &mut Tx<'_>,
) -> Result2<App> {
    app.authorise(actor, command).map_err(Stop::Refused)?;
    let Some(rule) = app.needs_approval(actor, command, tx)? else {
        return app.execute(actor, command, tx).map(Verdict::Done);
    };
    let command =
        serde_json::to_value(command).map_err(|error| Interrupt::Broken(error.to_string()))?;
    let id = tx.new_id("prp");
    tx.put_new(Proposal {
        id: id.clone(),
        maker: actor.clone(),
        approver_role: rule.role.to_owned(),
        reason: rule.reason.to_owned(),
        command,
        decided_by: None,
        status: ProposalStatus::Open,
    })?;
    Ok(Verdict::Proposed(id))
}

fn decide<App: Application>(
    app: &App,
    actor: &Actor,
    id: &str,
    approve: bool,
    tx: &mut Tx<'_>,
) -> Result2<App> {
    let Some(proposal) = tx.get::<Proposal>(id)? else {
        return Ok(Verdict::Denied(Denial::NoSuchProposal {
            proposal: id.to_owned(),
        }));
    };
    if proposal.status != ProposalStatus::Open {
        return Ok(Verdict::Denied(Denial::ProposalDecided {
            proposal: id.to_owned(),
        }));
    }
    if proposal.maker.principal == actor.principal {
        return Ok(Verdict::Denied(Denial::MakerIsChecker));
    }
    if *actor.role != *proposal.approver_role {
        return Ok(Verdict::Denied(Denial::RoleMissing {
            role: proposal.approver_role.clone(),
        }));
    }
    let mut decided = (*proposal).clone();
    decided.decided_by = Some(actor.clone());
    decided.status = if approve {
        ProposalStatus::Approved
    } else {
        ProposalStatus::Declined
    };
    tx.put(decided)?;
    if !approve {
        return Ok(Verdict::Noted);
    }
    let command: App::Command = serde_json::from_value(proposal.command.clone())
        .map_err(|error| Interrupt::Broken(format!("proposal {id} cannot be read: {error}")))?;
    tx.approver = Some(actor.clone());
    app.execute(&proposal.maker, &command, tx)
        .map(Verdict::Done)
}

fn fire<App: Application>(app: &App, key: &str, tx: &mut Tx<'_>) -> Result2<App> {
    let Some(timer) = tx
        .get::<TimerRecord>(key)?
        .filter(|timer| timer.due <= tx.now())
    else {
        return Ok(Verdict::Noted);
    };
    tx.cancel(key)?;
    let command: App::Command = serde_json::from_value(timer.command.clone())
        .map_err(|error| Interrupt::Broken(format!("timer {key} cannot be read: {error}")))?;
    app.execute(&Actor::system(), &command, tx)
        .map(Verdict::Done)
}

/// Keeps what would fail again from being due at once. Nothing that is owed is forgotten: a timer that broke comes again.
fn put_off<C, A>(tx: &mut Tx<'_>, task: &Task<C, A>, failed: Failed) -> Result<(), Interrupt> {
    let now = tx.now();
    match task {
        Task::Timer { key } if failed == Failed::Refused => tx.cancel(key),
        Task::Timer { key } => {
            if let Some(timer) = tx.get::<TimerRecord>(key)? {
                let mut timer = (*timer).clone();
                timer.put_off(now);
                tx.put(timer)?;
            }
            Ok(())
        }
        Task::Effect { id, .. } => {
            if let Some(record) = tx.effect(id)? {
                let mut record = (*record).clone();
                record.next_at = now + EFFECT_PAUSE;
                tx.put(record)?;
            }
            Ok(())
        }
        Task::Envelope(_) | Task::Housekeeping => Ok(()),
    }
}

fn effect_report<App: Application>(
    app: &App,
    id: &str,
    mode: AttemptMode,
    begun_at: Timestamp,
    report: &EffectReport<App::Answer>,
    tx: &mut Tx<'_>,
) -> Result2<App> {
    let nothing = Ok(Verdict::Noted);
    let Some(record) = tx.get::<EffectRecord>(id)? else {
        return nothing;
    };
    let mut record = (*record).clone();
    let news = record.advance(mode, report, begun_at, tx.now());
    let permitted = match report {
        EffectReport::NotFound => true,
        EffectReport::NotSent { .. } => mode == AttemptMode::Send,
        _ => false,
    };
    if permitted && record.state == EffectState::Ready {
        tx.emitted.push(id.to_owned());
    } else {
        // A permission that arrives after a first question was of the time before it: what was found
        // out since decides, or a second request might leave unseen.
        tx.settled.push(id.to_owned());
    }
    tx.put(record.clone())?;
    if news == EffectNews::Nothing {
        return nothing;
    }
    let effect: App::Effect = serde_json::from_value(record.body.clone())
        .map_err(|error| Interrupt::Broken(format!("effect {id} cannot be read: {error}")))?;
    let answer = match report {
        EffectReport::Answered { answer } => Some(answer),
        _ => None,
    };
    let asked_at = begun_at.min(tx.now());
    app.effect_news(&record, &effect, news, answer, asked_at, tx)?;
    nothing
}

fn housekeeping(tx: &mut Tx<'_>) -> Result<(), Interrupt> {
    let now = crate::record::index_time(tx.now());
    let expired = tx.scan_sound::<IdempotencyRecord>("expires", "", &now, EXPIRED_PER_STEP)?;
    for record in expired {
        tx.delete::<IdempotencyRecord>(&record.key)?;
    }
    Ok(())
}
