//! The answer as text for a terminal.

use super::Style;
use super::words::{
    Lang, account_word, effect_word, party_name, pick, shape_name, shape_says, subject_label,
    verdict_word, yuan,
};
use super::wrap::{width, wrap};
use crate::decision::{Finding, Verdict};
use crate::fact;
use crate::flow::facts::Subject;
use crate::flow::model::Flow;
use crate::flow::verdict::{FlowAnswer, Part};
use crate::pack::{Confidence, Note, Text};
use std::sync::Arc;

/// Stands behind a rule whose readings are not settled.
const MARK: &str = "†";

/// Columns before the text of a line.
const INDENT: usize = 12;

/// Lines of a report.
pub(super) struct Page {
    pub text: String,
    style: Style,
    /// Readings that are written out already.
    noted: Vec<Arc<Note>>,
    /// A mark of unsettled readings stands somewhere.
    marked: bool,
}

impl Page {
    pub fn new(style: Style) -> Page {
        Page {
            text: String::new(),
            style,
            noted: Vec::new(),
            marked: false,
        }
    }

    pub fn of(&self, en: &'static str, zh: &'static str) -> &'static str {
        match self.style.lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }

    pub fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// A text in a colour, where colours are wanted.
    pub fn paint(&self, text: &str, code: &str) -> String {
        if self.style.colour && !code.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// A heading with its verdict at the right end.
    pub fn heading(&mut self, label: &str, verdict: Verdict, suffix: &str) {
        let word = format!("{}{suffix}", verdict_word(verdict, self.style.lang));
        let gap = self
            .style
            .columns
            .saturating_sub(width(label) + width(&word))
            .max(2);
        let line = format!(
            "{}{}{}",
            self.paint(label, "1"),
            " ".repeat(gap),
            self.paint(&word, colour(verdict))
        );
        self.line(&line);
    }

    /// A named text, continued under itself.
    pub fn entry(&mut self, name: &str, text: &str, code: &str) {
        let room = self.style.columns.saturating_sub(INDENT);
        for (number, part) in wrap(text, room).iter().enumerate() {
            let head = if number == 0 { name } else { "" };
            let pad = INDENT.saturating_sub(2 + width(head)).max(1);
            let line = format!("  {}{}{part}", self.paint(head, code), " ".repeat(pad));
            self.line(&line);
        }
    }
}

/// The colour of a verdict.
pub(super) fn colour(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "1;32",
        Verdict::Limit => "1;36",
        Verdict::Migrate | Verdict::Ask => "1;33",
        Verdict::Deny => "1;31",
    }
}

/// The answer to a flow.
pub fn report(flow: &Flow, answer: &FlowAnswer, style: Style) -> String {
    let mut page = Page::new(style);
    let lang = style.lang;
    let title = pick(&flow.title, lang);
    let label = format!("{title}  ·  {} {}", page.of("as of", "截至"), answer.as_of);
    page.heading(&label, answer.verdict, &until(&page, answer.deadline));
    page.line("");
    for found in &answer.shapes {
        let name = pick(&shape_name(found.shape), lang).to_owned();
        let who: Vec<&str> = found
            .parties
            .iter()
            .map(|id| party_name(flow, *id, lang))
            .collect();
        let legs: Vec<String> = found
            .subjects
            .iter()
            .filter_map(|subject| match subject {
                Subject::Leg(position) => Some((position + 1).to_string()),
                _ => None,
            })
            .collect();
        let mut text = format!(
            "{name}{}{}{}{}",
            page.of(" – ", "——"),
            who.join(page.of(", ", "、")),
            page.of(": ", "："),
            shape_says(found.shape, lang)
        );
        if !legs.is_empty() {
            text.push_str(&format!(
                " ({} {})",
                page.of("legs", "资金"),
                legs.join(", ")
            ));
        }
        page.entry(page.of("shape", "形态"), &text, "36");
    }
    for part in &answer.parts {
        page.line("");
        write_part(&mut page, flow, part);
    }
    page.line("");
    write_unexamined(&mut page, answer);
    if page.marked {
        let text = page.of(
            "† Readings of this rule are not settled: `qingyuan rules show ID` has them with their standing.",
            "† 该规则的解读未成定论：见 `qingyuan rules show ID`。",
        );
        for part in wrap(text, style.columns) {
            page.line(&part);
        }
    }
    let no_advice = page.of(
        "This is no legal advice: the rules are a reading, marked with how far each can be trusted.",
        "本结果不构成法律意见：规则为解读，并标明可信程度。",
    );
    for part in wrap(no_advice, style.columns) {
        page.line(&part);
    }
    let packs = format!("{} {}", page.of("rules", "规则版本"), short(&answer.packs));
    page.line(&packs);
    page.text
}

/// Rules about which nothing was said: the answer is silent on them, which is no permission.
fn write_unexamined(page: &mut Page, answer: &FlowAnswer) {
    let rules = answer.unexamined();
    if rules.is_empty() {
        return;
    }
    let names: Vec<&str> = rules.iter().map(|one| one.rule.as_str()).collect();
    let text = match page.style.lang {
        Lang::En => format!(
            "Not examined, because the flow says nothing about what they ask (state it in `facts`): {}",
            names.join(", ")
        ),
        Lang::Zh => format!(
            "未审查（流程未说明其所问事实，可在 `facts` 中补充）：{}",
            names.join(", ")
        ),
    };
    for part in wrap(&text, page.style.columns) {
        page.line(&part);
    }
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

fn until(page: &Page, deadline: Option<calendar::BusinessDate>) -> String {
    deadline.map_or_else(String::new, |day| {
        format!("{}{day}", page.of(" by ", "，期限 "))
    })
}

fn write_part(page: &mut Page, flow: &Flow, part: &Part) {
    let lang = page.style.lang;
    let mut label = subject_label(flow, part.subject, lang);
    if let Subject::Leg(position) = part.subject
        && let Some(leg) = flow.legs.get(position)
    {
        if let Some(account) = leg.account {
            label.push_str(&format!(" ({})", account_word(account, lang)));
        }
        if let Some(amount) = leg.amount {
            label.push_str(&format!("  {}", yuan(amount)));
        }
        if let Some(purpose) = &leg.purpose {
            label.push_str(&format!("  {purpose}"));
        }
    }
    let suffix = until(page, part.deadline);
    page.heading(&label, part.verdict, &suffix);
    for seen in &part.seen {
        page.entry(page.of("seen", "所见"), pick(seen, lang), "2");
    }
    for finding in &part.fired {
        write_finding(page, finding);
    }
    for room in &part.limits {
        let text = format!(
            "{} {} {}, {} {}, {} {}",
            room.rule,
            page.of("figure", "额度"),
            yuan(room.figure),
            page.of("used", "已用"),
            yuan(room.used),
            page.of("remaining", "剩余"),
            yuan(room.remaining)
        );
        page.entry(page.of("room", "额度"), &text, "36");
    }
    write_missing(page, part);
    if part.unanswered {
        let text = page.of(
            "no rule in force on that day answers this",
            "当日尚无生效规则回答此问题",
        );
        page.entry(page.of("ask", "追问"), text, "33");
    }
    let kept: Vec<String> = part
        .kept
        .iter()
        .map(|finding| format!("{}{}", finding.rule.id, mark(page, finding)))
        .collect();
    if !kept.is_empty() {
        page.entry(page.of("kept", "已符合"), &kept.join(", "), "32");
    }
    for finding in &part.announced {
        let rule = &finding.rule;
        let text = format!("{} {} {}", rule.id, page.of("from", "自"), rule.from);
        page.entry(page.of("coming", "将生效"), &text, "2");
    }
}

/// Facts that must be known, each with every rule that needs it.
fn write_missing(page: &mut Page, part: &Part) {
    let mut facts: Vec<(&str, Vec<&str>)> = Vec::new();
    for missing in &part.missing {
        let rule = Some(missing.rule.as_str()).filter(|rule| !rule.is_empty());
        match facts.iter_mut().find(|(fact, _)| *fact == missing.fact) {
            Some((_, rules)) => rules.extend(rule),
            None => facts.push((&missing.fact, rule.into_iter().collect())),
        }
    }
    for (name, rules) in facts {
        let meaning =
            fact::find(name)
                .map(fact::definition)
                .map_or("", |found| match page.style.lang {
                    Lang::En => found.en,
                    Lang::Zh => found.zh,
                });
        let mut text = name.to_owned();
        if !meaning.is_empty() {
            text.push_str(&format!("{}{meaning}", page.of(": ", "：")));
        }
        if !rules.is_empty() {
            let rules = rules.join(", ");
            text.push_str(&match page.style.lang {
                Lang::En => format!(" (for {rules})"),
                Lang::Zh => format!("（依据 {rules}）"),
            });
        }
        page.entry(page.of("ask", "追问"), &text, "33");
    }
}

/// One rule that applies: what it does, where it stands, what it says, what to do.
fn write_finding(page: &mut Page, finding: &Finding) {
    let lang = page.style.lang;
    let rule = &finding.rule;
    let code = match rule.effect {
        crate::pack::Effect::Deny | crate::pack::Effect::Require => "31",
        crate::pack::Effect::Migrate | crate::pack::Effect::Flag => "33",
        _ => "2",
    };
    let mark = mark(page, finding);
    let mut head = format!("{}{mark}  {}", rule.id, pick(&rule.citation, lang));
    if rule.industry {
        head.push_str(page.of(" [industry practice, not law]", "【行业惯例，非法规】"));
    }
    match rule.confidence {
        Confidence::High => {}
        Confidence::Medium => head.push_str(page.of(" [probably right]", "【可信度中】")),
        Confidence::Low => head.push_str(page.of(" [uncertain]", "【可信度低】")),
    }
    page.entry(effect_word(rule.effect, lang), &head, code);
    page.entry("", pick(&rule.says, lang), "");
    if let Some(remedy) = finding.remedy()
        && !pick(remedy, lang).is_empty()
    {
        page.entry("", &format!("→ {}", pick(remedy, lang)), "");
    }
    write_notes(page, finding);
}

/// The mark of a rule whose readings are not settled.
fn mark(page: &mut Page, finding: &Finding) -> &'static str {
    if finding.open_readings().next().is_some() {
        page.marked = true;
        MARK
    } else {
        ""
    }
}

/// A text of a note, which may be there in one language only.
trait Reading {
    fn reading(&self, lang: Lang) -> &str;
}

impl Reading for String {
    fn reading(&self, _: Lang) -> &str {
        self
    }
}

impl Reading for Text {
    fn reading(&self, lang: Lang) -> &str {
        pick(self, lang)
    }
}

/// What was asked about a rule; each reading once in a report, however many rules it bears on.
fn write_notes(page: &mut Page, finding: &Finding) {
    let rule = &finding.rule;
    let lang = page.style.lang;
    for note in &rule.notes {
        if page.noted.iter().any(|known| Arc::ptr_eq(known, note)) {
            continue;
        }
        page.noted.push(note.clone());
        let (en, zh) = note.standing.words();
        let (question, answer) = (note.question.reading(lang), note.answer.reading(lang));
        let text = match lang {
            Lang::En => format!("{}: {question} — {answer} ({en}; {})", rule.id, note.source),
            Lang::Zh => format!("{}：{question}——{answer}（{zh}；{}）", rule.id, note.source),
        };
        page.entry(page.of("asked", "问答"), &text, "35");
    }
}
