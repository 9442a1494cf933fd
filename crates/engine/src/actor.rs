//! Who acts: in every command, whatever the front end.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The principal behind a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Stable id of the person, credential or machine.
    pub principal: Arc<str>,
    /// The role it acts in; the application knows their meaning.
    pub role: Arc<str>,
}

impl Actor {
    /// A principal in a role.
    pub fn new(principal: impl Into<Arc<str>>, role: impl Into<Arc<str>>) -> Actor {
        Actor {
            principal: principal.into(),
            role: role.into(),
        }
    }

    /// The engine itself: timers, effects, housekeeping.
    pub fn system() -> Actor {
        Actor::new("system", "system")
    }
}

/// What a command needs from a second person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalRule {
    /// The approver's role.
    pub role: &'static str,
    /// Why, for people.
    pub reason: &'static str,
}

/// A command that waits for its second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Its id.
    pub id: String,
    /// Who made it.
    pub maker: Actor,
    /// Role that must approve.
    pub approver_role: String,
    /// Why approval is needed.
    pub reason: String,
    /// The command, as the application wrote it.
    pub command: serde_json::Value,
    /// Who approved or declined it.
    pub decided_by: Option<Actor>,
    /// Where it stands.
    pub status: ProposalStatus,
}

/// Standing of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProposalStatus {
    /// Waits for a checker.
    Open,
    /// Approved; its command ran.
    Approved,
    /// Declined; its command never runs.
    Declined,
}

impl crate::Record for Proposal {
    const KIND: &'static str = "proposal";
    fn key(&self) -> &str {
        &self.id
    }
    fn indexes(&self, out: &mut crate::Indexes) {
        if self.status == ProposalStatus::Open {
            out.add("open", self.id.clone());
        }
    }
}
