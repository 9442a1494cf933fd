//! A flow as Mermaid text.

use super::facts::Subject;
use super::model::Flow;
use super::text::{Lang, contract_word, kind_word, party_name, verdict_word, yuan};
use super::verdict::{FlowAnswer, Part};
use crate::decision::Verdict;

/// A flowchart: legs with their verdict and the clauses that decide, contracts dotted.
pub fn mermaid(flow: &Flow, answer: &FlowAnswer, lang: Lang) -> String {
    let mut chart = String::from("flowchart LR\n");
    let part = |subject| answer.parts.iter().find(|part| part.subject == subject);
    for (id, party) in flow.parties.iter().enumerate() {
        chart.push_str(&format!(
            "  p{id}[\"{}<br/><small>{}</small>\"]\n",
            escape(party_name(flow, id, lang)),
            escape(kind_word(&party.kind, lang))
        ));
    }
    let mut links = Vec::new();
    for (position, leg) in flow.legs.iter().enumerate() {
        let part = part(Subject::Leg(position));
        let mut label = format!("{}", position + 1);
        if let Some(purpose) = &leg.purpose {
            label.push_str(&format!(" {}", escape(purpose)));
        }
        if let Some(amount) = leg.amount {
            label.push_str(&format!(" {}", yuan(amount)));
        }
        label.push_str(&clauses(part, lang));
        chart.push_str(&format!(
            "  p{} -->|\"{label}\"| p{}\n",
            leg.from, leg.holder
        ));
        links.push(part.map(|part| part.verdict));
    }
    for (position, contract) in flow.contracts.iter().enumerate() {
        let part = part(Subject::Contract(position));
        chart.push_str(&format!(
            "  p{} -.-|\"{}{}\"| p{}\n",
            contract.first,
            contract_word(contract.kind, lang),
            clauses(part, lang),
            contract.second
        ));
        links.push(part.map(|part| part.verdict));
    }
    for (number, verdict) in links.iter().enumerate() {
        if let Some(colour) = verdict.and_then(colour) {
            chart.push_str(&format!(
                "  linkStyle {number} stroke:{colour},color:{colour},stroke-width:3px\n"
            ));
        }
    }
    for (id, _) in flow.parties.iter().enumerate() {
        let verdict = part(Subject::Party(id)).map(|part| part.verdict);
        if let Some(colour) = verdict.and_then(colour) {
            chart.push_str(&format!("  style p{id} stroke:{colour},stroke-width:3px\n"));
        }
    }
    chart
}

/// The verdict and the clauses that decide it.
fn clauses(part: Option<&Part>, lang: Lang) -> String {
    let Some(part) = part.filter(|part| part.verdict != Verdict::Allow) else {
        return String::new();
    };
    let mut text = format!("<br/><b>{}</b>", verdict_word(part.verdict, lang));
    for finding in part.decisive().take(3) {
        text.push_str(&format!("<br/>{}", escape(&finding.rule.id)));
    }
    text
}

fn colour(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Allow | Verdict::Limit => None,
        Verdict::Migrate | Verdict::Ask => Some("#b7791f"),
        Verdict::Deny => Some("#c53030"),
    }
}

/// Text inside a quoted label.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('#', "#35;")
}
