//! What legs of money raise.

use super::collecting::{from_balance, licence_scope, service, unknown_way};
use super::contracts::{channel, depository, interface};
use super::holding::{holding, paying_out, waiting};
use super::pooling::pooling;
use super::reserve::{overdrawn, spent};
use super::{Draft, Gathered, Subject, text};
use crate::fact::Value;
use crate::flow::error::FlowError;
use crate::flow::model::{Account, ContractKind, Hop, MoneyLeg, Stated};
use crate::flow::text::hop_name;
use crate::pack::Text;

pub(super) fn ask(gathered: &mut Gathered<'_>) -> Result<(), FlowError> {
    let flow = gathered.view.flow;
    for (position, leg) in flow.legs.iter().enumerate() {
        let before = gathered.questions.len();
        let drafts = drafts(gathered, position, leg);
        for (draft, from) in drafts {
            let mut stated: Vec<&Stated> = vec![&leg.facts];
            stated.extend(from);
            gathered.put(Subject::Leg(position), draft, &stated)?;
        }
        if gathered.questions.len() == before {
            // Nothing is known of how this money moves: that is asked, never allowed.
            let seen = text(
                "how the money gets there is not drawn",
                "未画出资金如何到达",
            );
            let draft = Draft::new(seen)
                .with("service", "transfer")
                .with("route", Value::Unknown);
            gathered.put(Subject::Leg(position), draft, &[&leg.facts])?;
        }
    }
    Ok(())
}

/// Every question of one leg, with the contract whose stated facts belong to it.
fn drafts<'a>(
    gathered: &Gathered<'a>,
    position: usize,
    leg: &'a MoneyLeg,
) -> Vec<(Draft, Option<&'a Stated>)> {
    let view = gathered.view;
    let flow = view.flow;
    let mut drafts: Vec<(Draft, Option<&Stated>)> = Vec::new();
    for party in [leg.holder, leg.from] {
        if view.pools(party) {
            drafts.push((pooling(gathered, party), None));
        }
    }
    drafts.extend(holding(gathered, leg).map(|draft| (draft, None)));
    drafts.extend(paying_out(gathered, leg).map(|draft| (draft, None)));
    drafts.extend(waiting(gathered, leg).map(|draft| (draft, None)));
    drafts.extend(code_issue(gathered, leg).map(|draft| (draft, None)));
    let mandate = flow
        .contracts_of(ContractKind::Mandate)
        .find(|(_, contract)| {
            contract.second == leg.from && [leg.to, leg.holder].contains(&contract.first)
        });
    if let Some((_, contract)) = mandate {
        let complete = contract.facts.facts.get("mandate_complete").cloned();
        let draft = Draft::new(text(
            "money is collected by direct debit under a mandate",
            "依授权代收（代扣）",
        ))
        .actor(flow.party(leg.holder))
        .with("service", "direct_debit")
        .needed("mandate_complete", complete)
        .maybe("purpose", leg.purpose.clone().map(Value::Word));
        drafts.push((draft, Some(&contract.facts)));
    }
    let alone = [
        route(gathered, leg),
        unknown_way(gathered, leg),
        licence_scope(gathered, leg),
        overdrawn(gathered, position, leg),
        spent(gathered, leg),
    ];
    drafts.extend(alone.into_iter().flatten().map(|draft| (draft, None)));
    for (_, contract) in &flow.contracts_of(ContractKind::Channel).collect::<Vec<_>>() {
        let hops = leg.route.as_deref().unwrap_or_default();
        let on_route = |id| hops.contains(&Hop::Party(id));
        if on_route(contract.first) && on_route(contract.second) {
            drafts.push((channel(gathered, contract), Some(&contract.facts)));
        }
    }
    for (_, contract) in &flow
        .contracts_of(ContractKind::Interface)
        .collect::<Vec<_>>()
    {
        let collected = leg.holder == contract.first && !flow.party(leg.from).is_institution();
        if collected {
            let draft =
                interface(gathered, contract).maybe("source", leg.source.clone().map(Value::Word));
            drafts.push((draft, Some(&contract.facts)));
        }
    }
    for (_, contract) in &flow
        .contracts_of(ContractKind::Depository)
        .collect::<Vec<_>>()
    {
        if leg.holder == contract.first || leg.from == contract.first {
            drafts.push((depository(gathered, contract), Some(&contract.facts)));
        }
    }
    for party in [leg.from, leg.holder] {
        if flow.party(party).kind == "p2p_platform" && view.pools(party) {
            let who = flow.party(party);
            let draft = Draft::new(text(
                format!("{} keeps lenders' and borrowers' money itself", who.name.en),
                format!("{}自行持有出借人与借款人资金", who.name.zh),
            ))
            .actor(who)
            .with("service", "depository")
            .with("client.kind", "p2p_platform")
            .with("depository_kind", "p2p_platform")
            .stage(flow);
            drafts.push((draft, None));
        }
    }
    drafts
}

/// Who may issue the code that is scanned.
fn code_issue(gathered: &Gathered<'_>, leg: &MoneyLeg) -> Option<Draft> {
    let flow = gathered.view.flow;
    let code = leg.code.as_ref()?;
    let draft = match code.issuer {
        Some(issuer) => {
            let issuer = flow.party(issuer);
            Draft::new(text(
                format!("{} issues the code", issuer.name.en),
                format!("{}发码", issuer.name.zh),
            ))
            .actor(issuer)
        }
        None => Draft::new(text("who issues the code is not said", "未说明由谁发码"))
            .with("actor.kind", Value::Unknown),
    };
    Some(draft.with("service", "code_issue"))
}

/// The way of message and money.
fn route(gathered: &Gathered<'_>, leg: &MoneyLeg) -> Option<Draft> {
    let view = gathered.view;
    let flow = view.flow;
    let hops = leg.route.as_ref().or(leg.funds_route.as_ref())?;
    // Money from another institution does not get into a reserve in one step.
    let cut = flow.party(leg.holder).kind == "npi" && leg.from != leg.holder && !from_balance(leg);
    let words = |hops: &[Hop]| {
        if cut && hops.len() < 2 {
            Value::Unknown
        } else {
            Value::Words(view.route_words(hops))
        }
    };
    let names: Vec<Text> = hops.iter().map(|hop| hop_name(flow, hop)).collect();
    let way_en: Vec<&str> = names.iter().map(|name| name.en.as_str()).collect();
    let way_zh: Vec<&str> = names.iter().map(|name| name.zh.as_str()).collect();
    let (way_en, way_zh) = (way_en.join(" → "), way_zh.join(" → "));
    let service = service(view, leg);
    let direct = view.is_direct(leg);
    let seen = if direct {
        text(
            format!("two institutions are linked directly: {way_en}"),
            format!("机构之间直连：{way_zh}"),
        )
    } else {
        text(format!("the route is {way_en}"), format!("路径为 {way_zh}"))
    };
    let mut draft = Draft::new(seen);
    if let Some(first) = view.first_hop(leg) {
        draft = draft.actor(flow.party(first));
    }
    draft = draft
        .word("service", &service)
        .stage(flow)
        .maybe("source", leg.source.clone().map(Value::Word));
    // The money goes the way of the message unless its own is drawn.
    draft = match (&leg.route, &leg.funds_route) {
        (Some(message), Some(money)) => draft
            .with("information_route", words(message))
            .with("funds_route", words(money)),
        _ => draft
            .with("route", words(hops))
            .with("funds_route", words(hops)),
    };
    draft = draft.needed("from_central_reserve", leaves_reserve(gathered, leg));
    if let Some(middle) = view.between(leg) {
        draft = if flow.party(middle).kind == "bank" {
            draft.with("bank_role", "springboard")
        } else {
            draft.with("role", "switch_between_other_institutions")
        };
    }
    if service == "code_payment" {
        let code = leg.code.as_ref();
        let kind = code.and_then(|code| code.kind.clone()).map(Value::Word);
        let scan = code.and_then(|code| code.scan.clone()).map(Value::Word);
        draft = draft
            .needed("code", kind)
            .maybe("scan", scan)
            .needed("amount", leg.amount.map(Value::Number));
    }
    if ["code_acquiring", "card_acquiring"].contains(&service.as_ref()) {
        draft = merchant_place(gathered, leg, draft);
    }
    Some(draft)
}

/// Whether a leg leaves an institution's reserve, which lies centrally; `None`: not drawn.
pub(super) fn leaves_reserve(gathered: &Gathered<'_>, leg: &MoneyLeg) -> Option<bool> {
    if gathered.view.flow.party(leg.from).kind != "npi" {
        return Some(false);
    }
    let mut accounts = gathered.view.incoming(leg.from).map(|(_, leg)| leg.account);
    let first = accounts.next()??;
    Some(first == Account::Reserve || accounts.any(|other| other == Some(Account::Reserve)))
}

/// Where the merchant sells, as far as acquiring rules ask.
fn merchant_place(gathered: &Gathered<'_>, leg: &MoneyLeg, draft: Draft) -> Draft {
    let view = gathered.view;
    let acquirer = view.first_hop(leg).unwrap_or(leg.holder);
    let mut merchants = view.merchants_behind(acquirer);
    if let Some(crate::flow::model::GoodsOf::Party(owner)) = view.goods(leg) {
        merchants.insert(0, owner);
    }
    let Some(merchant) = merchants.first().map(|id| view.flow.party(*id)) else {
        return draft;
    };
    let province = merchant.province.clone().map(Value::Word);
    draft
        .maybe("merchant.physical", merchant.physical)
        .maybe("merchant.online", merchant.online)
        .maybe("merchant.province", province)
}
