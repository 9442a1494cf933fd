//! What this institution is, as far as rules ask.

use channels::operation::Channel;
use compliance::{Bearer, FactError, Facts, Value};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Kind of an institution that serves merchants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstitutionKind {
    /// A bank.
    Bank,
    /// A payment institution (非银行支付机构).
    Npi,
}

impl InstitutionKind {
    /// Its word in the vocabulary of facts.
    pub fn word(self) -> &'static str {
        match self {
            InstitutionKind::Bank => "bank",
            InstitutionKind::Npi => "npi",
        }
    }
}

/// The institution whose book this is. What is not stated is not known, and a rule that needs it asks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Institution {
    /// Bank or payment institution.
    pub kind: Option<InstitutionKind>,
    /// The duty bearer whose rules bind it here.
    pub role: Bearer,
    /// Licences held, in the words of the fact `actor.licences`.
    pub licences: Option<Vec<String>>,
    /// Provinces in which it may acquire in shops.
    pub acquiring_regions: Option<Vec<String>>,
    /// Provinces in which it has its home or a branch.
    pub branches: Option<Vec<String>>,
    /// By channel, the institutions that a payment or payout passes, ourselves first.
    pub routes: BTreeMap<Channel, Vec<String>>,
}

impl Default for Institution {
    fn default() -> Institution {
        Institution {
            kind: None,
            role: Bearer::Acquirer,
            licences: None,
            acquiring_regions: None,
            branches: None,
            routes: BTreeMap::new(),
        }
    }
}

impl Institution {
    /// A payment institution of Shanghai with all it needs, for trying and for tests. It holds the old and
    /// the new kinds of licence, so that any day can be simulated.
    pub fn sample() -> Institution {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Institution {
            kind: Some(InstitutionKind::Npi),
            role: Bearer::Acquirer,
            licences: Some(words(&[
                "internet_payment",
                "mobile_payment",
                "card_acquiring",
                "stored_value_1",
                "processing_1",
            ])),
            acquiring_regions: Some(words(&["shanghai", "zhejiang"])),
            branches: Some(words(&["shanghai", "zhejiang"])),
            routes: BTreeMap::from([
                (Channel::Wechat, words(&["npi", "nucc", "npi_wallet"])),
                (Channel::Unionpay, words(&["npi", "unionpay", "bank"])),
            ]),
        }
    }

    /// The facts that hold whatever is asked.
    ///
    /// # Errors
    /// Words that the vocabulary does not know.
    pub(super) fn facts(&self) -> Result<Facts, FactError> {
        let mut facts = Facts::new();
        facts.set("role", self.role.word())?;
        if let Some(kind) = self.kind {
            facts.set("actor.kind", kind.word())?;
        }
        if let Some(licences) = &self.licences {
            facts.set("actor.licences", licences.clone())?;
        }
        if let Some(regions) = &self.acquiring_regions {
            facts.set("actor.acquiring_regions", regions.clone())?;
        }
        for branch in self.branches.iter().flatten() {
            Facts::new().set("merchant.province", branch.clone())?;
        }
        for route in self.routes.values() {
            Facts::new().set("route", route.clone())?;
        }
        Ok(facts)
    }

    /// The ways over its channels.
    pub(super) fn routes(&self) -> BTreeMap<Channel, Value> {
        let routes = self.routes.iter();
        routes
            .map(|(channel, route)| (*channel, Value::from(route.clone())))
            .collect()
    }

    /// Whether it has its home or a branch in a province.
    pub(crate) fn branch_in(&self, province: &str) -> Option<bool> {
        let branches = self.branches.as_ref()?;
        let spelled = |word: &str| compliance::spelled("merchant.province", word).ok();
        let province = spelled(province)?;
        Some(
            branches
                .iter()
                .any(|branch| spelled(branch).as_ref() == Some(&province)),
        )
    }
}
