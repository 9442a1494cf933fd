//! From nested values to a flow, everything in it checked.

use super::cursor::Cursor;
use super::error::FlowError;
use super::model::{
    Account, Code, Contract, ContractKind, Expectation, Flow, GoodsOf, Hop, MoneyLeg, Party,
    PartyId,
};
use super::view::false_refund;
use crate::decision::Verdict;
use crate::fact::{self, Node, Word, nearest};
use std::collections::HashMap;

/// Clearing bodies that a route may name without drawing them.
pub(super) const CLEARING: [&str; 5] = [
    "nucc",
    "unionpay",
    "pbc_interbank",
    "cityclear",
    "ruralclear",
];

const TOP: [&str; 9] = [
    "title",
    "as_of",
    "lifecycle",
    "change",
    "party",
    "contract",
    "leg",
    "facts",
    "expect",
];
const EXPECT: [&str; 7] = [
    "as_of", "verdict", "rules", "legs", "shapes", "missing", "deadline",
];
const PARTY: [&str; 15] = [
    "name",
    "kind",
    "licences",
    "acquiring_regions",
    "group",
    "physical",
    "online",
    "province",
    "wallet",
    "system",
    "offers",
    "own_name",
    "data_stored",
    "touches_sensitive",
    "facts",
];
const CONTRACT: [&str; 8] = [
    "kind",
    "between",
    "checked_by",
    "functions",
    "resold",
    "page",
    "documents",
    "facts",
];
const LEG: [&str; 17] = [
    "from",
    "to",
    "holder",
    "account",
    "amount",
    "purpose",
    "relation",
    "service",
    "source",
    "days",
    "until",
    "goods_of",
    "route",
    "funds_route",
    "code",
    "funding",
    "facts",
];

/// The words of a fact.
fn words_of(path: &str) -> &'static [&'static str] {
    fact::find(path).map_or(&[], |id| fact::definition(id).words)
}

/// A flow; the first thing that is wrong is said with its field and line.
pub fn flow_from_node(node: &Node) -> Result<Flow, FlowError> {
    let top = Cursor {
        node,
        path: String::new(),
    };
    top.only(&TOP)?;
    let parties = top
        .need("party", "parties as tables, for instance [party.shop]")?
        .entries()?
        .iter()
        .map(|(id, cursor)| party(id, cursor))
        .collect::<Result<Vec<_>, _>>()?;
    let names: HashMap<&str, PartyId> = parties
        .iter()
        .enumerate()
        .map(|(position, party)| (party.id.as_str(), position))
        .collect();
    let reader = Reader {
        parties: &parties,
        names: &names,
    };
    let contracts = match top.get("contract") {
        Some(cursor) => cursor
            .items()?
            .iter()
            .map(|item| reader.contract(item))
            .collect::<Result<Vec<_>, _>>()?,
        None => Vec::new(),
    };
    let legs = top
        .need("leg", "at least one leg of money, [[leg]]")?
        .items()?
        .iter()
        .map(|item| reader.leg(item))
        .collect::<Result<Vec<_>, _>>()?;
    if legs.is_empty() {
        return Err(top.error("there is no leg of money", "at least one [[leg]]"));
    }
    let as_of = top.get("as_of");
    let flow = Flow {
        title: top
            .get("title")
            .map(|cursor| cursor.both())
            .transpose()?
            .unwrap_or_default(),
        as_of: as_of.as_ref().map(Cursor::day).transpose()?,
        as_of_line: as_of.map_or(0, |cursor| cursor.node.line),
        lifecycle: option(&top, "lifecycle", words_of("lifecycle"))?,
        change: option(&top, "change", words_of("change"))?,
        facts: top.stated()?,
        expect: match top.get("expect") {
            Some(cursor) => cursor
                .items()?
                .iter()
                .map(expectation)
                .collect::<Result<Vec<_>, _>>()?,
            None => Vec::new(),
        },
        contracts,
        legs,
        parties,
    };
    match false_refund(&flow) {
        None => Ok(flow),
        Some((position, leg)) => {
            let to = &flow.party(leg.to).id;
            let stated = top.get("leg").map(|legs| legs.items()).transpose()?;
            let place = stated
                .and_then(|legs| legs.get(position).cloned())
                .and_then(|leg| leg.get("purpose").or_else(|| leg.get("service")))
                .unwrap_or(top);
            Err(place.error(
                format!(
                    "the leg says `refund`, but `{to}` has not paid it before: this is a payout"
                ),
                format!("an earlier leg by which `{to}` pays for the same goods at least as much, or no `refund`"),
            ))
        }
    }
}

fn verdict(cursor: &Cursor<'_>) -> Result<Verdict, FlowError> {
    let words = ["allow", "limit", "migrate", "ask", "deny"];
    let word = cursor.word(&words)?;
    Verdict::from_word(&word).ok_or_else(|| cursor.error("unknown verdict", words.join(", ")))
}

fn expectation(cursor: &Cursor<'_>) -> Result<Expectation, FlowError> {
    cursor.only(&EXPECT)?;
    let words = |name: &str| Ok::<_, FlowError>(list(cursor, name, &[])?.unwrap_or_default());
    Ok(Expectation {
        as_of: cursor.need("as_of", "the day of the expectation")?.day()?,
        verdict: verdict(&cursor.need("verdict", "the verdict expected")?)?,
        rules: words("rules")?,
        legs: match cursor.get("legs") {
            Some(legs) => legs
                .items()?
                .iter()
                .map(verdict)
                .collect::<Result<_, _>>()?,
            None => Vec::new(),
        },
        shapes: words("shapes")?,
        missing: words("missing")?,
        deadline: cursor.get("deadline").map(|day| day.day()).transpose()?,
    })
}

fn option(cursor: &Cursor<'_>, name: &str, words: &[&str]) -> Result<Option<Word>, FlowError> {
    cursor.get(name).map(|value| value.word(words)).transpose()
}

fn flag(cursor: &Cursor<'_>, name: &str) -> Result<Option<bool>, FlowError> {
    cursor.get(name).map(|value| value.flag()).transpose()
}

fn list(cursor: &Cursor<'_>, name: &str, words: &[&str]) -> Result<Option<Vec<Word>>, FlowError> {
    cursor.get(name).map(|value| value.words(words)).transpose()
}

/// A province by its name or its letter code.
fn province(cursor: &Cursor<'_>) -> Result<Word, FlowError> {
    fact::spelled("merchant.province", cursor.text()?)
        .or_else(|_| cursor.word(words_of("merchant.province")))
}

fn party(id: &str, cursor: &Cursor<'_>) -> Result<Party, FlowError> {
    cursor.only(&PARTY)?;
    if CLEARING.contains(&id) {
        return Err(cursor.error(
            format!("`{id}` is a clearing body that routes name without drawing it"),
            "another name for the party",
        ));
    }
    if id.is_empty()
        || id.len() > 40
        || !id
            .chars()
            .all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '-')
        || ["none", "unknown"].contains(&id)
    {
        return Err(cursor.error(
            "this cannot be the name of a party",
            "1 to 40 letters, digits, `_` or `-`, not `none` or `unknown`",
        ));
    }
    let kind = cursor
        .need(
            "kind",
            &format!("one of {}", words_of("actor.kind").join(", ")),
        )?
        .word(words_of("actor.kind"))?;
    let mut licences = list(cursor, "licences", words_of("actor.licences"))?;
    if let Some(held) = &licences {
        let says_bank = held.iter().any(|licence| licence == "bank");
        let place = cursor.get("licences").unwrap_or_else(|| cursor.clone());
        if says_bank != (kind == "bank") {
            return Err(place.error(
                format!("the licences contradict kind `{kind}`"),
                "the licence `bank` for kind `bank`, and for no other",
            ));
        }
        if !held.is_empty() && !["bank", "npi"].contains(&kind.as_ref()) {
            return Err(place.error(
                format!("the licences contradict kind `{kind}`"),
                "kind `npi` for a party with a payment licence",
            ));
        }
    } else if kind == "bank" {
        licences = Some(vec![Word::Borrowed("bank")]);
    } else if kind != "npi" {
        // Whoever has a payment licence is an `npi`.
        licences = Some(Vec::new());
    }
    let physical = flag(cursor, "physical")?;
    let online = flag(cursor, "online")?;
    if physical == Some(false) && online == Some(false) {
        return Err(cursor.error(
            "`physical` contradicts `online`: a merchant sells somewhere",
            "one of them true",
        ));
    }
    let offers = [&["wallet"], words_of("activity")].concat();
    let wallet = flag(cursor, "wallet")?.unwrap_or(false);
    if wallet && kind != "npi" {
        return Err(cursor.error(
            format!("`wallet` contradicts kind `{kind}`"),
            "kind `npi` for a wallet; what others offer goes into `offers`",
        ));
    }
    Ok(Party {
        id: id.to_owned(),
        name: match cursor.get("name") {
            Some(name) => name.both()?,
            None => crate::pack::Text {
                en: id.to_owned(),
                zh: id.to_owned(),
            },
        },
        licences,
        acquiring_regions: cursor
            .get("acquiring_regions")
            .map(|regions| regions.items()?.iter().map(province).collect())
            .transpose()?,
        group: option(cursor, "group", &[])?,
        physical,
        online,
        province: cursor
            .get("province")
            .map(|place| province(&place))
            .transpose()?,
        wallet,
        system: option(cursor, "system", &["mall", "depository"])?,
        offers: list(cursor, "offers", &offers)?.unwrap_or_default(),
        own_name: flag(cursor, "own_name")?,
        data_stored: list(cursor, "data_stored", words_of("data.stored"))?,
        touches_sensitive: flag(cursor, "touches_sensitive")?,
        facts: cursor.stated()?,
        line: cursor.node.line,
        kind,
    })
}

struct Reader<'a> {
    parties: &'a [Party],
    names: &'a HashMap<&'a str, PartyId>,
}

impl Reader<'_> {
    fn kind_of(&self, id: PartyId) -> &str {
        self.parties.get(id).map_or("", |party| party.kind.as_ref())
    }

    fn party(&self, cursor: &Cursor<'_>) -> Result<PartyId, FlowError> {
        let name = cursor.text()?;
        self.names.get(name).copied().ok_or_else(|| {
            let near = nearest(name, self.parties.iter().map(|party| party.id.as_str()))
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            let mut known: Vec<&str> = self.parties.iter().map(|party| party.id.as_str()).collect();
            known.truncate(20);
            cursor.error(
                format!("there is no party `{name}`{near}"),
                format!("one of the parties: {}", known.join(", ")),
            )
        })
    }

    fn optional(&self, cursor: &Cursor<'_>, name: &str) -> Result<Option<PartyId>, FlowError> {
        cursor.get(name).map(|value| self.party(&value)).transpose()
    }

    fn contract(&self, cursor: &Cursor<'_>) -> Result<Contract, FlowError> {
        cursor.only(&CONTRACT)?;
        let kinds: Vec<&str> = ContractKind::ALL.iter().map(|(_, word, _)| *word).collect();
        let field = cursor.need("kind", &format!("one of {}", kinds.join(", ")))?;
        let word = field.word(&kinds)?;
        let Some((kind, _, pair)) = ContractKind::ALL
            .iter()
            .find(|(_, known, _)| word == *known)
        else {
            return Err(field.error("unknown kind", kinds.join(", ")));
        };
        let between = cursor.need("between", &format!("two parties: {pair}"))?;
        let sides = between.items()?;
        let [first, second] = sides.as_slice() else {
            return Err(between.error("a contract has two parties", (*pair).to_owned()));
        };
        let (first, second) = (self.party(first)?, self.party(second)?);
        if first == second {
            return Err(between.error("both are the same party", (*pair).to_owned()));
        }
        let licensed_first = matches!(
            kind,
            ContractKind::Acquiring
                | ContractKind::Agency
                | ContractKind::Channel
                | ContractKind::Interface
        );
        if licensed_first && !["bank", "npi"].contains(&self.kind_of(first)) {
            return Err(between.error(
                format!("`{word}` begins with a bank or payment institution"),
                (*pair).to_owned(),
            ));
        }
        let checked_by = match cursor.get("checked_by") {
            None => None,
            Some(value) => match value.text()? {
                "none" => Some(None),
                "unknown" => None,
                _ => Some(Some(self.party(&value)?)),
            },
        };
        Ok(Contract {
            kind: *kind,
            first,
            second,
            checked_by,
            functions: list(cursor, "functions", words_of("outsourced"))?,
            resold: flag(cursor, "resold")?,
            page: self.optional(cursor, "page")?,
            documents: flag(cursor, "documents")?,
            facts: cursor.stated()?,
            line: cursor.node.line,
        })
    }

    fn leg(&self, cursor: &Cursor<'_>) -> Result<MoneyLeg, FlowError> {
        cursor.only(&LEG)?;
        let from = self.party(&cursor.need("from", "the party that pays")?)?;
        let target = cursor.need(
            "to",
            "the party that is to get the money: no leg leads to nowhere",
        )?;
        let to = self.party(&target)?;
        let holder = self.optional(cursor, "holder")?.unwrap_or(to);
        if from == to {
            return Err(target.error(
                "the leg leads back to where it starts",
                "another party than `from`",
            ));
        }
        let account = self.account(cursor, holder)?;
        let until = cursor
            .get("until")
            .map(|value| value.word(&["confirmation"]))
            .transpose()?;
        let goods_of = match cursor.get("goods_of") {
            None => None,
            Some(value) if value.text()? == "unknown" => Some(GoodsOf::Unknown),
            Some(value) => Some(GoodsOf::Party(self.party(&value)?)),
        };
        let service = option(cursor, "service", words_of("service"))?;
        let funding = option(cursor, "funding", &["own", "reserve"])?;
        if let (Some(_), Some(place)) = (&funding, cursor.get("funding"))
            && service.as_deref() != Some("advance")
        {
            return Err(place.error(
                "`funding` says whose money is advanced, but this leg is no advance",
                "service = \"advance\" beside it",
            ));
        }
        Ok(MoneyLeg {
            from,
            to,
            holder,
            account,
            amount: cursor.get("amount").map(|value| value.yuan()).transpose()?,
            purpose: option(cursor, "purpose", &[])?,
            relation: option(cursor, "relation", &[])?,
            service,
            source: option(cursor, "source", words_of("source"))?,
            days: cursor.get("days").map(|value| value.days()).transpose()?,
            until_confirmation: until.is_some(),
            goods_of,
            route: self.route(cursor, "route")?,
            funds_route: self.route(cursor, "funds_route")?,
            code: self.code(cursor)?,
            funding,
            facts: cursor.stated()?,
            line: cursor.node.line,
        })
    }

    fn account(&self, cursor: &Cursor<'_>, holder: PartyId) -> Result<Option<Account>, FlowError> {
        let words: Vec<&str> = Account::ALL.iter().map(|(_, word)| *word).collect();
        let Some(value) = cursor.get("account") else {
            return Ok(None);
        };
        let word = value.word(&words)?;
        let account = Account::ALL
            .iter()
            .find(|(_, known)| word == *known)
            .map(|(account, _)| *account);
        let kind = self.kind_of(holder);
        let fits = match account {
            Some(Account::Reserve) => kind == "npi",
            Some(Account::SubAccount) => kind == "bank",
            _ => true,
        };
        if fits {
            return Ok(account);
        }
        Err(value.error(
            format!("`{word}` contradicts the holder, which is of kind `{kind}`"),
            "`reserve` at a payment institution, `sub_account` at a bank, `own` anywhere",
        ))
    }

    fn route(&self, cursor: &Cursor<'_>, name: &str) -> Result<Option<Vec<Hop>>, FlowError> {
        let Some(value) = cursor.get(name) else {
            return Ok(None);
        };
        let mut hops: Vec<Hop> = Vec::new();
        for item in value.items()? {
            let text = item.text()?;
            let hop = match CLEARING.iter().find(|known| **known == text) {
                Some(known) => Hop::Clearing(known),
                None => Hop::Party(self.party(&item)?),
            };
            if let Hop::Party(id) = &hop
                && ["natural_person", "merchant", "micro_merchant"].contains(&self.kind_of(*id))
            {
                return Err(item.error(
                    format!(
                        "`{text}` is of kind `{}` and forwards nothing",
                        self.kind_of(*id)
                    ),
                    "institutions and whoever stands between them",
                ));
            }
            if hops.last() == Some(&hop) {
                return Err(item.error(format!("`{text}` stands twice in a row"), "another hop"));
            }
            hops.push(hop);
        }
        if hops.is_empty() {
            return Err(value.error(
                "the route is empty",
                "the hops, for instance [\"npi\", \"nucc\", \"bank\"]",
            ));
        }
        Ok(Some(hops))
    }

    fn code(&self, cursor: &Cursor<'_>) -> Result<Option<Code>, FlowError> {
        let Some(code) = cursor.get("code") else {
            return Ok(None);
        };
        code.only(&["issuer", "kind", "scan"])?;
        Ok(Some(Code {
            issuer: self.optional(&code, "issuer")?,
            kind: option(&code, "kind", &["static", "dynamic"])?,
            scan: option(&code, "scan", words_of("scan"))?,
        }))
    }
}
