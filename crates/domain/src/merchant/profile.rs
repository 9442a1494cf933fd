//! What is known of a merchant, as far as rules of regulation ask.

use crate::regulation::{Institution, Question};
use channels::operation::Channel;
use compliance::Action;
use serde::{Deserialize, Serialize};

/// Kind of merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MerchantKind {
    /// A company.
    Company,
    /// A sole trader with a business licence (个体工商户).
    SoleTrader,
    /// Without a business licence (小微商户).
    Micro,
    /// A natural person.
    NaturalPerson,
}

impl MerchantKind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            MerchantKind::Company => "company",
            MerchantKind::SoleTrader => "sole_trader",
            MerchantKind::Micro => "micro",
            MerchantKind::NaturalPerson => "natural_person",
        }
    }
}

/// Where a merchant sells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Premises {
    /// In a shop.
    Shop,
    /// On the network only.
    Online,
}

/// Who checked a merchant and signed with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckedBy {
    /// This institution.
    Institution,
    /// A bank.
    Bank,
    /// Another payment institution.
    Npi,
    /// A platform.
    Platform,
    /// A service provider.
    Isv,
}

impl CheckedBy {
    fn word(self, institution: &Institution) -> Option<&'static str> {
        match self {
            CheckedBy::Institution => institution.kind.map(|kind| kind.word()),
            CheckedBy::Bank => Some("bank"),
            CheckedBy::Npi => Some("npi"),
            CheckedBy::Platform => Some("platform"),
            CheckedBy::Isv => Some("isv"),
        }
    }
}

/// The code a merchant shows to payers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeKind {
    /// None.
    None,
    /// One that stands on the counter.
    Static,
    /// One for each order.
    Dynamic,
}

/// What is known of a merchant; whatever is absent is not known, and a rule that needs it asks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// Kind of merchant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<MerchantKind>,
    /// Where it sells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub premises: Option<Premises>,
    /// Its province.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub province: Option<String>,
    /// The institution's number for the person or firm behind it: limits per identity document add up the
    /// merchants that name the same and are kept together, so it is taken only of a merchant of a group. All
    /// merchants of an owner belong to one group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Who checked it and signed with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked_by: Option<CheckedBy>,
    /// Its owner is identified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identified: Option<bool>,
    /// Due diligence was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_diligence: Option<bool>,
    /// It or its owner stands on a list of persons with whom nobody may deal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listed: Option<bool>,
    /// It is known to act unlawfully.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unlawful: Option<bool>,
    /// It lets others without a licence collect through it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serves_unlicensed: Option<bool>,
    /// There is a written agreement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement_written: Option<bool>,
    /// The agreement forbids to store sensitive data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement_bans_sensitive_data: Option<bool>,
    /// Days of notice that the agreement promises before a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement_notice_days: Option<u16>,
    /// What of its acquiring is given to outsourcers, in the words of the fact `outsourced`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outsourced: Option<Vec<String>>,
    /// The code it shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeKind>,
    /// Its static code was made by the institution's server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_server_made: Option<bool>,
    /// Its static code is displayed under control and inspected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_display_controlled: Option<bool>,
    /// Its terminal is registered with the clearing institutions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminal_registered: Option<bool>,
    /// Fields bound to its terminal, of five.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminal_bound_fields: Option<u8>,
    /// Its terminal is where it was registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminal_location_matches: Option<bool>,
    /// Days of continuous normal trade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trading_days: Option<u16>,
    /// The channel's permission to split is on file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split_permission: Option<bool>,
}

impl Profile {
    /// A company that sells online and was checked in every respect: what an ordinary merchant states.
    pub fn ordinary() -> Profile {
        Profile {
            kind: Some(MerchantKind::Company),
            premises: Some(Premises::Online),
            province: Some("shanghai".to_owned()),
            checked_by: Some(CheckedBy::Institution),
            identified: Some(true),
            due_diligence: Some(true),
            listed: Some(false),
            unlawful: Some(false),
            serves_unlicensed: Some(false),
            agreement_written: Some(true),
            agreement_bans_sensitive_data: Some(true),
            agreement_notice_days: Some(30),
            outsourced: Some(Vec::new()),
            code: Some(CodeKind::Dynamic),
            split_permission: Some(true),
            ..Profile::default()
        }
    }

    /// What a newer statement says, and for the rest what was known.
    pub(crate) fn changed_by(mut self, newer: &Profile) -> Profile {
        macro_rules! take {
            ($($field:ident),* $(,)?) => {
                $(if newer.$field.is_some() { self.$field.clone_from(&newer.$field); })*
            };
        }
        take!(
            kind,
            premises,
            province,
            owner,
            checked_by,
            identified,
            due_diligence,
            listed,
            unlawful,
            serves_unlicensed,
            agreement_written,
            agreement_bans_sensitive_data,
            agreement_notice_days,
            outsourced,
            code,
            code_server_made,
            code_display_controlled,
            terminal_registered,
            terminal_bound_fields,
            terminal_location_matches,
            trading_days,
            split_permission,
        );
        self
    }

    /// States what the merchant is and where it sells.
    pub(crate) fn state<'q>(
        &self,
        institution: &Institution,
        question: Question<'q>,
    ) -> Question<'q> {
        let province = self.province.as_deref();
        question
            .maybe("merchant.kind", self.kind.map(MerchantKind::word))
            .maybe(
                "merchant.physical",
                self.premises.map(|premises| premises == Premises::Shop),
            )
            .maybe("merchant.province", self.province.clone())
            .maybe(
                "merchant.branch_in_province",
                province.and_then(|province| institution.branch_in(province)),
            )
    }

    /// May this merchant be served?
    pub(crate) fn onboarding(&self, institution: &Institution) -> Question<'static> {
        let checked_by = self.checked_by.and_then(|by| by.word(institution));
        let code = self.code.map(|code| match code {
            CodeKind::None => "none",
            CodeKind::Static => "static",
            CodeKind::Dynamic => "dynamic",
        });
        let question = Question::new(Action::OnboardMerchant)
            .with("service", "code_acquiring")
            .with("lifecycle", "new")
            .with("change", "add_merchant")
            // A business relation begins.
            .with("cdd_trigger", true)
            .maybe("channel_user", institution.kind.map(|kind| kind.word()))
            .over(Channel::Wechat)
            .maybe("merchant.onboarded_by", checked_by)
            .maybe("merchant.checked_by", checked_by)
            .maybe("merchant.illegal", self.unlawful)
            .maybe("customer.identified", self.identified)
            .maybe("cdd_done", self.due_diligence)
            .maybe("downstream_unlicensed", self.serves_unlicensed)
            .maybe("agreement_written", self.agreement_written)
            .maybe(
                "merchant_contract_bans_sensitive",
                self.agreement_bans_sensitive_data,
            )
            .maybe(
                "change_notice_days",
                self.agreement_notice_days.map(i64::from),
            )
            .maybe("outsourced", self.outsourced.clone())
            .maybe("code", code)
            .maybe("server_generated", self.code_server_made)
            .maybe("display_controls", self.code_display_controlled)
            .maybe("terminal.registered", self.terminal_registered)
            .maybe(
                "terminal.bound_fields",
                self.terminal_bound_fields.map(i64::from),
            )
            .maybe("terminal.location_matches", self.terminal_location_matches);
        self.state(institution, question)
    }
}
