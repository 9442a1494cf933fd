//! `qingyuan rules`.

use crate::cli::RulesCommand;
use crate::failure::Failure;
use crate::output::say;
use crate::regulation::load;
use calendar::BusinessDate;
use compliance::{Note, Outcome, Packs, Rule, Standing};
use serde::Serialize;
use std::path::Path;

/// Looks at the rules; false when a rule's own case does not hold.
pub fn run(folder: Option<&Path>, command: &RulesCommand) -> Result<bool, Failure> {
    let packs = load(folder)?;
    match command {
        RulesCommand::List => packs.rules().iter().for_each(|rule| line(" ", rule)),
        RulesCommand::Show { id } => {
            let rule = packs.rules().iter().find(|rule| rule.id == *id);
            let rule = rule.ok_or_else(|| {
                Failure::other(format!(
                    "there is no rule `{id}`; `qingyuan rules list` shows them"
                ))
            })?;
            show(&packs, rule);
        }
        RulesCommand::Diff { from, to } => {
            let (from, to) = (BusinessDate::from_date(*from), BusinessDate::from_date(*to));
            if to < from {
                return Err(Failure::other("--to is before --from"));
            }
            for rule in packs.rules() {
                match (rule.in_force(from), rule.in_force(to)) {
                    (false, true) => line("+", rule),
                    (true, false) => line("-", rule),
                    _ => {}
                }
            }
        }
        RulesCommand::Test => return Ok(test(&packs)),
    }
    Ok(true)
}

/// A word as the packs write it.
fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn words<T: Serialize + Copy>(values: &[T]) -> String {
    let words: Vec<String> = values.iter().map(|value| word(*value)).collect();
    words.join(", ")
}

fn line(mark: &str, rule: &Rule) {
    let to = rule
        .to
        .map_or_else(|| "open".to_owned(), |day| day.to_string());
    say!(
        "{mark} {:<36} {:<8} {} .. {to}  {}",
        rule.id,
        word(rule.effect),
        rule.from,
        rule.says.en
    );
}

fn field(name: &str, text: &str) {
    say!("  {name:<12} {text}");
}

fn show(packs: &Packs, rule: &Rule) {
    let to = rule
        .to
        .map_or_else(|| "open".to_owned(), |day| day.to_string());
    say!("{}  {}  {} .. {to}", rule.id, word(rule.effect), rule.from);
    field("says", &rule.says.en);
    field("", &rule.says.zh);
    if let Some(instrument) = packs.instrument(rule) {
        field("instrument", &instrument.en);
        field("", &instrument.zh);
        if instrument.industry {
            field("", "practice of a channel or scheme, not law");
        }
    }
    match &rule.article {
        Some(article) => field("article", article),
        None => field("article", "not certain: only the instrument is cited"),
    }
    field("confidence", &word(rule.confidence));
    field("binds", &words(&rule.bearer));
    if rule.actions.is_empty() {
        field("asked at", "checks only");
    } else {
        field("asked at", &words(&rule.actions));
    }
    for (name, figure) in &rule.figures {
        field("figure", &format!("{name} = {figure}"));
    }
    if let Some(deadline) = rule.deadline {
        field("deadline", &deadline.to_string());
    }
    for lifted in &rule.lifts {
        field("lifts", lifted);
    }
    field("remedy", &rule.remedy.en);
    field("", &rule.remedy.zh);
    let fires = rule.cases.iter().filter(|case| case.fires).count();
    let quiet = rule.cases.len() - fires;
    field("cases", &format!("{fires} fire, {quiet} stay quiet"));
    rule.notes.iter().for_each(|note| reading(note));
}

/// A reading: its standing comes first, and only what is settled is called an answer.
fn reading(note: &Note) {
    let (en, zh) = note.standing.words();
    field("reading", &format!("{en} · {zh}"));
    field("  question", &note.question.en);
    field("", &note.question.zh);
    let name = match note.standing {
        Standing::Consensus => "  answer",
        Standing::Unanswered => "  so far",
        Standing::Majority | Standing::Disputed | Standing::Single => "  one answer",
    };
    field(name, &note.answer.en);
    field("", &note.answer.zh);
    field("  source", &note.source);
    if let Some(case) = &note.case {
        field("  case", case);
    }
}

fn test(packs: &Packs) -> bool {
    let (mut run, mut wrong) = (0, 0);
    for rule in packs.rules() {
        for case in &rule.cases {
            run += 1;
            let decision = packs.check(&case.facts);
            let fired = decision.rules.iter().any(|finding| {
                finding.rule.id == rule.id
                    && matches!(finding.outcome, Outcome::Fired | Outcome::Lifted)
            });
            if fired != case.fires {
                wrong += 1;
                let expected = if case.fires { "fire" } else { "stay quiet" };
                let missing: Vec<&str> = decision
                    .missing
                    .iter()
                    .map(|missing| missing.fact.as_str())
                    .collect();
                say!(
                    "{}: expected to {expected} on {:?}; {}, missing [{}]",
                    rule.id,
                    case.facts,
                    decision.verdict.word(),
                    missing.join(", ")
                );
            }
        }
    }
    say!(
        "{run} cases of {} rules, {wrong} wrong",
        packs.rules().len()
    );
    wrong == 0
}
