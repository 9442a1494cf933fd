//! What changed between two days, as text.

use super::Style;
use super::report::Page;
use super::words::{effect_word, pick, subject_label, verdict_word};
use crate::flow::compare::{Comparison, Why};
use crate::flow::model::Flow;

/// The same flow at two days.
pub fn comparison(flow: &Flow, comparison: &Comparison, style: Style) -> String {
    let mut page = Page::new(style);
    let lang = style.lang;
    let (from, to) = (&comparison.from, &comparison.to);
    let label = format!(
        "{}  ·  {} {} → {}",
        pick(&flow.title, lang),
        from.as_of,
        verdict_word(from.verdict, lang),
        to.as_of,
    );
    page.heading(&label, to.verdict, "");
    if comparison.changes.is_empty() {
        let same = page.of("nothing changes", "无变化").to_owned();
        page.entry("", &same, "");
    }
    for change in &comparison.changes {
        page.line("");
        let label = format!(
            "{}  {} →",
            subject_label(flow, change.subject, lang),
            change
                .from
                .map_or("–", |verdict| verdict_word(verdict, lang))
        );
        match change.to {
            Some(verdict) => page.heading(&label, verdict, ""),
            None => page.line(&label),
        }
        let sides = [
            (&change.gone, page.of("no more", "不再适用"), "32"),
            (&change.new, page.of("new", "新适用"), "31"),
        ];
        for (rules, name, code) in sides {
            for rule in rules {
                let finding = &rule.finding;
                let why = match rule.why {
                    Why::InForceFrom(day) => {
                        format!("{} {day}", page.of("in force from", "生效于"))
                    }
                    Why::EndedOn(day) => format!("{} {day}", page.of("ended on", "失效于")),
                    Why::Condition => page
                        .of(
                            "in force on both days; its figure or date decides",
                            "两日均有效，由其日期或数值决定",
                        )
                        .to_owned(),
                };
                let head = format!(
                    "{} {}  {}: {why}",
                    effect_word(finding.rule.effect, lang),
                    finding.rule.id,
                    pick(&finding.rule.citation, lang)
                );
                page.entry(name, &head, code);
                page.entry("", pick(&finding.rule.says, lang), "");
            }
        }
        let asks = [
            (&change.asked_no_more, page.of("settled", "不再追问"), "32"),
            (&change.asked_now, page.of("ask", "追问"), "33"),
        ];
        for (facts, name, code) in asks {
            if !facts.is_empty() {
                page.entry(name, &facts.join(", "), code);
            }
        }
    }
    page.text
}
