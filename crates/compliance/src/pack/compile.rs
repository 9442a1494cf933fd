//! From a pack's text to rules.

use super::bounds;
use super::error::PackError;
use super::policy::{Compiler, figure, with_figures};
use super::raw::{RawClause, RawPack, RawReading, RawRule};
use super::rule::{Case, Clause, Instrument, Limit, Note, Rule, Term, Text};
use crate::Verdict;
use crate::fact::{self, FactId, Facts, Node, facts_from_node};
use calendar::BusinessDate;
use cedar_policy::Policy;
use std::sync::Arc;

/// A rule, the line where it stands, and its conditions as policies, to be validated.
pub(crate) struct Compiled {
    pub line: usize,
    pub rule: Rule,
    pub policies: Vec<Policy>,
}

/// A reading, the line where it stands, and the rules that it bears on.
pub(crate) struct CompiledReading {
    pub line: usize,
    pub rules: Vec<String>,
    pub note: Arc<Note>,
}

/// What a pack becomes.
pub(crate) struct CompiledPack {
    pub instrument: Instrument,
    pub rules: Vec<Compiled>,
    pub readings: Vec<CompiledReading>,
}

/// The facts of a case, the day included.
fn compile_facts(value: &toml::Value, line: usize) -> Result<Facts, String> {
    facts_from_node(&Node::from_toml(value, line)).map_err(|error| error.to_string())
}

/// The line, from 1, at a place in a text.
pub(crate) fn line_at(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

/// Compiles one pack. Policies are numbered from `number` on; validation follows with all of them.
pub(crate) fn compile(
    name: &str,
    text: &str,
    instrument: usize,
    number: &mut usize,
    compiler: &Compiler,
) -> Result<CompiledPack, PackError> {
    let fail = |line: usize, reason: String| PackError {
        file: name.to_owned(),
        line,
        reason,
    };
    if let Some(offset) = bounds::endless_key(text) {
        let reason = "a key, or a line of text, has too many parts between dots";
        return Err(fail(line_at(text, offset), reason.to_owned()));
    }
    let raw: RawPack = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_at(text, span.start));
        fail(line, error.message().to_owned())
    })?;
    let issued = date(&raw.instrument.issued).map_err(|reason| fail(1, reason))?;
    let head = Instrument {
        key: raw.instrument.key,
        zh: raw.instrument.zh,
        en: raw.instrument.en,
        issued,
        industry: raw.instrument.industry,
    };
    let mut rules = Vec::with_capacity(raw.rule.len());
    for rule in raw.rule {
        let line = text
            .find(&format!("id = \"{}\"", rule.id))
            .map_or(1, |offset| line_at(text, offset));
        let (rule, policies) = compile_rule(rule, (instrument, &head), line, number, compiler)
            .map_err(|reason| fail(line, reason))?;
        rules.push(Compiled {
            line,
            rule,
            policies,
        });
    }
    let mut readings = Vec::with_capacity(raw.reading.len());
    for reading in raw.reading {
        let line = text
            .find(reading.question.en.as_str())
            .map_or(1, |offset| line_at(text, offset));
        readings.push(compile_reading(reading, line).map_err(|reason| fail(line, reason))?);
    }
    Ok(CompiledPack {
        instrument: head,
        rules,
        readings,
    })
}

fn compile_reading(raw: RawReading, line: usize) -> Result<CompiledReading, String> {
    if raw.rules.is_empty() {
        return Err("a reading must name in `rules` the rules that it bears on".to_owned());
    }
    if raw.question.zh.is_empty() || raw.answer.zh.is_empty() || raw.source.is_empty() {
        return Err(
            "a reading needs question and answer in both languages, and a source".to_owned(),
        );
    }
    Ok(CompiledReading {
        line,
        rules: raw.rules,
        note: Arc::new(Note {
            case: raw.case,
            question: raw.question,
            answer: raw.answer,
            standing: raw.standing,
            source: raw.source,
        }),
    })
}

fn date(text: &str) -> Result<BusinessDate, String> {
    fact::day(text)
        .and_then(|day| i32::try_from(day).ok())
        .and_then(|day| BusinessDate::from_yyyymmdd(day).ok())
        .ok_or_else(|| format!("`{text}` is not a day; expected for instance 2018-04-01"))
}

/// A figure is kept with its rule, whatever it is: a list or table of any depth is none.
fn is_nested(value: &toml::Value) -> bool {
    value.is_array() || value.is_table()
}

fn named(path: &str) -> Result<FactId, String> {
    fact::find(path).ok_or_else(|| fact::unknown_fact(path).to_string())
}

fn compile_rule(
    mut raw: RawRule,
    (instrument, head): (usize, &Instrument),
    line: usize,
    number: &mut usize,
    compiler: &Compiler,
) -> Result<(Rule, Vec<Policy>), String> {
    let id = raw.id.clone();
    let from = date(&raw.from)?;
    let to = raw.to.as_deref().map(date).transpose()?;
    if to.is_some_and(|to| to < from) {
        return Err(format!("`{id}` ends before it begins"));
    }
    if raw.bearer.is_empty() {
        return Err(format!("`{id}` binds nobody: list its bearers"));
    }
    let mut written = std::mem::take(&mut raw.clause);
    if let Some(when) = raw.when.take() {
        written.insert(
            0,
            RawClause {
                raised_by: std::mem::take(&mut raw.raised_by),
                when,
                verdict: None,
                asks: Vec::new(),
                scale_percent: None,
                live: true,
            },
        );
    }
    if written.is_empty() {
        return Err(format!(
            "`{id}` has no condition: `when` or a `[[rule.clause]]` is expected"
        ));
    }
    if let Some((name, _)) = raw.figures.iter().find(|(_, value)| is_nested(value)) {
        return Err(format!("`{id}`: the figure `{name}` is not a number"));
    }
    let service = named("service")?;
    for word in &raw.services {
        let words = fact::definition(service).words;
        if !words.contains(&word.as_str()) {
            return Err(format!("`{id}`: unknown service `{word}`"));
        }
    }
    for text in [&raw.says, &raw.remedy] {
        if text.en.trim().is_empty() || text.zh.trim().is_empty() {
            return Err(format!(
                "`{id}`: `says` and `remedy` are wanted in both languages, for instance {{ en = \"…\", zh = \"…\" }}"
            ));
        }
    }
    let mut clauses = Vec::new();
    let mut policies = Vec::new();
    for clause in written {
        let (clause, policy) = compile_clause(&raw, clause, number, compiler)?;
        clauses.push(clause);
        policies.push(policy);
        *number += 1;
    }
    let limit = match &raw.limit {
        None => None,
        Some(limit) => Some(Limit {
            bucket: limit.bucket.clone(),
            period: limit.period,
            figure: match limit.figure.strip_prefix("figure.") {
                Some(name) => Ok(figure(name, &raw.figures)?),
                None => Err(named(&limit.figure)?),
            },
            used: limit
                .used
                .iter()
                .map(|path| named(path))
                .collect::<Result<_, _>>()?,
            refund_gives_back: limit.refund_gives_back,
        }),
    };
    let cases = cases(&raw, from, line)?;
    let article = raw.article.filter(|_| raw.article_certain);
    let rule = Rule {
        id,
        instrument,
        citation: citation(head, article.as_deref()),
        industry: head.industry,
        article,
        from,
        to,
        bearer: raw.bearer,
        actions: raw.actions,
        services: raw.services,
        effect: raw.effect,
        confidence: raw.confidence,
        says: raw.says,
        remedy: raw.remedy,
        figures: raw.figures,
        deadline: raw.deadline.as_deref().map(date).transpose()?,
        loss_bearer: raw.loss_bearer,
        clauses,
        limit,
        lifts: raw.lifts,
        cases,
        notes: raw
            .note
            .into_iter()
            .map(|note| {
                Arc::new(Note {
                    case: None,
                    question: note.question,
                    answer: note.answer,
                    standing: note.standing,
                    source: note.source,
                })
            })
            .collect(),
    };
    Ok((rule, policies))
}

/// The instrument, and the article where it is certain.
fn citation(instrument: &Instrument, article: Option<&str>) -> Text {
    let mut citation = Text {
        en: instrument.en.clone(),
        zh: instrument.zh.clone(),
    };
    if let Some(article) = article {
        citation.en.push_str(&format!(", art. {article}"));
        citation.zh.push_str(&format!("第{article}条"));
    }
    citation
}

fn compile_clause(
    raw: &RawRule,
    clause: RawClause,
    number: &mut usize,
    compiler: &Compiler,
) -> Result<(Clause, Policy), String> {
    let condition = with_figures(&clause.when, &raw.figures)?;
    let (policy, condition, reads) = compiler.policy(*number, &raw.id, &condition, &raw.absence)?;
    let mut raised_by = Vec::new();
    for entry in &clause.raised_by {
        let mut terms = Vec::new();
        for term in entry.split('&') {
            let (path, word) = match term.split_once('=') {
                Some((path, word)) => (path.trim(), Some(word.trim().to_owned())),
                None => (term.trim(), None),
            };
            terms.push(Term {
                fact: named(path)?,
                word,
            });
        }
        raised_by.push(terms);
    }
    let verdict = clause
        .verdict
        .as_deref()
        .map(|word| Verdict::from_word(word).ok_or_else(|| format!("`{word}` is not a verdict")))
        .transpose()?;
    if verdict == Some(Verdict::Ask) && clause.asks.is_empty() {
        return Err(
            "a clause with `verdict = \"ask\"` must say in `asks` what it asks for".to_owned(),
        );
    }
    let clause = Clause {
        raised_by,
        condition,
        reads,
        verdict,
        asks: clause.asks,
        live: clause.live,
        scale_percent: clause
            .scale_percent
            .map(|name| figure(&name, &raw.figures))
            .transpose()?,
    };
    Ok((clause, policy))
}

/// `quiet` cases are the first firing case with the facts that differ.
fn cases(raw: &RawRule, from: BusinessDate, line: usize) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    let day = from.to_yyyymmdd();
    let day = format!(
        "{:04}-{:02}-{:02}",
        day / 10_000,
        day / 100 % 100,
        day % 100
    );
    let with_day = |value: &toml::Value| {
        let mut value = value.clone();
        if let toml::Value::Table(table) = &mut value
            && !table.contains_key("as_of")
        {
            table.insert("as_of".to_owned(), toml::Value::String(day.clone()));
        }
        value
    };
    for value in &raw.fires {
        cases.push(Case {
            facts: compile_facts(&with_day(value), line)?,
            fires: true,
        });
    }
    for change in &raw.quiet {
        let mut value = raw.fires.first().map_or_else(|| with_day(change), with_day);
        if let (toml::Value::Table(base), toml::Value::Table(change)) = (&mut value, change) {
            merge(base, change);
        }
        cases.push(Case {
            facts: compile_facts(&value, line)?,
            fires: false,
        });
    }
    Ok(cases)
}

fn merge(base: &mut toml::Table, change: &toml::Table) {
    for (name, value) in change {
        match (base.get_mut(name), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(change)) => merge(inner, change),
            _ => {
                base.insert(name.clone(), value.clone());
            }
        }
    }
}
