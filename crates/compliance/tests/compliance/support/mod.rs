//! The project's own packs and cases, and what is asked of a decision about them.

pub mod flows;

use compliance::{Decision, Facts, Node, Outcome, Packs, Verdict, facts_from_node, parse_yaml};
use std::sync::OnceLock;

/// Name and text of every TOML file in a folder of the repository.
pub fn toml_texts(folder: &str) -> Vec<(String, String)> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let mut texts: Vec<(String, String)> = std::fs::read_dir(format!("{root}/{folder}"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    texts.sort();
    texts
}

/// Name and text of every pack.
pub fn texts() -> Vec<(String, String)> {
    toml_texts("regulations")
}

/// Loads texts that must be whole.
pub fn load(texts: &[(String, String)]) -> Packs {
    let borrowed: Vec<(&str, &str)> = texts
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    match Packs::load(&borrowed) {
        Ok(packs) => packs,
        Err(error) => panic!("{error}"),
    }
}

/// The packs, loaded once.
pub fn packs() -> &'static Packs {
    static PACKS: OnceLock<Packs> = OnceLock::new();
    PACKS.get_or_init(|| load(&texts()))
}

/// Facts from YAML text.
pub fn facts(text: &str) -> Facts {
    match parse_yaml(text).and_then(|node| facts_from_node(&node)) {
        Ok(facts) => facts,
        Err(error) => panic!("{error}: {text}"),
    }
}

/// One of the practitioners' cases.
pub struct Case {
    pub id: String,
    pub facts: Facts,
    pub expect: Node,
    pub standing: String,
}

/// All of them.
pub fn cases() -> Vec<Case> {
    let node = parse_yaml(include_str!("../cases.yaml")).unwrap();
    node.items()
        .iter()
        .map(|item| Case {
            id: item.get("id").unwrap().text().unwrap().to_owned(),
            facts: facts_from_node(item.get("facts").unwrap())
                .unwrap_or_else(|error| panic!("{error}")),
            expect: item.get("expect").unwrap().clone(),
            standing: item.get("standing").unwrap().text().unwrap().to_owned(),
        })
        .collect()
}

/// Whether a rule applies: it fired, or would have without a relaxation.
pub fn applies(decision: &Decision, rule: &str) -> bool {
    decision.rules.iter().any(|finding| {
        finding.rule.id == rule && matches!(finding.outcome, Outcome::Fired | Outcome::Lifted)
    })
}

/// Facts that the decision asks for.
pub fn missing(decision: &Decision) -> Vec<&str> {
    let missing = decision.missing.iter();
    missing.map(|one| one.fact.as_str()).collect()
}

/// Stated facts without any one of which the rest would be allowed.
pub fn allowed_without(facts: &Facts) -> Vec<&'static str> {
    let allowed = |path: &&str| {
        let mut less = facts.clone();
        less.remove(path);
        packs().check(&less).verdict == Verdict::Allow
    };
    let stated = facts.stated().map(|(definition, _)| definition.path);
    stated.filter(allowed).collect()
}

/// Fails with everything that is wrong, a line each.
#[track_caller]
pub fn none_wrong(wrong: &[String]) {
    let count = wrong.len();
    assert!(wrong.is_empty(), "{count} wrong\n{}", wrong.join("\n"));
}
