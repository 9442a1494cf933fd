//! What contracts raise.

use super::{Draft, Gathered, Subject, text};
use crate::fact::Value;
use crate::flow::error::FlowError;
use crate::flow::model::{Contract, ContractKind, PartyId};

/// Functions that the acquirer must do itself.
const CORE: [&str; 8] = [
    "merchant_review",
    "agreement_signing",
    "settlement",
    "transaction_processing",
    "risk_monitoring",
    "master_key",
    "interface_management",
    "dispute",
];

pub(super) fn ask(gathered: &mut Gathered<'_>) -> Result<(), FlowError> {
    let flow = gathered.view.flow;
    for (position, contract) in flow.contracts.iter().enumerate() {
        let subject = Subject::Contract(position);
        match contract.kind {
            ContractKind::Acquiring => acquiring(gathered, position, contract)?,
            ContractKind::Agency => {
                let draft = agency(gathered, contract);
                gathered.put(subject, draft, &[&contract.facts])?;
            }
            ContractKind::Outsourcing => outsourcing(gathered, subject, contract)?,
            ContractKind::Channel => {
                let draft = channel(gathered, contract);
                gathered.put(subject, draft, &[&contract.facts])?;
            }
            ContractKind::Interface => {
                let draft = interface(gathered, contract);
                gathered.put(subject, draft, &[&contract.facts])?;
            }
            ContractKind::Depository => {
                let draft = depository(gathered, contract);
                gathered.put(subject, draft, &[&contract.facts])?;
            }
            // What these show is judged on the legs.
            ContractKind::Purchase
            | ContractKind::CreditSale
            | ContractKind::Mandate
            | ContractKind::Sweeping => {}
        }
    }
    Ok(())
}

fn acquiring(
    gathered: &mut Gathered<'_>,
    position: usize,
    contract: &Contract,
) -> Result<(), FlowError> {
    let flow = gathered.view.flow;
    let subject = Subject::Contract(position);
    let acquirer = flow.party(contract.first);
    let merchant = flow.party(contract.second);
    let checker = gathered.checker(contract.checked_by, contract.first);
    let big = gathered
        .view
        .big_merchants()
        .into_iter()
        .any(|(found, _, _)| found == position);
    if big {
        let draft = Draft::new(text(
            format!(
                "{} signs only {}, which brings merchants of its own",
                acquirer.name.en, merchant.name.en
            ),
            format!(
                "{}仅与{}签约，后者自带下级商户（大商户模式）",
                acquirer.name.zh, merchant.name.zh
            ),
        ))
        .actor(acquirer)
        .with("model", "big_merchant")
        .word("channel_user", &merchant.kind)
        .word("merchant.onboarded_by", &merchant.kind)
        .stage(flow);
        // Only two institutions can be linked directly.
        let draft = if merchant.is_institution() {
            draft
        } else {
            draft.with("direct", false)
        };
        return gathered.put(subject, draft, &[&contract.facts]);
    }
    let draft = Draft::new(text(
        format!("{} signs {}", acquirer.name.en, merchant.name.en),
        format!("{}与{}签约", acquirer.name.zh, merchant.name.zh),
    ))
    .actor(acquirer)
    .word("merchant.signed_with", &acquirer.kind)
    .needed("merchant.onboarded_by", checker);
    gathered.put(subject, draft, &[&contract.facts])
}

fn agency(gathered: &Gathered<'_>, contract: &Contract) -> Draft {
    let view = gathered.view;
    let (licensed, agent) = (
        view.flow.party(contract.first),
        view.flow.party(contract.second),
    );
    let merchant = view
        .flow
        .contracts_of(ContractKind::Acquiring)
        .find(|(_, other)| [contract.first, contract.second].contains(&other.first));
    let signed = merchant.map(|(_, other)| view.flow.party(other.first).kind.clone());
    let checker =
        merchant.and_then(|(_, other)| gathered.checker(other.checked_by, contract.first));
    let payer = view
        .merchants_behind(contract.first)
        .iter()
        .find_map(|merchant| {
            let mut legs = view.flow.legs.iter();
            legs.find(|leg| leg.to == *merchant && leg.from != *merchant)
        })
        .map(|leg| view.flow.party(leg.from).kind.clone());
    let draft = Draft::new(text(
        format!("{} works as agent of {}", agent.name.en, licensed.name.en),
        format!(
            "{}为{}的代理（代理商模式）",
            agent.name.zh, licensed.name.zh
        ),
    ))
    .actor(licensed);
    let draft = if licensed.kind == "bank" {
        draft.with("model", "agent_of_bank")
    } else {
        draft.with("model", "agent_of_npi")
    };
    draft
        .needed("merchant.signed_with", signed.map(Value::Word))
        .needed("merchant.onboarded_by", checker)
        .maybe("settlement_payer", payer.map(Value::Word))
        .word("agent.kind", &agent.kind)
        .with("agent.holds_funds", holds_funds(gathered, contract.second))
        .needed("agent.touches_sensitive", agent.touches_sensitive)
}

/// Whether others' money rests with a party on its way.
pub(super) fn holds_funds(gathered: &Gathered<'_>, party: PartyId) -> bool {
    gathered.view.passes_on(party)
}

fn outsourcing(
    gathered: &mut Gathered<'_>,
    subject: Subject,
    contract: &Contract,
) -> Result<(), FlowError> {
    let view = gathered.view;
    let (principal, outsourcer) = (
        view.flow.party(contract.first),
        view.flow.party(contract.second),
    );
    let seen = match &contract.functions {
        Some(functions) => {
            let names: Vec<&str> = functions.iter().map(AsRef::as_ref).collect();
            text(
                format!("{} outsources: {}", principal.name.en, names.join(", ")),
                format!("{}外包：{}", principal.name.zh, names.join("、")),
            )
        }
        None => text(
            format!("what {} outsources is not said", principal.name.en),
            format!("未说明{}外包的业务环节", principal.name.zh),
        ),
    };
    let draft = Draft::new(seen)
        .actor(principal)
        .needed("outsourced", contract.functions.clone().map(Value::Words));
    gathered.put(subject, draft, &[])?;

    let core = contract.functions.as_ref().map(|functions| {
        let core = functions
            .iter()
            .filter(|function| CORE.contains(&function.as_ref()));
        Value::Words(core.cloned().collect())
    });
    let issues = view.flow.legs.iter().any(|leg| {
        leg.code
            .as_ref()
            .is_some_and(|code| code.issuer == Some(contract.second))
    });
    let codes = view.flow.legs.iter().any(|leg| leg.code.is_some());
    let settles = view.outgoing(contract.second).any(|(_, leg)| {
        matches!(
            view.flow.party(leg.to).kind.as_ref(),
            "merchant" | "micro_merchant"
        )
    });
    let draft = Draft::new(text(
        format!("{} serves {}", outsourcer.name.en, principal.name.en),
        format!("{}为{}提供外包服务", outsourcer.name.zh, principal.name.zh),
    ))
    .actor(outsourcer)
    .with("service", "aggregation")
    .with("holds_funds", holds_funds(gathered, contract.second))
    .with("settles", settles)
    .needed("core_functions", core)
    .needed("touches_sensitive", outsourcer.touches_sensitive)
    .maybe("issues_own_code", codes.then_some(issues));
    let draft = if principal.kind == "bank" && outsourcer.kind == "npi" {
        draft.with("role", "outsourcer_of_bank")
    } else {
        draft
    };
    gathered.put(subject, draft, &[&contract.facts])
}

/// A channel lent by its owner.
pub(super) fn channel(gathered: &Gathered<'_>, contract: &Contract) -> Draft {
    let view = gathered.view;
    let (owner, user) = (
        view.flow.party(contract.first),
        view.flow.party(contract.second),
    );
    let merchants: Vec<&Contract> = view
        .flow
        .contracts_of(ContractKind::Acquiring)
        .map(|(_, other)| other)
        .filter(|other| [contract.first, contract.second].contains(&other.first))
        .filter(|other| other.second != contract.second)
        .collect();
    // One merchant that the owner did not check is enough.
    let worst = merchants
        .iter()
        .find(|other| other.first != contract.first)
        .or(merchants.first());
    let checker =
        worst.and_then(
            |other| match gathered.checker(other.checked_by, contract.first) {
                None if other.first != contract.first => {
                    Some(Value::Word(view.flow.party(other.first).kind.clone()))
                }
                found => found,
            },
        );
    Draft::new(text(
        format!("{} lends its channel to {}", owner.name.en, user.name.en),
        format!("{}将通道出借给{}（通道外放）", owner.name.zh, user.name.zh),
    ))
    .actor(owner)
    .with("service", "direct_debit")
    .word("channel_user", &user.kind)
    .needed("merchant.onboarded_by", checker)
    .maybe("channel_resold", contract.resold)
    .stage(view.flow)
}

/// An interface used by somebody else.
pub(super) fn interface(gathered: &Gathered<'_>, contract: &Contract) -> Draft {
    let view = gathered.view;
    let (owner, caller) = (
        view.flow.party(contract.first),
        view.flow.party(contract.second),
    );
    let word = match (caller.kind.as_ref(), caller.system.as_deref()) {
        ("bank", Some("mall")) => Value::from("bank_mall"),
        ("bank", Some("depository")) => Value::from("bank_depository_system"),
        _ => Value::Word(caller.kind.clone()),
    };
    let page = contract.page.map(|page| {
        if page == contract.first || view.flow.party(page).kind != owner.kind {
            Value::Word(view.flow.party(page).kind.clone())
        } else {
            Value::from(format!("other_{}", owner.kind))
        }
    });
    let seller = view
        .flow
        .legs
        .iter()
        .filter(|leg| leg.holder == contract.first || leg.to == contract.first)
        .find_map(|leg| match view.goods(leg) {
            Some(crate::flow::model::GoodsOf::Party(seller)) => Some(seller),
            _ => None,
        });
    let sells = seller.map(|seller| {
        Value::from(if seller == contract.second && caller.kind == "bank" {
            "bank"
        } else {
            "third_party"
        })
    });
    let signed = seller
        .and_then(|seller| view.signed_by(seller))
        .map(|(_, acquirer)| {
            let kind = view.flow.party(acquirer).kind.clone();
            if acquirer == contract.first || kind != owner.kind {
                Value::Word(kind)
            } else {
                Value::from(format!("other_{kind}"))
            }
        });
    Draft::new(text(
        format!(
            "{} calls the payment interface of {}",
            caller.name.en, owner.name.en
        ),
        format!("{}调用{}的支付接口", caller.name.zh, owner.name.zh),
    ))
    .actor(owner)
    .with("service", "online_payment")
    .with("caller", word)
    .needed("hosted_page", page)
    .needed("seller", sells)
    .needed("seller_signed_with", signed)
}

/// Clients' money kept by a depository.
pub(super) fn depository(gathered: &Gathered<'_>, contract: &Contract) -> Draft {
    let flow = gathered.view.flow;
    let (keeper, client) = (flow.party(contract.first), flow.party(contract.second));
    let owner = flow
        .legs
        .iter()
        .find(|leg| leg.holder == contract.first)
        .map(|leg| flow.party(leg.from).kind.clone());
    Draft::new(text(
        format!(
            "{} keeps the money of {}'s clients",
            keeper.name.en, client.name.en
        ),
        format!("{}存管{}的客户资金", keeper.name.zh, client.name.zh),
    ))
    .actor(keeper)
    .with("service", "depository")
    .word("client.kind", &client.kind)
    .word("depository_kind", &keeper.kind)
    .maybe("acct.owner_kind", owner.map(Value::Word))
    .stage(flow)
}
