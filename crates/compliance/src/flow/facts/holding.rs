//! Money that rests on its way, and money that is paid out of where it rested.

use super::{Draft, Gathered, text};
use crate::fact::{Leg, Receiver, Value, Word};
use crate::flow::model::{Account, ContractKind, GoodsOf, MoneyLeg, PartyId};
use crate::flow::view::Title;

fn holder_word(kind: &str, account: Account) -> Word {
    let suffix = match account {
        Account::Own => "account",
        Account::Reserve => "reserve",
        Account::SubAccount => "sub_account",
    };
    Word::Owned(format!("{kind}.{suffix}"))
}

/// Money that rests with an institution.
pub(super) fn holding(gathered: &Gathered<'_>, leg: &MoneyLeg) -> Option<Draft> {
    let view = gathered.view;
    let flow = view.flow;
    let holder = flow.party(leg.holder);
    let rests = view.passes_on(leg.holder) || leg.to != leg.holder || leg.until_confirmation;
    if !["bank", "npi"].contains(&holder.kind.as_ref()) || !rests {
        return None;
    }
    let (en, zh) = (&holder.name.en, &holder.name.zh);
    let draft = |en: String, zh: String| Draft::new(text(en, zh)).actor(holder);
    let Some(account) = leg.account else {
        return Some(
            draft(
                format!("money rests with {en}, in which account is not said"),
                format!("资金停留于{zh}，未说明账户"),
            )
            .with("service", "settlement")
            .with("holder", Value::Unknown),
        );
    };
    if account == Account::Own && holder.kind == "npi" {
        return Some(
            draft(
                format!("customers' money rests in {en}'s own account, not in the reserve"),
                format!("客户资金进入{zh}自有账户而非备付金"),
            )
            .with("reserve_use", "own_funds")
            .with("reserve_to_own_funds", true)
            .with("purpose", "own_funds")
            .with("reserve_elsewhere", true),
        );
    }
    if !leg.until_confirmation {
        return None;
    }
    let goods = view.goods(leg);
    let seller = match goods {
        Some(GoodsOf::Party(owner)) => Some(owner),
        _ => None,
    };
    let signed = seller.map(|seller| {
        view.signed_by(seller)
            .is_some_and(|(_, acquirer)| acquirer == leg.holder)
    });
    let kept = holder_word(&holder.kind, account);
    let legs = vec![
        Leg {
            from: Word::Borrowed("buyer"),
            to: kept.clone(),
            purpose: leg.purpose.clone(),
        },
        Leg {
            from: kept.clone(),
            to: Word::Borrowed("seller"),
            purpose: None,
        },
    ];
    Some(
        draft(
            format!("{en} holds the money until the buyer confirms"),
            format!("{zh}持有资金至买家确认（担保）"),
        )
        .with("service", "escrow")
        .with("legs", legs)
        .word("holder", &kept)
        // Goods whose owner is known are a real trade.
        .needed("real_trade", seller.map(|_| true))
        .needed("seller_onboarded", signed),
    )
}

/// Whether money that leaves an institution has to go to somebody entitled: the name of the service
/// does not change who is.
fn settles(gathered: &Gathered<'_>, leg: &MoneyLeg) -> bool {
    let view = gathered.view;
    match leg.service.as_deref() {
        None | Some("split" | "settlement" | "payout" | "escrow") => true,
        Some("advance" | "refund") => false,
        Some(_) => {
            let earlier = || view.incoming(leg.from).map(|(_, earlier)| earlier);
            // What a user paid in without buying anything is its own to move and to draw.
            let moves = |earlier: &MoneyLeg| {
                matches!(earlier.service.as_deref(), Some("topup" | "transfer"))
            };
            let own = earlier().next().is_some() && earlier().all(moves);
            let goods = view.goods(leg).is_some();
            goods || (view.flow.party(leg.from).kind == "npi" && !own)
        }
    }
}

/// Money paid out by an institution.
pub(super) fn paying_out(gathered: &Gathered<'_>, leg: &MoneyLeg) -> Option<Draft> {
    let view = gathered.view;
    let flow = view.flow;
    let payer = flow.party(leg.from);
    if leg.service.as_deref() == Some("advance") {
        return Some(advance(gathered, leg));
    }
    if leg.is_sweep() && !payer.is_institution() {
        return Some(sweep(gathered, leg));
    }
    if !["bank", "npi"].contains(&payer.kind.as_ref()) || !settles(gathered, leg) {
        return None;
    }
    if flow.party(leg.holder).is_institution() && leg.to == leg.holder {
        return None;
    }
    let goods = view.goods(leg);
    let receiver = flow.party(leg.to);
    let owner = matches!(goods, Some(GoodsOf::Party(owner)) if owner == leg.to);
    let (en, zh) = (&receiver.name.en, &receiver.name.zh);
    let draft = Draft::new(text(
        format!("{} settles to {en}", payer.name.en),
        format!("{}结算给{zh}", payer.name.zh),
    ))
    .actor(payer);
    let signed = view.signed_by(leg.to);
    let checker = signed.and_then(|(position, acquirer)| {
        let contract = flow.contracts.get(position)?;
        if acquirer == leg.from {
            gathered.checker(contract.checked_by, leg.from)
        } else {
            // Another institution signed it.
            gathered.checker(Some(Some(acquirer)), leg.from)
        }
    });
    // Money is paid to whoever holds it, unless an institution does for the payee.
    let paid = if flow.party(leg.holder).is_licensed() {
        leg.to
    } else {
        leg.holder
    };
    if view.pools(paid) {
        let draft = draft.with("service", "settlement");
        return Some(match view.title(paid) {
            Title::Own => draft
                .with("payee_account_owner", "merchant")
                .with("downstream_unlicensed", false),
            Title::Others => draft
                .with("payee_account_owner", "platform")
                .with("downstream_unlicensed", true)
                .with("goods", "third_party"),
            // Whose goods they are decides, and is asked.
            Title::Claimed | Title::Unknown | Title::NotStated => draft
                .with("payee_account_owner", Value::Unknown)
                .with("downstream_unlicensed", Value::Unknown),
        });
    }
    let swept = leg.is_sweep()
        || matches!(goods, Some(GoodsOf::Party(owner)) if owner != leg.to && view.one_group(owner, leg.to));
    if swept {
        let owner = match goods {
            Some(GoodsOf::Party(owner)) if owner != leg.to => Some(owner),
            _ => None,
        };
        return Some(designated(gathered, leg, owner, draft));
    }
    let several = view
        .outgoing(leg.from)
        .filter(|(_, other)| !flow.party(other.to).is_institution())
        .any(|(_, other)| other.to != leg.to);
    if several || leg.service.as_deref() == Some("split") {
        let onboarded = match (&checker, signed) {
            (Some(Value::Word(word)), _) => Some(word.clone()),
            // Nobody signed it: that is known from the drawing.
            (_, None) => Some(Word::Borrowed("none")),
            _ => None,
        };
        // Of whom nobody signed nothing further has to be known.
        let unsigned = onboarded.clone().filter(|word| word == "none");
        let receivers = vec![Receiver {
            kind: Some(match receiver.kind.as_ref() {
                "merchant" | "micro_merchant" => Word::Borrowed("company"),
                _ => receiver.kind.clone(),
            }),
            onboarded_by: onboarded,
            relation: leg.relation.clone(),
            purpose: leg.purpose.clone(),
        }];
        return Some(
            draft
                .with("service", "split")
                .with("receivers", receivers)
                .maybe("merchant.onboarded_by", unsigned.map(Value::Word)),
        );
    }
    if owner || signed.is_some() {
        return Some(
            draft
                .with("service", "settlement")
                .with("payee_account_owner", "merchant")
                .word("settlement_payer", &payer.kind)
                .needed("merchant.onboarded_by", checker),
        );
    }
    let merchant = matches!(
        receiver.kind.as_ref(),
        "merchant" | "micro_merchant" | "platform"
    );
    merchant.then(|| {
        draft
            .with("service", "settlement")
            .with("payee_account_owner", Value::Unknown)
            .with("merchant.onboarded_by", Value::Unknown)
    })
}

/// How long the payee waits after the payer's confirmation.
pub(super) fn waiting(gathered: &Gathered<'_>, leg: &MoneyLeg) -> Option<Draft> {
    let view = gathered.view;
    let payer = view.flow.party(leg.from);
    let held = view
        .incoming(leg.from)
        .any(|(_, earlier)| earlier.until_confirmation);
    if !["bank", "npi"].contains(&payer.kind.as_ref()) || !held && leg.days.is_none() {
        return None;
    }
    let seller = match view.goods(leg) {
        Some(GoodsOf::Party(owner)) => Some(owner),
        _ => None,
    };
    Some(
        Draft::new(text(
            format!("{} pays after the buyer's confirmation", payer.name.en),
            format!("{}在买家确认后付款", payer.name.zh),
        ))
        .actor(payer)
        .with("service", "escrow")
        .needed("real_trade", seller.map(|_| true))
        .needed("days_after_confirmation", leg.days.map(Value::Number)),
    )
}

/// Money of an owner, if it is known, that is collected by the payee of a leg.
fn designated(
    gathered: &Gathered<'_>,
    leg: &MoneyLeg,
    owner: Option<PartyId>,
    draft: Draft,
) -> Draft {
    let view = gathered.view;
    let contract = view
        .flow
        .contracts_of(ContractKind::Sweeping)
        .find(|(_, contract)| {
            contract.first == leg.to && owner.is_none_or(|owner| contract.second == owner)
        });
    let draft = draft.with("service", "settlement");
    match contract {
        Some((_, contract)) if view.one_group(contract.first, contract.second) => draft
            .with("payee_account_owner", "designated")
            .needed("documented_fund_management", contract.documents),
        // Not of one group: the collector is a platform to the others.
        _ => draft
            .with("payee_account_owner", "platform")
            .with("goods", "third_party"),
    }
}

/// A subsidiary's money collected by its parent.
fn sweep(gathered: &Gathered<'_>, leg: &MoneyLeg) -> Draft {
    let flow = gathered.view.flow;
    let (from, to) = (flow.party(leg.from), flow.party(leg.to));
    let draft = Draft::new(text(
        format!("{} sweeps the money of {}", to.name.en, from.name.en),
        format!("{}归集{}的资金", to.name.zh, from.name.zh),
    ))
    .actor(to);
    designated(gathered, leg, Some(leg.from), draft)
}

/// Money given before it came in.
fn advance(gathered: &Gathered<'_>, leg: &MoneyLeg) -> Draft {
    let flow = gathered.view.flow;
    let payer = flow.party(leg.from);
    let reserve = leg.funding.as_deref() == Some("reserve");
    let seen = if reserve {
        text(
            format!("{} advances out of the customer reserve", payer.name.en),
            format!("{}以备付金垫资", payer.name.zh),
        )
    } else {
        text(
            format!("{} advances money", payer.name.en),
            format!("{}垫资", payer.name.zh),
        )
    };
    Draft::new(seen)
        .actor(payer)
        .with("service", "advance")
        .needed("funding", leg.funding.clone().map(Value::Word))
}
