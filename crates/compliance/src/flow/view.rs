//! What follows from a drawing: who passes money on, who signed whom, whose goods are paid for.

use super::model::{ContractKind, Flow, GoodsOf, Hop, MoneyLeg, PartyId};
use super::trace::{Trace, bought, is_refund};
use crate::fact::{Word, direct_hop};

/// Questions asked of a flow by several parts of the checker.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub flow: &'a Flow,
    /// Whose money its legs carry.
    pub trace: &'a Trace,
}

impl<'a> View<'a> {
    /// Legs whose money comes to rest with a party.
    pub fn incoming(self, holder: PartyId) -> impl Iterator<Item = (usize, &'a MoneyLeg)> {
        let legs = self.flow.legs.iter().enumerate();
        legs.filter(move |(_, leg)| leg.holder == holder && !is_refund(leg))
    }

    /// Legs out of a party's books.
    pub fn outgoing(self, party: PartyId) -> impl Iterator<Item = (usize, &'a MoneyLeg)> {
        let legs = self.flow.legs.iter().enumerate();
        legs.filter(move |(_, leg)| leg.from == party && !is_refund(leg))
    }

    /// Whether money comes to a party and goes on from it.
    pub fn passes_on(self, party: PartyId) -> bool {
        self.incoming(party).next().is_some() && self.outgoing(party).next().is_some()
    }

    /// Whose goods a leg pays for: as stated there, or on a leg that its money comes from.
    pub fn goods(self, leg: &MoneyLeg) -> Option<GoodsOf> {
        self.found(leg, &self.trace.goods)
    }

    /// What is found of a leg of this flow.
    fn found(self, leg: &MoneyLeg, list: &[Option<GoodsOf>]) -> Option<GoodsOf> {
        let mut legs = self.flow.legs.iter();
        let position = legs.position(|other| std::ptr::eq(other, leg))?;
        list.get(position).copied().flatten()
    }

    /// Whether a leg gives back what its payee paid before: money of the payee reached the payer, for
    /// goods that are not the payee's own, and no less of it.
    fn gives_back(self, position: usize, refund: &MoneyLeg) -> bool {
        let earlier = || {
            let legs = self.flow.legs.iter().take(position);
            legs.filter(|leg| !is_refund(leg))
        };
        // Whoever the payee's money has reached, leg by leg.
        let mut reached = vec![refund.to];
        while let Some(leg) =
            earlier().find(|leg| reached.contains(&leg.from) && !reached.contains(&leg.holder))
        {
            reached.push(leg.holder);
        }
        if !reached.contains(&refund.from) {
            return false;
        }
        let same_goods = |leg: &&MoneyLeg| match (refund.goods_of, leg.goods_of) {
            (Some(refunded), Some(paid)) => refunded == paid,
            _ => true,
        };
        let paid: Vec<&MoneyLeg> = earlier()
            .filter(|leg| leg.from == refund.to)
            .filter(same_goods)
            .collect();
        let sum = paid.iter().try_fold(0i64, |sum, leg| {
            leg.amount.map(|amount| sum.saturating_add(amount))
        });
        // With what other legs gave back already.
        let back = self
            .flow
            .legs
            .iter()
            .take(position + 1)
            .filter(|leg| is_refund(leg) && leg.to == refund.to && leg.goods_of == refund.goods_of)
            .filter_map(|leg| leg.amount)
            .fold(0i64, i64::saturating_add);
        let no_more = sum.is_none_or(|paid| back <= paid);
        // To the one whose goods were paid for, money is the price, unless the refund names other goods.
        let price = refund.goods_of.is_none()
            && self
                .incoming(refund.from)
                .any(|(_, leg)| self.goods(leg) == Some(GoodsOf::Party(refund.to)));
        !paid.is_empty() && no_more && !price
    }

    /// What the goods are to a party whose account the money passes.
    pub fn title(self, party: PartyId) -> Title {
        let goods: Vec<Option<GoodsOf>> = self
            .incoming(party)
            .map(|(_, leg)| self.goods(leg))
            .collect();
        // One leg of others' goods is enough; own they are only if every leg says so.
        let mut others = goods.iter().filter_map(|goods| match goods {
            Some(GoodsOf::Party(owner)) if *owner != party => Some(*owner),
            _ => None,
        });
        if let Some(first) = others.next() {
            let in_group = |owner: PartyId| self.collects_for(party, owner).is_none();
            let asked = in_group(first) && others.all(in_group) && !self.passes_on(party);
            return if asked { Title::Unknown } else { Title::Others };
        }
        let found = if goods.contains(&Some(GoodsOf::Unknown)) {
            Title::Unknown
        } else if goods.is_empty() || goods.contains(&None) {
            Title::NotStated
        } else {
            Title::Own
        };
        match (found, self.papers(party), self.sells_on_credit(party)) {
            (Title::Own, Papers::Complete, _) => Title::Own,
            (_, Papers::Complete, Some(Some(true))) => Title::Own,
            (Title::Own, Papers::Refuted, _) | (_, _, Some(Some(false))) => Title::Others,
            (Title::Own, Papers::Unstated, _) | (_, _, Some(_)) => Title::Claimed,
            (found, _, None) => found,
        }
    }

    /// Whether a credit sale is claimed by a party, and what documents it.
    pub fn sells_on_credit(self, party: PartyId) -> Option<Option<bool>> {
        self.flow
            .contracts_of(ContractKind::CreditSale)
            .find(|(_, contract)| contract.first == party)
            .map(|(_, contract)| contract.documents)
    }

    /// What documents that a middle party bought the goods of whomever it pays.
    fn papers(self, party: PartyId) -> Papers {
        if !is_middle(&self.flow.party(party).kind) {
            return Papers::Complete;
        }
        let mut found = Papers::Complete;
        for (_, leg) in self.outgoing(party) {
            if self.flow.party(leg.to).is_institution()
                || leg.relation.as_deref() == Some("employee")
            {
                continue;
            }
            match bought(self.flow, party, leg.to) {
                Some(Some(true)) => {}
                Some(Some(false)) => return Papers::Refuted,
                _ => found = Papers::Unstated,
            }
        }
        found
    }

    /// Whether a party may collect the money of another of its group: a sweeping contract documents
    /// it. `None`: that has to be asked.
    pub fn collects_for(self, party: PartyId, owner: PartyId) -> Option<bool> {
        if !self.one_group(party, owner) {
            return Some(false);
        }
        self.flow
            .contracts_of(ContractKind::Sweeping)
            .find(|(_, contract)| contract.first == party && contract.second == owner)
            .and_then(|(_, contract)| contract.documents)
    }

    /// Whose money a leg leaves with its holder though it is somebody else's: as stated on the leg, or
    /// because nobody on its way earned it or has a leg to whom it belongs.
    fn astray(self, leg: &MoneyLeg) -> Option<GoodsOf> {
        let owed = self.found(leg, &self.trace.owed)?;
        let GoodsOf::Party(owner) = owed else {
            return Some(owed);
        };
        if owner == leg.holder {
            return None;
        }
        match self.collects_for(leg.holder, owner) {
            Some(true) => None,
            Some(false) => Some(owed),
            None => Some(GoodsOf::Unknown),
        }
    }

    /// Whose money rests with a party that has no leg onward: the first that is not its own.
    pub fn rests(self, party: PartyId) -> Option<GoodsOf> {
        if self.passes_on(party) {
            return None;
        }
        let middle = is_middle(&self.flow.party(party).kind);
        let unsaid = || {
            // Who lives from others' trade has to say what it is paid for.
            let mut legs = self.incoming(party);
            let unsaid = middle && legs.any(|(_, leg)| self.goods(leg).is_none());
            unsaid.then_some(GoodsOf::Unknown)
        };
        self.incoming(party)
            .find_map(|(_, leg)| self.astray(leg))
            .or_else(unsaid)
    }

    /// Whether a party without a licence to hold others' money receives and passes on, or keeps what the
    /// drawing says is not its own: a way on that is not drawn is no reason to allow.
    pub fn pools(self, party: PartyId) -> bool {
        let who = self.flow.party(party);
        if who.is_licensed() {
            return false;
        }
        if !self.passes_on(party) {
            return self.rests(party).is_some();
        }
        // A merchant that spends what it earned is no pool; a platform is always asked.
        self.title(party) != Title::Own || who.kind == "platform"
    }

    /// The institution that signed a merchant, and the contract.
    pub fn signed_by(self, merchant: PartyId) -> Option<(usize, PartyId)> {
        self.flow
            .contracts_of(ContractKind::Acquiring)
            .find(|(_, contract)| contract.second == merchant)
            .map(|(position, contract)| (position, contract.first))
    }

    /// Merchants that a party serves: signed with it, or paid by it, or selling on it.
    pub fn merchants_behind(self, party: PartyId) -> Vec<PartyId> {
        let mut found: Vec<PartyId> = self
            .flow
            .contracts_of(ContractKind::Acquiring)
            .filter(|(_, contract)| contract.first == party)
            .map(|(_, contract)| contract.second)
            .collect();
        let is_merchant = |id: PartyId| {
            matches!(
                self.flow.party(id).kind.as_ref(),
                "merchant" | "micro_merchant"
            )
        };
        let paid = self
            .outgoing(party)
            .map(|(_, leg)| leg.to)
            .filter(|id| is_merchant(*id));
        found.extend(paid);
        // Whose money rests with it without a leg to them sells through it all the same.
        if let Some(GoodsOf::Party(owner)) = self.rests(party).filter(|_| self.pools(party)) {
            found.push(owner);
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Contracts by which a middle party alone stands before the institution, though it has
    /// merchants that the institution did not sign: contract, institution, middle party.
    pub fn big_merchants(self) -> Vec<(usize, PartyId, PartyId)> {
        let mut found = Vec::new();
        for (position, contract) in self.flow.contracts_of(ContractKind::Acquiring) {
            let behind = self.merchants_behind(contract.second);
            let unknown = behind.iter().any(|merchant| {
                !self
                    .flow
                    .contracts_of(ContractKind::Acquiring)
                    .any(|(_, other)| other.first == contract.first && other.second == *merchant)
            });
            // Signing merchants itself, or being paid for others' goods: whether goods of which
            // nothing is said are its own is asked at the legs.
            let signs = self
                .flow
                .contracts_of(ContractKind::Acquiring)
                .any(|(_, other)| other.first == contract.second);
            let brings = signs || self.title(contract.second) == Title::Others;
            if unknown && brings {
                found.push((position, contract.first, contract.second));
            }
        }
        found
    }

    /// Whether two parties belong to one group.
    pub fn one_group(self, one: PartyId, other: PartyId) -> bool {
        let group = |id: PartyId| self.flow.party(id).group.as_ref();
        group(one).is_some() && group(one) == group(other)
    }

    /// A route in the words of the vocabulary: kinds, the second of a kind with a number.
    pub fn route_words(self, hops: &[Hop]) -> Vec<Word> {
        let mut seen: Vec<(Word, Vec<PartyId>)> = Vec::new();
        hops.iter()
            .map(|hop| match hop {
                Hop::Clearing(name) => Word::Borrowed(*name),
                Hop::Party(id) => self.hop_word(*id, &mut seen),
            })
            .collect()
    }

    fn hop_word(self, id: PartyId, seen: &mut Vec<(Word, Vec<PartyId>)>) -> Word {
        let party = self.flow.party(id);
        let kind = if party.wallet {
            Word::Borrowed("npi_wallet")
        } else {
            party.kind.clone()
        };
        let position = match seen.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, ids)) => match ids.iter().position(|known| *known == id) {
                Some(position) => position,
                None => {
                    ids.push(id);
                    ids.len() - 1
                }
            },
            None => {
                seen.push((kind.clone(), vec![id]));
                0
            }
        };
        if position == 0 || kind == "clearing_org" {
            kind
        } else {
            Word::Owned(format!("{kind}{}", position + 1))
        }
    }

    /// Whether the message or the money of a leg goes from institution to institution directly.
    pub fn is_direct(self, leg: &MoneyLeg) -> bool {
        [&leg.route, &leg.funds_route]
            .into_iter()
            .flatten()
            .any(|hops| direct_hop(&self.route_words(hops)))
    }

    /// Whether a leg passes a clearing body and no direct link.
    pub fn is_cleared(self, leg: &MoneyLeg) -> bool {
        leg.route.as_ref().is_some_and(|hops| hops.len() > 1) && !self.is_direct(leg)
    }

    /// A bank or another party that only stands between others on a route.
    pub fn between(self, leg: &MoneyLeg) -> Option<PartyId> {
        let hops = leg.route.as_deref().unwrap_or_default();
        let inner = hops.get(1..hops.len().saturating_sub(1))?;
        inner.iter().find_map(|hop| match hop {
            Hop::Party(id) if self.flow.party(*id).kind != "clearing_org" => Some(*id),
            _ => None,
        })
    }

    /// The first party on a leg's route.
    pub fn first_hop(self, leg: &MoneyLeg) -> Option<PartyId> {
        match leg.route.as_ref().or(leg.funds_route.as_ref())?.first()? {
            Hop::Party(id) => Some(*id),
            Hop::Clearing(_) => None,
        }
    }
}

/// Kinds that stand between buyers and sellers.
fn is_middle(kind: &str) -> bool {
    ["platform", "aggregator", "isv"].contains(&kind)
}

/// What documents that goods were bought.
enum Papers {
    /// Every purchase.
    Complete,
    /// Of one purchase at least nothing is said.
    Unstated,
    /// One purchase at least is not documented.
    Refuted,
}

/// Whose the goods are that a party is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Title {
    /// Its own.
    Own,
    /// Others'.
    Others,
    /// Said to be its own, and nothing documents it.
    Claimed,
    /// Nobody can say.
    Unknown,
    /// Not stated.
    NotStated,
}

/// The first leg that calls itself a refund of what its payee never paid.
pub(super) fn false_refund(flow: &Flow) -> Option<(usize, &MoneyLeg)> {
    let trace = Trace::of(flow);
    let view = View {
        flow,
        trace: &trace,
    };
    let mut refunds = flow.legs.iter().enumerate();
    refunds.find(|(position, leg)| is_refund(leg) && !view.gives_back(*position, leg))
}
