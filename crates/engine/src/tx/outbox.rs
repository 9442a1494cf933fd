//! Effects and timers within a command.

use super::Tx;
use crate::application::Interrupt;
use crate::effect::{EffectPolicy, EffectRecord, EffectState};
use crate::timer::TimerRecord;
use jiff::Timestamp;
use serde::Serialize;
use std::sync::Arc;

impl Tx<'_> {
    /// Records what has to happen outside; performed after the batch is durable. Returns its id.
    pub fn emit(
        &mut self,
        effect: &impl Serialize,
        policy: EffectPolicy,
    ) -> Result<String, Interrupt> {
        self.emit_with(effect, policy, self.now, 0)
    }

    /// As [`Tx::emit`], with pauses between attempts that are up to so many per cent shorter, at random.
    pub fn emit_jittered(
        &mut self,
        effect: &impl Serialize,
        policy: EffectPolicy,
        jitter_percent: u8,
    ) -> Result<String, Interrupt> {
        self.emit_with(effect, policy, self.now, jitter_percent)
    }

    /// As [`Tx::emit`], not before a time.
    pub fn emit_at(
        &mut self,
        effect: &impl Serialize,
        policy: EffectPolicy,
        not_before: Timestamp,
    ) -> Result<String, Interrupt> {
        self.emit_with(effect, policy, not_before, 0)
    }

    fn emit_with(
        &mut self,
        effect: &impl Serialize,
        policy: EffectPolicy,
        not_before: Timestamp,
        jitter_percent: u8,
    ) -> Result<String, Interrupt> {
        let id = self.new_id("eff");
        let body =
            serde_json::to_value(effect).map_err(|error| Interrupt::Broken(error.to_string()))?;
        self.put_new(EffectRecord {
            id: id.clone(),
            body,
            policy,
            jitter_percent,
            state: EffectState::Ready,
            attempts: 0,
            created_at: self.now,
            next_at: not_before,
            sent_at: None,
            arrived: false,
            withdrawn_at: None,
            last_problem: None,
        })?;
        self.emitted.push(id.clone());
        Ok(id)
    }

    /// Submits a command later. Setting a key again moves its timer.
    pub fn schedule(
        &mut self,
        due: Timestamp,
        key: &str,
        command: &impl Serialize,
    ) -> Result<(), Interrupt> {
        let timer = timer(due, key, command)?;
        self.put(timer)
    }

    /// As [`Tx::schedule`] under a key made of an id that this command issued, so that no load is needed.
    pub fn schedule_new(
        &mut self,
        due: Timestamp,
        key: &str,
        command: &impl Serialize,
    ) -> Result<(), Interrupt> {
        let timer = timer(due, key, command)?;
        self.put_new(timer)
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

    /// Forbids every further sending of an effect; it is asked after until its outcome is known. An
    /// attempt that has begun already cannot be called back.
    pub fn withdraw_effect(&mut self, id: &str) -> Result<(), Interrupt> {
        if let Some(record) = self.get::<EffectRecord>(id)?
            && record.state != EffectState::Done
            && record.withdrawn_at.is_none()
        {
            let mut record = (*record).clone();
            record.withdraw(self.now);
            self.put(record)?;
            self.settled.push(id.to_owned());
        }
        Ok(())
    }
}

fn timer(due: Timestamp, key: &str, command: &impl Serialize) -> Result<TimerRecord, Interrupt> {
    let command =
        serde_json::to_value(command).map_err(|error| Interrupt::Broken(error.to_string()))?;
    Ok(TimerRecord {
        key: key.to_owned(),
        due,
        command,
        broken: 0,
    })
}
