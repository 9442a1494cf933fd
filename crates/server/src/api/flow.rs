//! Schemas of drawn business models and of facts. Both are read by the evaluator itself, with its own
//! messages; what is said here is said from its vocabulary.

use compliance::{FactDef, FactKind, Origin, find_fact, vocabulary};
use std::collections::BTreeMap;
use utoipa::openapi::schema::{ArrayBuilder, Object, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Array, RefOr};

/// A business model: parties, contracts and legs of money.
#[derive(utoipa::ToSchema)]
#[schema(as = Flow)]
#[allow(
    dead_code,
    reason = "describes compliance::flow::Flow in the API's description"
)]
pub struct FlowSchema {
    /// Title: a text, or one in each language.
    #[schema(schema_with = text)]
    title: Option<String>,
    /// The day it is judged as of.
    #[schema(format = Date)]
    as_of: Option<String>,
    /// Whether the model is new or there already.
    #[schema(schema_with = lifecycle, required = false)]
    lifecycle: Option<String>,
    /// What is added to one that is there.
    #[schema(schema_with = change, required = false)]
    change: Option<String>,
    /// Parties by their names.
    party: BTreeMap<String, PartySchema>,
    /// Agreements.
    contract: Option<Vec<ContractSchema>>,
    /// Legs of money, at least one.
    #[schema(min_items = 1)]
    leg: Vec<LegSchema>,
    /// Facts that hold for all of it.
    #[schema(schema_with = facts, required = false)]
    facts: Option<()>,
    /// Expectations of an example file; read and otherwise ignored.
    #[schema(value_type = Option<Vec<Object>>)]
    expect: Option<()>,
}

/// A party.
#[derive(utoipa::ToSchema)]
#[schema(as = FlowParty)]
#[allow(
    dead_code,
    reason = "describes compliance::flow::Party in the API's description"
)]
pub struct PartySchema {
    /// Name for people: a text, or one in each language.
    #[schema(schema_with = text, required = false)]
    name: Option<String>,
    /// What it is.
    #[schema(schema_with = actor_kind)]
    kind: String,
    /// Licences; empty: none, absent: not known of a payment institution.
    #[schema(schema_with = licences, required = false)]
    licences: Option<Vec<String>>,
    /// Provinces of its acquiring licence.
    acquiring_regions: Option<Vec<String>>,
    /// Name of the group of companies it belongs to.
    group: Option<String>,
    /// Sells in a shop.
    physical: Option<bool>,
    /// Sells on the net.
    online: Option<bool>,
    /// Its province.
    province: Option<String>,
    /// Keeps wallets (payment accounts); of payment institutions.
    wallet: Option<bool>,
    /// A system that it runs: `mall` or `depository`.
    system: Option<String>,
    /// Financial business that it offers.
    offers: Option<Vec<String>>,
    /// Whether it offers that in its own name.
    own_name: Option<bool>,
    /// Data that it stores.
    data_stored: Option<Vec<String>>,
    /// Sees sensitive payment data.
    touches_sensitive: Option<bool>,
    /// Facts about it.
    #[schema(schema_with = facts, required = false)]
    facts: Option<()>,
}

/// An agreement between two parties.
#[derive(utoipa::ToSchema)]
#[schema(as = FlowContract)]
#[allow(
    dead_code,
    reason = "describes compliance::flow::Contract in the API's description"
)]
pub struct ContractSchema {
    /// What it is about: `acquiring`, `agency`, `outsourcing`, `channel`, `interface`, …
    #[schema(example = "acquiring")]
    kind: String,
    /// The two parties, in the order that the kind means.
    #[schema(min_items = 2, max_items = 2)]
    between: Vec<String>,
    /// Who checked the second party: a party, `none` or `unknown`.
    checked_by: Option<String>,
    /// Functions given to an outsourcer.
    functions: Option<Vec<String>>,
    /// Whether the channel is resold.
    resold: Option<bool>,
    /// The party whose page the payer sees.
    page: Option<String>,
    /// Whether contracts and invoices are on file.
    documents: Option<bool>,
    /// Facts about it.
    #[schema(schema_with = facts, required = false)]
    facts: Option<()>,
}

/// A leg of money.
#[derive(utoipa::ToSchema)]
#[schema(as = FlowLeg)]
#[allow(
    dead_code,
    reason = "describes compliance::flow::MoneyLeg in the API's description"
)]
pub struct LegSchema {
    /// The party that pays.
    from: String,
    /// The party that is to get the money.
    to: String,
    /// The party with which it rests, if not the one that is to get it.
    holder: Option<String>,
    /// Where it rests: `own`, `reserve` (at a payment institution), `sub_account` (at a bank).
    account: Option<String>,
    /// Yuan, at most two decimals.
    #[schema(minimum = 0)]
    amount: Option<f64>,
    /// What it is for.
    purpose: Option<String>,
    /// How the receiver is related to the payer.
    relation: Option<String>,
    /// The service by which it moves.
    #[schema(schema_with = service, required = false)]
    service: Option<String>,
    /// What it is paid from.
    #[schema(schema_with = source, required = false)]
    source: Option<String>,
    /// Days that it rests.
    #[schema(minimum = 0, maximum = 36_500)]
    days: Option<u32>,
    /// `confirmation`: until the buyer confirms.
    until: Option<String>,
    /// The party whose goods are paid for, or `unknown`.
    goods_of: Option<String>,
    /// Parties and clearing bodies that the payment passes.
    route: Option<Vec<String>>,
    /// The same of the funds, where they go another way than the messages.
    funds_route: Option<Vec<String>>,
    /// The code that is scanned.
    code: Option<CodeSchema>,
    /// Whose money is advanced: `own` or `reserve`.
    funding: Option<String>,
    /// Facts about it.
    #[schema(schema_with = facts, required = false)]
    facts: Option<()>,
}

/// A code.
#[derive(utoipa::ToSchema)]
#[schema(as = FlowCode)]
#[allow(
    dead_code,
    reason = "describes compliance::flow::Code in the API's description"
)]
pub struct CodeSchema {
    /// The party that issued it.
    issuer: Option<String>,
    /// `static` or `dynamic`.
    kind: Option<String>,
    /// Who scans.
    #[schema(schema_with = scan, required = false)]
    scan: Option<String>,
}

fn words_of(path: &str) -> Object {
    let words = find_fact(path).map_or(&[][..], |id| compliance::definition(id).words);
    let text = ObjectBuilder::new().schema_type(Type::String);
    if words.is_empty() {
        return text.build();
    }
    text.enum_values(Some(words.iter().copied())).build()
}

fn lifecycle() -> Object {
    words_of("lifecycle")
}

fn change() -> Object {
    words_of("change")
}

fn actor_kind() -> Object {
    words_of("actor.kind")
}

fn licences() -> Array {
    ArrayBuilder::new()
        .items(words_of("actor.licences"))
        .build()
}

fn service() -> Object {
    words_of("service")
}

fn source() -> Object {
    words_of("source")
}

fn scan() -> Object {
    words_of("scan")
}

/// A text for both languages, or `{en, zh}`.
fn text() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Object]))
        .property("en", ObjectBuilder::new().schema_type(Type::String))
        .property("zh", ObjectBuilder::new().schema_type(Type::String))
        .build()
}

/// A node of the tree that dotted names make.
#[derive(Default)]
struct Branch {
    fact: Option<&'static FactDef>,
    below: BTreeMap<&'static str, Branch>,
}

/// Facts, nested at the dots of their names; each may also be `unknown`.
pub fn facts() -> Object {
    let mut root = Branch::default();
    let stated = vocabulary()
        .iter()
        .filter(|fact| fact.origin != Origin::Concluded);
    for fact in stated {
        let parts = fact.path.split('.');
        let leaf = parts.fold(&mut root, |branch, part| {
            branch.below.entry(part).or_default()
        });
        leaf.fact = Some(fact);
    }
    object(&root)
}

fn object(branch: &Branch) -> Object {
    let mut built = ObjectBuilder::new().schema_type(Type::Object);
    for (name, below) in &branch.below {
        built = match below.fact {
            Some(fact) => built.property(*name, value(fact)),
            None => built.property(*name, object(below)),
        };
    }
    built.build()
}

fn list(item: Object, about: String) -> RefOr<Schema> {
    let list = ArrayBuilder::new().items(item).description(Some(about));
    RefOr::T(Schema::Array(list.build()))
}

fn value(fact: &FactDef) -> RefOr<Schema> {
    let about = format!("{} / {}", fact.en, fact.zh);
    let or_unknown = |of: Type| SchemaType::from_iter([of, Type::String]);
    let text = ObjectBuilder::new().schema_type(Type::String);
    let object = match fact.kind {
        FactKind::Flag => ObjectBuilder::new().schema_type(or_unknown(Type::Boolean)),
        FactKind::Count => ObjectBuilder::new().schema_type(or_unknown(Type::Integer)),
        FactKind::Money | FactKind::Ratio => {
            ObjectBuilder::new().schema_type(or_unknown(Type::Number))
        }
        FactKind::Day | FactKind::Clock | FactKind::Cycle => text,
        FactKind::Word if fact.words.is_empty() => text,
        FactKind::Word => {
            let words = fact.words.iter().copied().filter(|word| *word != "unknown");
            text.enum_values(Some(words.chain(["unknown"])))
        }
        FactKind::Words => return list(words_of(fact.path), about),
        FactKind::Legs | FactKind::Receivers => {
            let item = ObjectBuilder::new().schema_type(Type::Object).build();
            return list(item, format!("{about}; {}", fact.kind.form()));
        }
    };
    let described = object.description(Some(format!("{about}; {}", fact.kind.form())));
    RefOr::T(Schema::Object(described.build()))
}
