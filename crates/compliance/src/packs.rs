//! All rules together.

use crate::evaluate::Selection;
use crate::pack::{Action, Bearer, Compiler, Instrument, PackError, Rule, compile};
use calendar::BusinessDate;
use cedar_policy::{Entities, EntityUid, PolicySet};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::str::FromStr;

const ACTIONS: [Action; 20] = [
    Action::BarcodePayment,
    Action::OnlinePayment,
    Action::SignMandate,
    Action::DirectDebit,
    Action::OpenAccount,
    Action::OnboardMerchant,
    Action::AddChannelLink,
    Action::Split,
    Action::Hold,
    Action::Release,
    Action::Settle,
    Action::Payout,
    Action::Refund,
    Action::TopUp,
    Action::Withdraw,
    Action::Transfer,
    Action::LaunchProduct,
    Action::HoldReserves,
    Action::KeepData,
    Action::Freeze,
];
const ROLES: [Bearer; 4] = [
    Bearer::AccountSide,
    Bearer::Acquirer,
    Bearer::ClearingBody,
    Bearer::Platform,
];

/// Loaded and validated rule packs.
pub struct Packs {
    pub(crate) instruments: Vec<Instrument>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) hash: String,
    /// Rules of an action and role, with the first day from which each selection holds.
    pub(crate) live: HashMap<(Action, u8), Vec<(BusinessDate, Selection)>>,
    pub(crate) entities: Entities,
    pub(crate) party: EntityUid,
    pub(crate) action: EntityUid,
}

impl std::fmt::Debug for Packs {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "Packs({} rules, {})",
            self.rules.len(),
            self.hash
        )
    }
}

impl Packs {
    /// Compiles named pack texts; the first that is broken is refused with file, line and reason.
    pub fn load(texts: &[(&str, &str)]) -> Result<Packs, PackError> {
        let inside = |reason: String| PackError {
            file: "schema".to_owned(),
            line: 1,
            reason,
        };
        let compiler = Compiler::new().map_err(inside)?;
        let mut texts = texts.to_vec();
        texts.sort_unstable();
        let mut digest = Sha256::new();
        let mut instruments = Vec::new();
        let mut rules: Vec<Rule> = Vec::new();
        let mut places: Vec<(String, usize)> = Vec::new();
        let mut by_number: Vec<usize> = Vec::new();
        let mut all = PolicySet::new();
        let mut number = 0;
        for (name, text) in texts {
            for part in [name, text] {
                digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
                digest.update(part.as_bytes());
            }
            let (instrument, compiled) =
                compile(name, text, instruments.len(), &mut number, &compiler)?;
            instruments.push(instrument);
            for (line, rule) in compiled {
                let fail = |reason: String| PackError {
                    file: name.to_owned(),
                    line,
                    reason,
                };
                if rules.iter().any(|known| known.id == rule.id) {
                    return Err(fail(format!("rule `{}` stands twice", rule.id)));
                }
                for clause in &rule.clauses {
                    by_number.push(rules.len());
                    all.add(clause.policy.clone())
                        .map_err(|error| fail(error.to_string()))?;
                }
                places.push((name.to_owned(), line));
                rules.push(rule);
            }
        }
        let place = |index: usize, reason: String| {
            let (file, line) = places.get(index).cloned().unwrap_or_default();
            PackError { file, line, reason }
        };
        compiler.validate(&all).map_err(|(policy, reason)| {
            let index = policy
                .parse()
                .ok()
                .and_then(|number: usize| by_number.get(number).copied());
            place(index.unwrap_or_default(), reason)
        })?;
        for (index, rule) in rules.iter().enumerate() {
            for lifted in &rule.lifts {
                if !rules.iter().any(|known| known.id == *lifted) {
                    return Err(place(
                        index,
                        format!("`{}` lifts unknown rule `{lifted}`", rule.id),
                    ));
                }
            }
        }
        let entity =
            |text: &str| EntityUid::from_str(text).map_err(|error| inside(error.to_string()));
        let mut packs = Packs {
            instruments,
            rules,
            hash: hex::encode(digest.finalize()),
            live: HashMap::new(),
            entities: Entities::empty(),
            party: entity("Party::\"asked\"")?,
            action: entity("Action::\"decide\"")?,
        };
        packs.select_live().map_err(inside)?;
        Ok(packs)
    }

    fn select_live(&mut self) -> Result<(), String> {
        for action in ACTIONS {
            let of_action: Vec<usize> = (0..self.rules.len())
                .filter(|index| {
                    self.rule(*index)
                        .is_some_and(|rule| rule.actions.contains(&action))
                })
                .collect();
            let mut days: Vec<BusinessDate> = Vec::new();
            for rule in of_action.iter().filter_map(|index| self.rule(*index)) {
                days.push(rule.from);
                days.extend(rule.to.map(BusinessDate::next));
            }
            days.sort_unstable();
            days.dedup();
            for role in ROLES {
                let mut selections = Vec::new();
                for day in &days {
                    let in_force: Vec<usize> = of_action
                        .iter()
                        .copied()
                        .filter(|index| self.rule(*index).is_some_and(|rule| rule.in_force(*day)))
                        .collect();
                    selections.push((*day, Selection::live(&self.rules, &in_force, role)?));
                }
                self.live.insert((action, role as u8), selections);
            }
        }
        Ok(())
    }

    pub(crate) fn rule(&self, index: usize) -> Option<&Rule> {
        self.rules.get(index)
    }

    /// A rule by its id.
    pub fn find(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// Rules that a live decision of a role asks at an action on a day.
    pub fn asked(
        &self,
        action: Action,
        role: Bearer,
        as_of: BusinessDate,
    ) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| {
            rule.actions.contains(&action) && rule.bearer.contains(&role) && rule.in_force(as_of)
        })
    }

    /// All rules, repealed ones included.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The instrument a rule stands in.
    pub fn instrument(&self, rule: &Rule) -> Option<&Instrument> {
        self.instruments.get(rule.instrument)
    }

    /// Hash of names and contents of all packs.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}
