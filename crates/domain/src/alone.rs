//! Work over many objects goes on beside one that breaks: that one is tried again by itself.
//!
//! What breaks is a damaged row or a defect of ours. A step that broke as a whole for one of its merchants would keep all
//! of them from their money. The one is left out, and a timer of its own tries it alone: there it breaks where it is
//! counted and told of, and comes again until it goes through.

use crate::command::{Command, Due, Fact};
use crate::context::Context;
use engine::{Interrupt, TimerRecord};

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
