//! Drawing what was placed.

use super::layout::{BOX_HEIGHT, LINE, Link, MARGIN, Placed, Point, Route, count, layout, pixels};
use crate::decision::Verdict;
use crate::flow::facts::Subject;
use crate::flow::model::{Flow, Hop, MoneyLeg};
use crate::flow::text::{
    Lang, account_word, contract_word, hop_name, kind_word, party_name, pick, shape_name,
    subject_label, verdict_word, yuan,
};
use crate::flow::verdict::{FlowAnswer, Part};
use std::fmt::Write as _;

const STYLE: &str = "text{font-family:'Helvetica Neue',Arial,'Noto Sans CJK SC','PingFang SC','Microsoft YaHei','WenQuanYi Zen Hei',sans-serif;font-size:12px;fill:#1a202c}\
.t{font-size:17px;font-weight:bold}.b{font-weight:bold}.s{font-size:11px;fill:#4a5568}";

/// Clauses shown on one line.
const CLAUSES: usize = 3;

fn colour(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Deny) => "#c53030",
        Some(Verdict::Ask | Verdict::Migrate) => "#b7791f",
        Some(Verdict::Allow | Verdict::Limit) => "#2f855a",
        None => "#718096",
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The picture: payers at the left, payees at the right, bad legs red with their clauses.
pub fn svg(flow: &Flow, answer: &FlowAnswer, lang: Lang) -> String {
    let part = |subject| answer.parts.iter().find(|part| part.subject == subject);
    let names: Vec<[String; 2]> = flow
        .parties
        .iter()
        .map(|party| {
            let mut below = kind_word(&party.kind, lang).to_owned();
            if party.kind == "npi" && party.licences.as_ref().is_some_and(Vec::is_empty) {
                below.push_str(match lang {
                    Lang::En => ", no licence",
                    Lang::Zh => "（无牌照）",
                });
            }
            [pick(&party.name, lang).to_owned(), below]
        })
        .collect();
    let mut links = Vec::new();
    let mut verdicts = Vec::new();
    for (position, leg) in flow.legs.iter().enumerate() {
        let part = part(Subject::Leg(position));
        links.push(Link {
            from: leg.from,
            to: leg.holder,
            label: leg_label(flow, position, leg, part, lang),
            leads: true,
        });
        verdicts.push((part.map(|part| part.verdict), true));
    }
    for (position, contract) in flow.contracts.iter().enumerate() {
        let part = part(Subject::Contract(position));
        let mut label = vec![contract_word(contract.kind, lang).to_owned()];
        label.extend(clauses(part));
        links.push(Link {
            from: contract.first,
            to: contract.second,
            label,
            leads: false,
        });
        verdicts.push((part.map(|part| part.verdict), false));
    }
    // Who only stands on a route is named at the leg.
    let shown: Vec<bool> = (0..flow.parties.len())
        .map(|id| {
            links.iter().any(|link| link.from == id || link.to == id)
                || part(Subject::Party(id)).is_some()
        })
        .collect();
    let placed = layout(&shown, &links, &names);
    let legend = legend(flow, answer, lang);
    let legend_width = legend
        .iter()
        .map(|(text, _)| pixels(text) + 2 * MARGIN + 16)
        .fold(0, Ord::max);
    let title = format!(
        "{}  ·  {}  ·  {}",
        pick(&flow.title, lang),
        answer.as_of,
        verdict_word(answer.verdict, lang)
    );
    let width = placed
        .width
        .max(legend_width)
        .max(pixels(&title) * 3 / 2 + 2 * MARGIN);
    let head = 44;
    let height = head + placed.height + count(legend.len()) * (LINE + 4) + MARGIN;
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        escape(&title)
    );
    let _ = writeln!(
        out,
        "<text class=\"t\" x=\"{MARGIN}\" y=\"30\" style=\"fill:{}\">{}</text>",
        colour(Some(answer.verdict)),
        escape(&title)
    );
    let _ = writeln!(out, "<g transform=\"translate(0 {head})\">");
    for (route, (verdict, money)) in placed.routes.iter().zip(&verdicts) {
        if let Some(route) = route {
            draw_line(&mut out, route, *verdict, *money);
        }
    }
    for (id, place) in placed.boxes.iter().enumerate() {
        let verdict = part(Subject::Party(id)).map(|part| part.verdict);
        if let (Some(name), Some(true)) = (names.get(id), shown.get(id)) {
            draw_box(&mut out, place, name, verdict);
        }
    }
    for ((route, link), (verdict, money)) in placed.routes.iter().zip(&links).zip(&verdicts) {
        if let Some(route) = route {
            draw_label(&mut out, route, &link.label, *verdict, *money);
        }
    }
    out.push_str("</g>\n");
    for (number, (text, verdict)) in legend.iter().enumerate() {
        let y = head + placed.height + count(number) * (LINE + 4) + LINE;
        if let Some(verdict) = verdict {
            let _ = writeln!(
                out,
                "<circle cx=\"{}\" cy=\"{}\" r=\"4\" fill=\"{}\"/>",
                MARGIN + 4,
                y - 4,
                colour(Some(*verdict))
            );
        }
        let _ = writeln!(
            out,
            "<text class=\"{}\" x=\"{}\" y=\"{y}\">{}</text>",
            if verdict.is_some() { "b" } else { "s" },
            MARGIN + 14,
            escape(text)
        );
    }
    out.push_str("</svg>\n");
    out
}

fn leg_label(
    flow: &Flow,
    position: usize,
    leg: &MoneyLeg,
    part: Option<&Part>,
    lang: Lang,
) -> Vec<String> {
    let mut first = format!("{}", position + 1);
    for word in [
        leg.purpose.as_ref().map(|word| word.to_string()),
        leg.amount.map(yuan),
    ]
    .into_iter()
    .flatten()
    {
        first.push_str(&format!("  {word}"));
    }
    let mut lines = vec![first];
    let mut second = Vec::new();
    if let Some(account) = leg.account {
        second.push(account_word(account, lang).to_owned());
    }
    if leg.to != leg.holder {
        let owner = party_name(flow, leg.to, lang);
        second.push(match lang {
            Lang::En => format!("for {owner}"),
            Lang::Zh => format!("归{owner}"),
        });
    }
    let way: Vec<String> = leg
        .route
        .iter()
        .flatten()
        .filter(|hop| ![Hop::Party(leg.from), Hop::Party(leg.holder)].contains(hop))
        .map(|hop| pick(&hop_name(flow, hop), lang).to_owned())
        .collect();
    if !way.is_empty() {
        second.push(match lang {
            Lang::En => format!("via {}", way.join(", ")),
            Lang::Zh => format!("经{}", way.join("、")),
        });
    }
    if !second.is_empty() {
        lines.push(second.join(" · "));
    }
    lines.extend(clauses(part));
    lines
}

/// The clauses that decide, where something is to be said.
fn clauses(part: Option<&Part>) -> Vec<String> {
    let Some(part) = part.filter(|part| part.verdict != Verdict::Allow) else {
        return Vec::new();
    };
    let rules: Vec<&str> = part
        .decisive()
        .map(|finding| finding.rule.id.as_str())
        .collect();
    let mut lines: Vec<String> = rules
        .iter()
        .take(CLAUSES)
        .map(|rule| (*rule).to_owned())
        .collect();
    if rules.len() > CLAUSES {
        lines.push(format!("+ {}", rules.len() - CLAUSES));
    }
    if rules.is_empty() && part.verdict == Verdict::Ask {
        let mut facts: Vec<&str> = part
            .missing
            .iter()
            .map(|missing| missing.fact.as_str())
            .collect();
        facts.dedup();
        lines.extend(facts.iter().take(CLAUSES).map(|fact| format!("? {fact}")));
    }
    lines
}

/// Verdicts with their clauses written out, and the shapes.
fn legend(flow: &Flow, answer: &FlowAnswer, lang: Lang) -> Vec<(String, Option<Verdict>)> {
    let mut lines = Vec::new();
    let shapes: Vec<String> = answer
        .shapes
        .iter()
        .map(|found| {
            let who = found
                .parties
                .first()
                .map_or("", |id| party_name(flow, *id, lang));
            format!("{} ({who})", pick(&shape_name(found.shape), lang))
        })
        .collect();
    if !shapes.is_empty() {
        let name = match lang {
            Lang::En => "Shapes: ",
            Lang::Zh => "形态：",
        };
        lines.push((format!("{name}{}", shapes.join("; ")), None));
    }
    for part in &answer.parts {
        let mut head = format!(
            "{}: {}",
            subject_label(flow, part.subject, lang),
            verdict_word(part.verdict, lang)
        );
        if let Some(deadline) = part.deadline {
            head.push_str(&format!(" ({deadline})"));
        }
        lines.push((head, Some(part.verdict)));
        for finding in part.decisive() {
            lines.push((
                format!(
                    "{}  {}",
                    finding.rule.id,
                    pick(&finding.rule.citation, lang)
                ),
                None,
            ));
        }
    }
    let advice = match lang {
        Lang::En => "No legal advice.",
        Lang::Zh => "不构成法律意见。",
    };
    lines.push((advice.to_owned(), None));
    lines
}

/// A smooth line through its points, level at each of them.
fn draw_line(out: &mut String, route: &Route, verdict: Option<Verdict>, money: bool) {
    let mut path = String::new();
    for (number, pair) in route.points.windows(2).enumerate() {
        let [one, other] = pair else { continue };
        if number == 0 {
            let _ = write!(path, "M{} {}", one.x, one.y);
        }
        let half = (one.x + other.x) / 2;
        let _ = write!(
            path,
            " C{half} {} {half} {} {} {}",
            one.y, other.y, other.x, other.y
        );
    }
    let shade = colour(verdict);
    let dash = if money {
        ""
    } else {
        " stroke-dasharray=\"5 4\""
    };
    let thick = if verdict == Some(Verdict::Deny) {
        "2.6"
    } else {
        "1.5"
    };
    let _ = writeln!(
        out,
        "<path d=\"{path}\" fill=\"none\" stroke=\"{shade}\" stroke-width=\"{thick}\"{dash}/>"
    );
    if money && let [.., before, last] = route.points.as_slice() {
        arrow(out, *before, *last, shade);
    }
}

fn arrow(out: &mut String, before: Point, tip: Point, shade: &str) {
    let back = if before.x < tip.x { -9 } else { 9 };
    let _ = writeln!(
        out,
        "<path d=\"M{} {} l{back} -4.5 v9 z\" fill=\"{shade}\"/>",
        tip.x, tip.y
    );
}

fn draw_box(out: &mut String, place: &Placed, name: &[String; 2], verdict: Option<Verdict>) {
    let bad = matches!(verdict, Some(Verdict::Deny | Verdict::Ask));
    let shade = if bad { colour(verdict) } else { "#2d3748" };
    let thick = if bad { "2.6" } else { "1.2" };
    let middle = place.x + place.width / 2;
    let _ = writeln!(
        out,
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{BOX_HEIGHT}\" rx=\"7\" fill=\"#f7fafc\" stroke=\"{shade}\" stroke-width=\"{thick}\"/>",
        place.x, place.y, place.width
    );
    for (text, class, down) in [(&name[0], "b", 25), (&name[1], "s", 43)] {
        let _ = writeln!(
            out,
            "<text class=\"{class}\" x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            place.y + down,
            escape(text)
        );
    }
}

fn draw_label(
    out: &mut String,
    route: &Route,
    lines: &[String],
    verdict: Option<Verdict>,
    money: bool,
) {
    let height = count(lines.len()) * LINE + 8;
    let (left, top) = (
        route.label.x - route.label_width / 2,
        route.label.y - height / 2,
    );
    let shade = colour(verdict);
    let _ = writeln!(
        out,
        "<rect x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{height}\" rx=\"4\" fill=\"#fff\" stroke=\"{shade}\" stroke-width=\"{}\"/>",
        route.label_width,
        if money { "1" } else { "0.6" }
    );
    for (number, line) in lines.iter().enumerate() {
        let bad = verdict == Some(Verdict::Deny) && number > 0;
        let style = if bad || number == 0 && verdict == Some(Verdict::Deny) {
            format!(" style=\"fill:{shade}\"")
        } else {
            String::new()
        };
        let _ = writeln!(
            out,
            "<text class=\"{}\" x=\"{}\" y=\"{}\" text-anchor=\"middle\"{style}>{}</text>",
            if number == 0 { "b" } else { "s" },
            route.label.x,
            top + 15 + count(number) * LINE,
            escape(line)
        );
    }
}
