//! Money that passes a party without a licence, or rests with it.

use super::{Draft, Gathered, text};
use crate::fact::{Leg, Value, Word};
use crate::flow::model::{GoodsOf, PartyId};
use crate::flow::view::Title;

/// An unlicensed party receives and passes on: is it a pool of others' money?
pub(super) fn pooling(gathered: &Gathered<'_>, party: PartyId) -> Draft {
    let view = gathered.view;
    let flow = view.flow;
    let who = flow.party(party);
    let own = Word::Owned(format!("{}.account", who.kind));
    let mut legs = Vec::new();
    for (_, leg) in view.incoming(party) {
        legs.push(Leg {
            from: flow.party(leg.from).kind.clone(),
            to: own.clone(),
            purpose: leg.purpose.clone(),
        });
    }
    for (_, leg) in view.outgoing(party) {
        legs.push(Leg {
            from: own.clone(),
            to: flow.party(leg.to).kind.clone(),
            purpose: leg.purpose.clone(),
        });
    }
    let rests = view.rests(party);
    if let Some(owner) = rests {
        // What is somebody else's has to go on to them; the leg is only not drawn.
        legs.push(Leg {
            from: own.clone(),
            to: match owner {
                GoodsOf::Party(owner) => flow.party(owner).kind.clone(),
                GoodsOf::Unknown => Word::Borrowed("unknown"),
            },
            purpose: None,
        });
    }
    let held = view.incoming(party).any(|(_, leg)| leg.until_confirmation);
    let title = view.title(party);
    let on_credit = view.sells_on_credit(party).is_some();
    let (seen_en, seen_zh) = match title {
        _ if rests.is_some() => resting(gathered, party, rests),
        Title::Own => (
            format!(
                "{} sells goods of its own and pays its suppliers",
                who.name.en
            ),
            format!("{}销售自有商品并向供应商付款", who.name.zh),
        ),
        Title::Claimed if on_credit => (
            format!("{} says that it buys and resells on credit", who.name.en),
            format!("{}声称赊销（买断再售）", who.name.zh),
        ),
        Title::Claimed => (
            format!(
                "the goods are said to be {}'s own; no contract documents that it bought them from \
                 whomever it pays",
                who.name.en
            ),
            format!("称货物为{}自有，但未有采购合同与单证证明", who.name.zh),
        ),
        _ => (
            format!("money rests with {} and goes on from there", who.name.en),
            format!("资金在{}停留后再付出", who.name.zh),
        ),
    };
    let service = match title {
        _ if held => "escrow",
        Title::Own | Title::Claimed => "sale",
        _ => "split",
    };
    let draft = Draft::new(text(seen_en, seen_zh))
        .actor(who)
        .with("service", service)
        .with("legs", legs);
    let draft = if ["aggregator", "isv"].contains(&who.kind.as_ref()) {
        // Whether what it keeps is others' money is the question where nobody says whose it is.
        let open = rests == Some(GoodsOf::Unknown) && title != Title::Others;
        draft.needed("holds_funds", (!open).then_some(true))
    } else {
        draft
    };
    match title {
        // The rules call whoever sells on its own account `platform`.
        Title::Own => draft.with("goods", "own").with("title_holder", "platform"),
        Title::Others => draft
            .with("goods", "third_party")
            .with("title_holder", "third_party")
            .with("provides_payment_service", true),
        Title::Claimed if on_credit => draft
            .with("goods", "claimed_credit_sale")
            .with("title_holder", Value::Unknown),
        Title::Claimed | Title::Unknown | Title::NotStated => draft
            .with("goods", Value::Unknown)
            .with("title_holder", Value::Unknown),
    }
}

/// What is seen where others' money comes to rest and no leg leads on.
fn resting(gathered: &Gathered<'_>, party: PartyId, owner: Option<GoodsOf>) -> (String, String) {
    let flow = gathered.view.flow;
    let who = &flow.party(party).name;
    let of_group = gathered.view.incoming(party).find_map(|(_, leg)| {
        let GoodsOf::Party(owner) = gathered.view.goods(leg)? else {
            return None;
        };
        let asked = owner != party && gathered.view.collects_for(party, owner).is_none();
        asked.then_some(&flow.party(owner).name)
    });
    if let (Some(GoodsOf::Unknown), Some(owner)) = (owner, of_group) {
        return (
            format!(
                "{} keeps money of {}, of the same group; no sweeping contract documents that it may",
                who.en, owner.en
            ),
            format!("{}留存同集团{}的资金，无归集合同证明", who.zh, owner.zh),
        );
    }
    match owner {
        Some(GoodsOf::Party(owner)) => {
            let owner = &flow.party(owner).name;
            (
                format!(
                    "money for goods of {} rests with {}, and the leg from there to {} is not drawn",
                    owner.en, who.en, owner.en
                ),
                format!(
                    "{}的货款停留于{}，未画出由其付给{}的资金",
                    owner.zh, who.zh, owner.zh
                ),
            )
        }
        _ => (
            format!(
                "money rests with {}; whose goods it pays for is not known, and no leg leads on",
                who.en
            ),
            format!("资金停留于{}，不知货物归属，且未画出去向", who.zh),
        ),
    }
}
