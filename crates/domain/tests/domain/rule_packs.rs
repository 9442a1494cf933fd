//! Sets of rule packs as a shard keeps them.

use crate::support::{self, Book, operator};
use domain::rule_packs::{
    ActivateRules, ActiveRules, GivenPack, RuleActivation, RulePack, RuleSet, StoreRules, text_hash,
};
use domain::{Code, Reply, Request};

fn store(book: &mut Book, packs: Vec<GivenPack>) -> Result<(String, bool), domain::Rejection> {
    let request = Request::StoreRules(StoreRules { packs });
    match book.ask(&operator(), request)? {
        Reply::RuleSet { set, repeated } => Ok((set.hash.clone(), repeated)),
        other => panic!("{other:?}"),
    }
}

/// The packs of the book, one of them amended by a remark.
fn amended() -> Vec<GivenPack> {
    let mut packs = support::set_up().packs;
    let text = format!("{}\n# amended\n", packs[3].text.as_ref().unwrap());
    packs[3].hash = text_hash(&text);
    packs[3].text = Some(text.into());
    packs
}

#[test]
fn a_book_begins_with_the_packs_of_whoever_sets_it_up() {
    let book = Book::new();
    let packs = support::set_up().packs;
    assert_eq!(book.all::<RulePack>().len(), packs.len());
    let [set] = &book.all::<RuleSet>()[..] else {
        panic!("one set")
    };
    let [activation] = &book.all::<RuleActivation>()[..] else {
        panic!("one activation")
    };
    assert_eq!(activation.packs, set.hash);
    assert_eq!(activation.activated_by, *operator().principal);
    assert_eq!(activation.approved_by, None);
    assert_eq!(book.all::<ActiveRules>().len(), 1);
}

#[test]
fn sets_share_the_packs_they_have_in_common() {
    let mut book = Book::new();
    let before = book.all::<RulePack>().len();
    let mut packs = amended();
    // What is kept need not be given again.
    for (position, pack) in packs.iter_mut().enumerate() {
        if position != 3 {
            pack.text = None;
        }
    }
    let (hash, repeated) = store(&mut book, packs).unwrap();
    assert!(!repeated);
    assert_eq!(book.all::<RulePack>().len(), before + 1);
    let mut backwards = amended();
    backwards.reverse();
    assert_eq!(store(&mut book, backwards).unwrap(), (hash, true));
    assert_eq!(book.all::<RuleSet>().len(), 2);
    assert_eq!(book.all::<RuleActivation>().len(), 1);
}

#[test]
fn what_is_not_what_it_says_is_not_kept() {
    let mut book = Book::new();
    let mut other_text = amended();
    other_text[3].text = Some("something else".into());
    let mut no_text = amended();
    no_text[3].text = None;
    let mut twice = amended();
    twice[4].name = twice[3].name.clone();
    for (packs, said) in [
        (other_text, "not that of its text"),
        (no_text, "is not kept"),
        (twice, "twice"),
        (Vec::new(), "1 to"),
    ] {
        let refused = store(&mut book, packs).unwrap_err();
        assert_eq!(refused.field.as_deref(), Some("packs"));
        assert!(refused.message.contains(said), "{}", refused.message);
    }
    let activate = Request::ActivateRules(ActivateRules {
        packs: "0".repeat(64),
        from: None,
    });
    let refused = book.ask(&operator(), activate).unwrap_err();
    assert_eq!(refused.code, Code::NotFound);
    assert_eq!(book.all::<RuleSet>().len(), 1);
}
