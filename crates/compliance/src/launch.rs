//! The gate before a new product: reported long enough before, with evidence.

use crate::decision::{Decision, Verdict};
use crate::fact::{FactError, Facts};
use crate::pack::{Action, Bearer};
use crate::packs::Packs;
use calendar::BusinessDate;
use serde::{Deserialize, Serialize};

/// How far ahead the first possible day is looked for.
const DAYS_AHEAD: i32 = 366;

/// A document that stands behind a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// What it is: the report as sent, its receipt, a test report.
    pub name: String,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
}

impl Evidence {
    /// Whether it names a file that can be found again.
    pub fn is_usable(&self) -> bool {
        !self.name.trim().is_empty()
            && self.sha256.len() == 64
            && self.sha256.bytes().all(|byte| byte.is_ascii_hexdigit())
    }
}

/// What was reported of a new product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaunchReport {
    /// Product.
    pub product: String,
    /// New in kind.
    pub innovation: bool,
    /// Together with somebody abroad, or for payers there.
    pub cross_border: bool,
    /// Day on which it was reported; none: not yet.
    pub reported_on: Option<BusinessDate>,
    /// Day on which it is to begin.
    pub launch_on: BusinessDate,
    /// What was sent and what came back.
    pub evidence: Vec<Evidence>,
}

/// Whether a product may begin.
#[derive(Debug, Clone, Serialize)]
pub struct Gate {
    /// It may, on the day that was named.
    pub open: bool,
    /// The rules' answer for that day.
    pub decision: Decision,
    /// Evidence is wanted and none is attached that could be found again.
    pub evidence_missing: bool,
    /// The first day on which the rules let it begin, if there is one within a year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_day: Option<i32>,
}

impl Packs {
    /// Whether a product may begin on the day that its report names. `facts` say what else the rules of
    /// [`Action::LaunchProduct`] ask; what the report says is stated from it.
    pub fn launch_gate(
        &self,
        report: &LaunchReport,
        facts: &Facts,
        role: Bearer,
    ) -> Result<Gate, FactError> {
        let decision = self.launch_on(report, facts, role, report.launch_on)?;
        let unusable = |evidence: &Evidence| !evidence.is_usable();
        let evidence_missing = (report.innovation || report.cross_border)
            && (report.evidence.is_empty() || report.evidence.iter().any(unusable));
        let mut first_day = None;
        if let Some(reported) = report.reported_on {
            for ahead in 0..=DAYS_AHEAD {
                let day = reported.plus_days(ahead);
                if goes(&self.launch_on(report, facts, role, day)?) {
                    first_day = Some(day.to_yyyymmdd());
                    break;
                }
            }
        }
        Ok(Gate {
            open: goes(&decision) && !evidence_missing,
            decision,
            evidence_missing,
            first_day,
        })
    }

    fn launch_on(
        &self,
        report: &LaunchReport,
        facts: &Facts,
        role: Bearer,
        day: BusinessDate,
    ) -> Result<Decision, FactError> {
        let mut facts = facts
            .clone()
            .with("is_innovation", report.innovation)?
            .with("cross_border", report.cross_border)?;
        // Not reported, or only afterwards: no day before counts.
        let before = report.reported_on.map_or(0, |on| on.days_until(day).max(0));
        facts.set("report_days_before", i64::from(before))?;
        Ok(self.decide(&facts, day, Action::LaunchProduct, role))
    }
}

fn goes(decision: &Decision) -> bool {
    matches!(decision.verdict, Verdict::Allow | Verdict::Limit)
}
