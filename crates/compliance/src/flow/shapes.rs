//! The shapes that practitioners name, recognised in a drawing. A shape explains; the verdict
//! comes from the rules.

use super::facts::Subject;
use super::model::{ContractKind, Flow, Hop, PartyId};
use super::trace::Trace;
use super::view::{Title, View};
use serde::Serialize;

/// A shape of money, contracts and links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// 大商户: the institution knows only the middle party.
    BigMerchant,
    /// 代理商: a middle party refers, the licensed one signs and settles.
    Agent,
    /// 聚合/外包: a middle party serves an acquirer.
    Aggregator,
    /// 二清: others' money rests with an unlicensed party, whether or not its way on is drawn.
    SecondClearing,
    /// 直连: two institutions without a clearing body between them.
    DirectLink,
    /// 间连: the route passes a clearing body.
    Indirect,
    /// 跳板: a bank only stands between an institution and clearing.
    Springboard,
    /// Somebody without a clearing licence switches between others.
    UnlicensedSwitch,
    /// 反接: an acquiring bank attaches a wallet.
    ReverseConnection,
    /// 通道外放: an institution lends its channel.
    LeasedChannel,
    /// 接口外放: somebody else calls the payment interface.
    LentInterface,
    /// 自营: the goods are the collector's own.
    OwnSale,
    /// 赊销: the collector says that it buys and resells.
    CreditSale,
    /// 归集: a group collects its own money.
    GroupSweep,
    /// Money of somebody outside the group is collected.
    ForeignSweep,
    /// 备付金垫资: an advance out of the reserve.
    AdvanceFromReserve,
    /// 自有资金垫资: an advance out of own money.
    OwnAdvance,
    /// 担保: money rests at an institution until the buyer confirms.
    Escrow,
    /// 分账: an institution splits to several receivers.
    Split,
    /// 存管: a depository keeps clients' money.
    Depository,
}

/// A shape found, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    /// Which.
    pub shape: Shape,
    /// Legs and contracts that make it.
    pub subjects: Vec<Subject>,
    /// Who makes it, the one that it turns on first.
    pub parties: Vec<PartyId>,
}

/// Every shape in a drawing, in the order of [`Shape`].
pub fn recognise(flow: &Flow) -> Vec<Recognised> {
    let trace = Trace::of(flow);
    let view = View {
        flow,
        trace: &trace,
    };
    let mut found = Vec::new();
    by_contract(view, &mut found);
    by_party(view, &mut found);
    by_leg(view, &mut found);
    merge(found)
}

fn merge(mut found: Vec<Recognised>) -> Vec<Recognised> {
    found.sort_by_key(|one| one.shape);
    let mut merged: Vec<Recognised> = Vec::new();
    for one in found {
        match merged
            .iter_mut()
            .find(|known| known.shape == one.shape && known.parties == one.parties)
        {
            Some(known) => known.subjects.extend(one.subjects),
            None => merged.push(one),
        }
    }
    for one in &mut merged {
        one.subjects.sort_unstable();
        one.subjects.dedup();
    }
    merged
}

fn recognised(shape: Shape, subjects: Vec<Subject>, parties: Vec<PartyId>) -> Recognised {
    Recognised {
        shape,
        subjects,
        parties,
    }
}

fn by_contract(view: View<'_>, found: &mut Vec<Recognised>) {
    let flow = view.flow;
    for (position, institution, middle) in view.big_merchants() {
        let mut subjects = vec![Subject::Contract(position)];
        subjects.extend(
            view.outgoing(middle)
                .filter(|(_, leg)| !flow.party(leg.to).is_institution())
                .map(|(leg, _)| Subject::Leg(leg)),
        );
        found.push(recognised(
            Shape::BigMerchant,
            subjects,
            vec![middle, institution],
        ));
    }
    for (position, contract) in flow.contracts.iter().enumerate() {
        let shape = match contract.kind {
            ContractKind::Agency => Shape::Agent,
            ContractKind::Outsourcing => Shape::Aggregator,
            ContractKind::Channel => Shape::LeasedChannel,
            ContractKind::Interface => Shape::LentInterface,
            ContractKind::CreditSale => Shape::CreditSale,
            ContractKind::Depository => Shape::Depository,
            ContractKind::Sweeping if view.one_group(contract.first, contract.second) => {
                Shape::GroupSweep
            }
            ContractKind::Sweeping => Shape::ForeignSweep,
            ContractKind::Acquiring | ContractKind::Purchase | ContractKind::Mandate => continue,
        };
        let parties = match shape {
            Shape::Agent | Shape::Aggregator => vec![contract.second, contract.first],
            _ => vec![contract.first, contract.second],
        };
        found.push(recognised(
            shape,
            vec![Subject::Contract(position)],
            parties,
        ));
    }
}

fn by_party(view: View<'_>, found: &mut Vec<Recognised>) {
    let flow = view.flow;
    for id in 0..flow.parties.len() {
        let legs = || {
            let mut legs: Vec<usize> = view.incoming(id).map(|(leg, _)| leg).collect();
            legs.extend(view.outgoing(id).map(|(leg, _)| leg));
            legs.into_iter().map(Subject::Leg).collect::<Vec<_>>()
        };
        let title = view.title(id);
        let party = flow.party(id);
        if view.pools(id) && matches!(title, Title::Others | Title::Unknown | Title::NotStated) {
            found.push(recognised(Shape::SecondClearing, legs(), vec![id]));
        }
        let sells_own = title == Title::Own && party.kind == "platform";
        if sells_own {
            found.push(recognised(Shape::OwnSale, legs(), vec![id]));
        }
        if ["bank", "npi"].contains(&party.kind.as_ref()) {
            let paid: Vec<Subject> = view
                .outgoing(id)
                .filter(|(_, leg)| {
                    !flow.party(leg.to).is_institution()
                        && leg.service.as_deref() != Some("advance")
                        && !leg.is_sweep()
                })
                .map(|(leg, _)| Subject::Leg(leg))
                .collect();
            if paid.len() > 1 {
                found.push(recognised(Shape::Split, paid, vec![id]));
            }
        }
    }
}

fn by_leg(view: View<'_>, found: &mut Vec<Recognised>) {
    let flow = view.flow;
    for (position, leg) in flow.legs.iter().enumerate() {
        let mut add = |shape, parties| {
            found.push(recognised(shape, vec![Subject::Leg(position)], parties));
        };
        if leg.until_confirmation && flow.party(leg.holder).is_licensed() {
            add(Shape::Escrow, vec![leg.holder]);
        }
        if leg.service.as_deref() == Some("advance") {
            let shape = match leg.funding.as_deref() {
                Some("reserve") => Shape::AdvanceFromReserve,
                _ => Shape::OwnAdvance,
            };
            add(shape, vec![leg.from]);
        }
        if leg.is_sweep() {
            let owner = if flow.party(leg.from).is_institution() {
                match view.goods(leg) {
                    Some(super::model::GoodsOf::Party(owner)) => owner,
                    _ => leg.from,
                }
            } else {
                leg.from
            };
            let shape = if view.one_group(owner, leg.to) {
                Shape::GroupSweep
            } else {
                Shape::ForeignSweep
            };
            add(shape, vec![leg.to, owner]);
        }
        let hops: Vec<PartyId> = leg
            .route
            .iter()
            .chain(&leg.funds_route)
            .flatten()
            .filter_map(|hop| match hop {
                Hop::Party(id) => Some(*id),
                Hop::Clearing(_) => None,
            })
            .collect();
        if view.is_direct(leg) {
            let ends: Vec<PartyId> = hops.iter().copied().take(2).collect();
            if let [first, second] = ends.as_slice()
                && flow.party(*first).kind == "bank"
                && flow.party(*second).wallet
            {
                add(Shape::ReverseConnection, vec![*first, *second]);
            }
            add(Shape::DirectLink, ends);
        } else if view.is_cleared(leg) {
            let mut ends = hops.clone();
            ends.dedup();
            add(Shape::Indirect, ends);
        }
        if let Some(middle) = view.between(leg) {
            let shape = if flow.party(middle).kind == "bank" {
                Shape::Springboard
            } else {
                Shape::UnlicensedSwitch
            };
            add(shape, vec![middle]);
        }
    }
}
