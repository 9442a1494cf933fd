//! Commands about business dates.

use calendar::BusinessDate;
use serde::{Deserialize, Serialize};

/// Closes the business date, moves to the next and starts settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TurnDay {
    /// The date to move to; the following civil day if absent.
    #[serde(default)]
    pub to: Option<BusinessDate>,
}

/// Starts the settlement of the current date again from its beginning, after a person removed
/// what had stopped it. Merchants that are settled stay so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ResumeSettlement {}
