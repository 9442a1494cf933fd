//! Ids: their form, their order, and the way back to the shard.

use crate::rig::{Rig, start};
use crate::toy::{ToyCommand, ToyReply};
use engine::ids::{id_text, parse_id_text};
use engine::{IdSource, ShardCode};
use jiff::SignedDuration;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn source(millisecond: i64, seed: u128) -> IdSource {
    let now = start() + SignedDuration::from_millis(millisecond);
    IdSource::new(ShardCode::FIRST, now, seed)
}

#[test]
fn the_form_of_an_id() {
    let shard = ShardCode::new(1_023).unwrap();
    let mut ids = IdSource::new(shard, start(), 42);
    let id = ids.id("pay");
    assert_eq!(id.len(), 4 + 2 + 26);
    assert!(id.starts_with("pay_ZZ0"), "{id}");
    // What follows the prefix is the id's channel reference.
    let reference = id.trim_start_matches("pay_");
    assert!(
        reference
            .bytes()
            .all(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
    );
    for text in [&id, reference] {
        assert_eq!(ShardCode::of_id(text), Ok(shard));
    }
}

#[test]
fn an_admission_gives_the_same_ids_again() {
    let make = || {
        let mut ids = source(0, 7);
        (ids.id("a"), ids.transfer(), ids.nonce())
    };
    assert_eq!(make(), make());
    assert_ne!(source(0, 7).transfer(), source(0, 8).transfer());
}

#[test]
fn ids_of_a_command_are_in_order_and_later_ones_are_greater() {
    let mut rig = Rig::new();
    let ToyReply::Names(first) = rig.done(ToyCommand::Ids { count: 500 }) else {
        panic!("no ids")
    };
    rig.now += SignedDuration::from_millis(1);
    let ToyReply::Names(second) = rig.done(ToyCommand::Ids { count: 500 }) else {
        panic!("no ids")
    };
    assert!(first.is_sorted() && second.is_sorted());
    assert!(first.last() < second.first());
}

#[test]
fn a_hundred_thousand_ids_of_one_millisecond_differ() {
    let mut seen = BTreeSet::new();
    // More than the sixteen bits of order can count.
    let mut long = source(0, 1);
    for _ in 0..70_000 {
        assert!(seen.insert(long.transfer()));
    }
    for seed in 2..15_002u128 {
        let mut ids = source(0, seed);
        assert!(seen.insert(ids.transfer()) && seen.insert(ids.transfer()));
    }
}

#[test]
fn nonces_differ_from_command_to_command() {
    let mut seen = BTreeSet::new();
    for seed in 0..2_000u128 {
        let mut ids = source(0, seed << 64 | seed);
        for _ in 0..5 {
            assert!(seen.insert(ids.nonce()));
        }
    }
}

#[test]
fn shard_codes_lead_back_and_nothing_else_is_one() {
    let texts: BTreeSet<String> = (0..1_024)
        .map(|number| {
            let code = ShardCode::new(number).unwrap();
            assert_eq!(code.number(), number);
            assert_eq!(code.to_string().parse(), Ok(code));
            let json = serde_json::to_string(&code).unwrap();
            assert_eq!(serde_json::from_str::<ShardCode>(&json).unwrap(), code);
            code.to_string()
        })
        .collect();
    assert_eq!(texts.len(), 1_024);
    assert_eq!(ShardCode::new(1_024), None);
    for wrong in ["", "0", "000", "I0", "0l", "o0", "0U", "é", "清", "0 "] {
        assert!(wrong.parse::<ShardCode>().is_err(), "{wrong}");
        assert!(serde_json::from_str::<ShardCode>(&format!("\"{wrong}\"")).is_err());
    }
    for wrong in ["", "pay_", "pay_0", "_", "清源", "pay_清源"] {
        assert!(ShardCode::of_id(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn texts_of_numbers_lead_back(value: u128) {
        let text = id_text(value);
        prop_assert_eq!(text.len(), 26);
        prop_assert_eq!(parse_id_text(&text), Some(value));
    }

    #[test]
    fn texts_order_as_their_numbers(a: u128, b: u128) {
        prop_assert_eq!(id_text(a).cmp(&id_text(b)), a.cmp(&b));
    }

    #[test]
    fn parsing_takes_nothing_else(text in "\\PC{0,30}") {
        if let Some(value) = parse_id_text(&text) {
            prop_assert_eq!(id_text(value), text.clone());
        }
        let _ = ShardCode::of_id(&text);
    }
}

#[test]
fn the_greatest_text_is_the_greatest_number() {
    assert_eq!(parse_id_text(&id_text(u128::MAX)), Some(u128::MAX));
    assert_eq!(parse_id_text("8ZZZZZZZZZZZZZZZZZZZZZZZZZ"), None);
    assert_eq!(parse_id_text(&"0".repeat(27)), None);
}
