//! Commands that need a second person.

use crate::rig::{Rig, ToyVerdict, actor};
use crate::toy::{ToyCommand, ToyReply};
use engine::{Actor, Denial, Proposal, ProposalStatus, Verdict, Work};

fn propose(rig: &mut Rig) -> String {
    match rig.ask(ToyCommand::Approved {
        counter: "a".into(),
    }) {
        Verdict::Proposed(id) => id,
        other => panic!("{other:?}"),
    }
}

fn decide(rig: &mut Rig, who: Actor, proposal: &str, approve: bool) -> ToyVerdict {
    let proposal = proposal.to_owned();
    rig.ask_as(who, Work::Decide { proposal, approve })
}

fn checker() -> Actor {
    Actor::new("bob", "checker")
}

#[test]
fn nothing_happens_before_the_second_person_agrees() {
    let mut rig = Rig::new();
    let id = propose(&mut rig);
    assert_eq!(rig.counter("a"), None);
    let proposal: Proposal = rig.stored(&id).unwrap();
    assert_eq!(proposal.maker, actor());
    assert_eq!(
        (proposal.status, proposal.decided_by),
        (ProposalStatus::Open, None)
    );
    assert_eq!(proposal.reason, "two people");
    rig.restart();
    assert_eq!(
        decide(&mut rig, checker(), &id, true),
        Verdict::Done(ToyReply::Value(1))
    );
    let proposal: Proposal = rig.stored(&id).unwrap();
    assert_eq!(proposal.status, ProposalStatus::Approved);
    assert_eq!(proposal.decided_by, Some(checker()));
    assert!(
        !rig.tables()
            .index
            .iter()
            .any(|(kind, ..)| kind == "proposal")
    );
}

#[test]
fn the_maker_is_not_the_checker_in_whatever_role() {
    let mut rig = Rig::new();
    let id = propose(&mut rig);
    for role in ["clerk", "checker"] {
        let maker = Actor::new("alice", role);
        assert_eq!(
            decide(&mut rig, maker, &id, true),
            Verdict::Denied(Denial::MakerIsChecker)
        );
    }
    assert_eq!(rig.counter("a"), None);
}

#[test]
fn the_checker_needs_the_role() {
    let mut rig = Rig::new();
    let id = propose(&mut rig);
    let missing = Verdict::Denied(Denial::RoleMissing {
        role: "checker".into(),
    });
    assert_eq!(
        decide(&mut rig, Actor::new("bob", "clerk"), &id, true),
        missing
    );
    assert_eq!(
        decide(&mut rig, Actor::new("bob", "clerk"), &id, false),
        missing
    );
    assert_eq!(
        rig.stored::<Proposal>(&id).unwrap().status,
        ProposalStatus::Open
    );
}

#[test]
fn a_proposal_is_decided_once() {
    let mut rig = Rig::new();
    let id = propose(&mut rig);
    assert_eq!(
        decide(&mut rig, checker(), &id, true),
        Verdict::Done(ToyReply::Value(1))
    );
    let gone = Verdict::Denied(Denial::ProposalDecided {
        proposal: id.clone(),
    });
    assert_eq!(decide(&mut rig, checker(), &id, true), gone);
    assert_eq!(decide(&mut rig, checker(), &id, false), gone);
    assert_eq!(rig.counter("a"), Some(1));
}

#[test]
fn what_was_declined_never_runs() {
    let mut rig = Rig::new();
    let id = propose(&mut rig);
    assert_eq!(decide(&mut rig, checker(), &id, false), Verdict::Noted);
    let gone = Verdict::Denied(Denial::ProposalDecided {
        proposal: id.clone(),
    });
    assert_eq!(decide(&mut rig, checker(), &id, true), gone);
    assert_eq!(rig.counter("a"), None);
    assert_eq!(
        rig.stored::<Proposal>(&id).unwrap().status,
        ProposalStatus::Declined
    );
    let unknown = Verdict::Denied(Denial::NoSuchProposal {
        proposal: "prp_none".into(),
    });
    assert_eq!(decide(&mut rig, checker(), "prp_none", true), unknown);
}

#[test]
fn a_stranger_cannot_even_propose() {
    let mut rig = Rig::new();
    let command = ToyCommand::Approved {
        counter: "a".into(),
    };
    let verdict = rig.ask_as(Actor::new("eve", "stranger"), Work::Command(command));
    assert!(matches!(verdict, Verdict::Refused(_)), "{verdict:?}");
    assert!(rig.tables().records.is_empty());
}
