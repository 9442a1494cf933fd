//! Parts of a command that fail alone.

use super::Tx;
use crate::application::{Interrupt, Need};
use crate::state::undo::Mark;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Rows that a part may ask for, one after another, before it counts as broken.
const LOADS_MAX: usize = 20_000;

impl Tx<'_> {
    /// Does a part of a command that does not take the rest with it: if it breaks, nothing of it stays, and the reason
    /// is returned. For a command over many objects, one of which may be damaged. A part that breaks leaves no trace:
    /// the command sees to it that it is tried by itself.
    pub fn isolated<T>(
        &mut self,
        mut part: impl FnMut(&mut Self) -> Result<T, Interrupt>,
    ) -> Result<Result<T, String>, Interrupt> {
        let mark = self.mark();
        for _ in 0..LOADS_MAX {
            let interrupt = match caught(|| part(self)) {
                Ok(done) => return Ok(Ok(done)),
                Err(interrupt) => interrupt,
            };
            self.undo_to(&mark);
            let loaded = match interrupt {
                // Outside of the part the row's damage would be the whole command's.
                Interrupt::Load(need) => self.load(&need),
                broken => Err(broken),
            };
            match loaded {
                Ok(()) => {}
                // The store does not answer: that is not the part's trouble.
                Err(interrupt) if self.state.failed_read.is_some() => return Err(interrupt),
                Err(Interrupt::Broken(reason)) => return Ok(Err(reason)),
                Err(load) => return Err(load),
            }
        }
        Ok(Err("a part never stopped asking for rows".to_owned()))
    }

    /// Breaks if the part would; otherwise nothing of it stays either.
    pub fn rehearse(
        &mut self,
        part: impl FnMut(&mut Self) -> Result<(), Interrupt>,
    ) -> Result<(), Interrupt> {
        let mark = self.mark();
        let rehearsed = self.isolated(part)?;
        self.undo_to(&mark);
        rehearsed.map_err(Interrupt::Broken)
    }

    fn mark(&self) -> (Mark, [usize; 3]) {
        let counts = [self.emitted.len(), self.settled.len(), self.rows_changed];
        (self.state.mark(self.undo), counts)
    }

    fn undo_to(&mut self, (mark, [emitted, settled, rows_changed]): &(Mark, [usize; 3])) {
        self.state.undo_to(mark, self.undo);
        self.emitted.truncate(*emitted);
        self.settled.truncate(*settled);
        self.rows_changed = *rows_changed;
    }

    fn load(&mut self, need: &Need) -> Result<(), Interrupt> {
        let state = &mut *self.state;
        let loaded = match need {
            Need::Record(key) => return self.load_missing(std::slice::from_ref(key)),
            Need::Account(id) => state.load_accounts(&[*id]),
            Need::Transfer(id) => state.load_transfers(&[*id]),
        };
        loaded.map_err(|error| self.state.cannot_read(error))
    }
}

/// A panic is a defect of what panicked, not of what runs it.
pub(crate) fn caught<T, E: From<Interrupt>>(run: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let reason = format!("panic: {}", text_of(panic.as_ref()));
        Err(Interrupt::Broken(reason).into())
    })
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or_default()
}
