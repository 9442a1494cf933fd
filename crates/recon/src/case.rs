//! What people do about a difference: open → explained → adjusted → closed.
//!
//! Each step takes the case and gives the next one, or says why it cannot be taken. Who may take a
//! step, and whether a second person must approve it, is decided where commands are accepted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Difference, DifferenceId, Finding};

/// Who did something, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// The acting person or process.
    pub by: String,
    /// When.
    #[serde(with = "calendar::rfc3339")]
    pub at: Timestamp,
}

/// Why the two sides differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The sides cut the day at different moments; another date shows the opposite difference.
    CutOff,
    /// We did not learn of a success in time (掉单).
    MissedAnswer,
    /// The channel took the money twice.
    ChargedTwice,
    /// The channel's statement is wrong.
    ChannelMistake,
    /// Our books are wrong.
    OurMistake,
    /// The agreed price and the price list disagree.
    PriceDisagreement,
    /// Something else; the note tells.
    Other,
}

/// The outcome of looking into a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// Why the sides differ.
    pub cause: Cause,
    /// In words; required for [`Cause::Other`].
    pub note: String,
    /// Who found it out.
    pub mark: Mark,
}

/// How a difference was put right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "remedy", rename_all = "snake_case", deny_unknown_fields)]
pub enum Remedy {
    /// A posting moved the amount into or out of suspense.
    Posting {
        /// Id of the posting.
        posting: String,
    },
    /// Nothing to post: the opposite difference of another date cancels this one.
    Counterpart {
        /// Id of that difference.
        counterpart: DifferenceId,
    },
}

/// A remedy with its author.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adjustment {
    /// What was done.
    pub remedy: Remedy,
    /// Who did it.
    pub mark: Mark,
}

/// How far a case has come; each stage carries what the earlier ones established.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case", deny_unknown_fields)]
pub enum Stage {
    /// Nobody knows yet.
    Open,
    /// The cause is known.
    Explained {
        /// The cause.
        explanation: Explanation,
    },
    /// The books are right again.
    Adjusted {
        /// The cause.
        explanation: Explanation,
        /// The remedy.
        adjustment: Adjustment,
    },
    /// Done for ever.
    Closed {
        /// The cause.
        explanation: Explanation,
        /// The remedy.
        adjustment: Adjustment,
        /// Who closed it.
        closure: Mark,
    },
}

impl Stage {
    /// The stable name of the stage, as in JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            Stage::Open => "open",
            Stage::Explained { .. } => "explained",
            Stage::Adjusted { .. } => "adjusted",
            Stage::Closed { .. } => "closed",
        }
    }
}

/// A difference on its way through the office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DifferenceCase {
    difference: Difference,
    opened: Mark,
    stage: Stage,
}

/// A step cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransitionError {
    /// The case is at another stage.
    #[error("the case is {actual}; this step is for a case that is {expected}")]
    WrongStage {
        /// The stage that the step starts from.
        expected: &'static str,
        /// The stage of the case.
        actual: &'static str,
    },
    /// A step lies before the step that it follows.
    #[error("the step is dated before the step it follows")]
    BackInTime,
    /// A required text is blank.
    #[error("the {field} is missing")]
    Blank {
        /// Which text.
        field: &'static str,
    },
    /// Only a difference of dates is cancelled by another difference.
    #[error(
        "a {finding} explained as {cause:?} is not cancelled by another date: post an adjustment"
    )]
    NoCounterpart {
        /// Name of the finding.
        finding: &'static str,
        /// The explained cause.
        cause: Cause,
    },
    /// The named counterpart is not the one that belongs to this difference.
    #[error("{named} is not the opposite of this difference")]
    WrongCounterpart {
        /// The id that was given.
        named: DifferenceId,
    },
}

impl DifferenceCase {
    /// Opens a case.
    pub fn open(difference: Difference, opened: Mark) -> Result<DifferenceCase, TransitionError> {
        require(&opened.by, "acting person")?;
        Ok(DifferenceCase {
            difference,
            opened,
            stage: Stage::Open,
        })
    }

    /// The difference.
    pub fn difference(&self) -> &Difference {
        &self.difference
    }

    /// Who opened the case.
    pub fn opened(&self) -> &Mark {
        &self.opened
    }

    /// How far it has come.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Open → explained.
    pub fn explain(self, explanation: Explanation) -> Result<DifferenceCase, TransitionError> {
        let Stage::Open = self.stage else {
            return Err(wrong_stage("open", &self.stage));
        };
        check_mark(&explanation.mark, &self.opened)?;
        if explanation.cause == Cause::Other {
            require(&explanation.note, "note")?;
        }
        Ok(DifferenceCase {
            stage: Stage::Explained { explanation },
            ..self
        })
    }

    /// Explained → adjusted. Money that really differs needs a posting; a difference of cut-off is
    /// cancelled by its counterpart on another date.
    pub fn adjust(self, adjustment: Adjustment) -> Result<DifferenceCase, TransitionError> {
        let Stage::Explained { explanation } = self.stage else {
            return Err(wrong_stage("explained", &self.stage));
        };
        check_mark(&adjustment.mark, &explanation.mark)?;
        match &adjustment.remedy {
            Remedy::Posting { posting } => require(posting, "posting id")?,
            Remedy::Counterpart { counterpart } => {
                check_counterpart(&self.difference, explanation.cause, counterpart)?;
            }
        }
        Ok(DifferenceCase {
            stage: Stage::Adjusted {
                explanation,
                adjustment,
            },
            ..self
        })
    }

    /// Adjusted → closed.
    pub fn close(self, closure: Mark) -> Result<DifferenceCase, TransitionError> {
        let Stage::Adjusted {
            explanation,
            adjustment,
        } = self.stage
        else {
            return Err(wrong_stage("adjusted", &self.stage));
        };
        check_mark(&closure, &adjustment.mark)?;
        Ok(DifferenceCase {
            stage: Stage::Closed {
                explanation,
                adjustment,
                closure,
            },
            ..self
        })
    }
}

fn check_counterpart(
    difference: &Difference,
    cause: Cause,
    named: &DifferenceId,
) -> Result<(), TransitionError> {
    let shiftable = matches!(
        difference.finding,
        Finding::DateShift { .. } | Finding::OursOnly { .. } | Finding::TheirsOnly { .. }
    );
    if cause != Cause::CutOff || !shiftable {
        return Err(TransitionError::NoCounterpart {
            finding: difference.finding.name(),
            cause,
        });
    }
    // A date shift knows its opposite; the others can only be told not to cancel themselves.
    let wrong = match difference.counterpart() {
        Some(expected) => expected != *named,
        None => difference.id == *named || named.as_str().trim().is_empty(),
    };
    if wrong {
        return Err(TransitionError::WrongCounterpart {
            named: named.clone(),
        });
    }
    Ok(())
}

fn check_mark(mark: &Mark, earlier: &Mark) -> Result<(), TransitionError> {
    require(&mark.by, "acting person")?;
    if mark.at < earlier.at {
        return Err(TransitionError::BackInTime);
    }
    Ok(())
}

fn require(text: &str, field: &'static str) -> Result<(), TransitionError> {
    if text.trim().is_empty() {
        Err(TransitionError::Blank { field })
    } else {
        Ok(())
    }
}

fn wrong_stage(expected: &'static str, stage: &Stage) -> TransitionError {
    TransitionError::WrongStage {
        expected,
        actual: stage.name(),
    }
}
