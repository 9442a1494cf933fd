//! Whose goods the money of each leg pays for, followed from leg to leg.

use super::model::{Contract, ContractKind, Flow, GoodsOf, MoneyLeg, PartyId};

/// Rounds after which money that still changes its owner goes in circles.
const ROUNDS: usize = 64;

/// What is found of each leg, by its position.
#[derive(Debug)]
pub(super) struct Trace {
    /// Whose goods it pays for: as stated there, or on a leg that its money comes from.
    pub goods: Vec<Option<GoodsOf>>,
    /// Whose money it carries that has no other way to its owner.
    pub owed: Vec<Option<GoodsOf>>,
}

impl Trace {
    pub fn of(flow: &Flow) -> Trace {
        let said: Vec<Option<GoodsOf>> = flow.legs.iter().map(|leg| said(flow, leg)).collect();
        let sources: Vec<Vec<usize>> = flow
            .legs
            .iter()
            .map(|leg| {
                let legs = flow.legs.iter().enumerate();
                legs.filter(|(_, earlier)| earlier.holder == leg.from && !is_refund(earlier))
                    .map(|(position, _)| position)
                    .collect()
            })
            .collect();
        let round = |known: &[Option<GoodsOf>],
                     follow: fn(&Flow, &MoneyLeg, &[GoodsOf]) -> Option<GoodsOf>|
         -> Vec<Option<GoodsOf>> {
            let legs = flow.legs.iter().zip(&said).zip(&sources);
            legs.map(|((leg, said), sources)| {
                let found: Vec<GoodsOf> = sources
                    .iter()
                    .filter_map(|position| known.get(*position).copied().flatten())
                    .collect();
                match (said, unreached(flow, leg, &found)) {
                    (Some(said), Some(carried)) => Some(renamed(flow, leg, *said, carried)),
                    (Some(said), None) => Some(*said),
                    (None, _) => follow(flow, leg, &found),
                }
            })
            .collect()
        };
        let settle = |follow: fn(&Flow, &MoneyLeg, &[GoodsOf]) -> Option<GoodsOf>| {
            let mut known = said.clone();
            for _ in 0..ROUNDS {
                let next = round(&known, follow);
                if next == known {
                    return known;
                }
                known = next;
            }
            // Whatever does not come to rest belongs to nobody that the drawing could name.
            let last = round(&known, follow);
            let pairs = last.into_iter().zip(known);
            pairs
                .map(|(last, before)| {
                    if last == before {
                        last
                    } else {
                        Some(GoodsOf::Unknown)
                    }
                })
                .collect()
        };
        Trace {
            goods: settle(inherited),
            owed: settle(unreached),
        }
    }
}

/// Whose money a leg says that it carries.
fn said(flow: &Flow, leg: &MoneyLeg) -> Option<GoodsOf> {
    let kept_back = leg.holder != leg.to && !flow.party(leg.holder).is_licensed();
    match leg.goods_of {
        // Whoever is to get it has not got it while somebody without a licence holds it.
        None if kept_back => Some(GoodsOf::Party(leg.to)),
        Some(GoodsOf::Party(owner)) if kept_back && owner == leg.holder => {
            Some(GoodsOf::Party(leg.to))
        }
        stated => stated,
    }
}

/// Whether money of an owner comes to it on a leg out of a party's books, and rests there with it or
/// with somebody who may hold it.
fn reaches(flow: &Flow, from: PartyId, owner: PartyId) -> bool {
    flow.legs.iter().any(|leg| {
        leg.from == from
            && leg.to == owner
            && !is_refund(leg)
            && (leg.holder == owner || flow.party(leg.holder).is_licensed())
    })
}

/// Money for somebody else's goods that is with the payer of a leg and does not reach them from there.
fn unreached(flow: &Flow, leg: &MoneyLeg, found: &[GoodsOf]) -> Option<GoodsOf> {
    found.iter().copied().find(|goods| match goods {
        // Who was paid for goods of its own spends money of its own.
        GoodsOf::Party(owner) => *owner != leg.from && !reaches(flow, leg.from, *owner),
        GoodsOf::Unknown => true,
    })
}

/// Whose goods a leg pays for that says nothing itself.
fn inherited(flow: &Flow, leg: &MoneyLeg, found: &[GoodsOf]) -> Option<GoodsOf> {
    let astray = found.iter().copied().find(|goods| match goods {
        GoodsOf::Party(owner) => *owner != leg.to && !reaches(flow, leg.from, *owner),
        GoodsOf::Unknown => true,
    });
    let own = GoodsOf::Party(leg.to);
    astray
        .or_else(|| found.contains(&own).then_some(own))
        .or_else(|| found.first().copied())
}

/// Whose goods a leg pays for that names others than the money was paid for before: the word alone
/// makes nobody their owner.
fn renamed(flow: &Flow, leg: &MoneyLeg, said: GoodsOf, carried: GoodsOf) -> GoodsOf {
    if said == carried {
        return said;
    }
    let (GoodsOf::Party(new), GoodsOf::Party(old)) = (said, carried) else {
        return GoodsOf::Unknown;
    };
    let holder_is_either = leg.holder == new || leg.holder == old;
    if !holder_is_either && !flow.party(leg.holder).is_licensed() {
        // Whichever is true, it rests with a third.
        return said;
    }
    match bought(flow, new, old) {
        Some(Some(true)) => said,
        Some(Some(false)) => carried,
        _ => GoodsOf::Unknown,
    }
}

/// What documents a buyer's title to a seller's goods; `None`: no contract.
pub(super) fn bought(flow: &Flow, buyer: PartyId, seller: PartyId) -> Option<Option<bool>> {
    let between = |contract: &&Contract| {
        let kind = matches!(
            contract.kind,
            ContractKind::Purchase | ContractKind::CreditSale
        );
        kind && contract.first == buyer && contract.second == seller
    };
    let documents: Vec<Option<bool>> = flow
        .contracts
        .iter()
        .filter(between)
        .map(|contract| contract.documents)
        .collect();
    let first = documents.first().copied()?;
    // One contract without documents leaves what it is about undocumented.
    let worst = documents.iter().find(|known| **known != Some(true));
    Some(worst.copied().unwrap_or(first))
}

pub(super) fn is_refund(leg: &MoneyLeg) -> bool {
    leg.service.as_deref() == Some("refund") || leg.purpose.as_deref() == Some("refund")
}
