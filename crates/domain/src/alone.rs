//! Work over many objects goes on beside one that breaks: that one is tried again by itself.
//!
//! What breaks is a damaged row or a defect of ours. A step that broke as a whole for one of its merchants would keep all
//! of them from their money. The one is left out, and a timer of its own tries it alone: there it breaks where it is
//! counted and told of, and comes again until it goes through.

use crate::command::{Command, Due, Fact};
use crate::context::Context;
use engine::{Interrupt, Record, RecordKey, TimerRecord};

/// Does a part of a step. None if it broke: then nothing of it stays, and it is tried by itself under the timer's key.
pub(crate) fn apart<T>(
    cx: &mut Context<'_, '_>,
    timer: &str,
    due: Due,
    part: impl FnMut(&mut Context<'_, '_>) -> Result<T, Interrupt>,
) -> Result<Option<T>, Interrupt> {
    if let Ok(done) = cx.isolated(part)? {
        return Ok(Some(done));
    }
    let command = Command::Fact(Fact::Due(due));
    // A timer that is damaged itself is told of by whoever looks for those that are due.
    let _told = cx.isolated(|cx| {
        // One that is there has been put off; set anew, it would break at every step.
        if cx.tx.get::<TimerRecord>(timer)?.is_none() {
            let now = cx.tx.now();
            cx.tx.schedule(now, timer, &command)?;
        }
        Ok(())
    })?;
    Ok(None)
}

/// What became of an object at its turn.
pub(crate) enum Turn {
    /// It was done.
    Taken,
    /// It has to wait, and all behind it as well.
    Waits,
}

/// Does the objects of an index one after another, at most so many of them; who breaks is not counted. `own` is the timer
/// of an object and its command. Says whether the step ended with others left that may have their turn.
pub(crate) fn in_turn<R: Record>(
    cx: &mut Context<'_, '_>,
    index: &'static str,
    range: (&str, &str),
    most: usize,
    own: impl Fn(&str) -> (String, Due),
    mut part: impl FnMut(&mut Context<'_, '_>, &str) -> Result<Turn, Interrupt>,
) -> Result<bool, Interrupt> {
    let mut taken = 0;
    let mut after = None;
    loop {
        let page = cx.tx.entries::<R>(index, range, after, most)?;
        let keys = page.iter().map(|(_, id)| RecordKey::of::<R>(id));
        let rows: Vec<RecordKey> = keys.collect();
        cx.tx.preload(&rows);
        for (_, id) in &page {
            if taken == most {
                return Ok(true);
            }
            let (timer, due) = own(id);
            match apart(cx, &timer, due, |cx| part(cx, id))? {
                Some(Turn::Waits) => return Ok(false),
                Some(Turn::Taken) => taken += 1,
                None => {}
            }
        }
        after = page.last().cloned();
        if page.len() < most {
            return Ok(false);
        }
    }
}
