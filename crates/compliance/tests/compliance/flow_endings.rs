//! Money that a drawing leaves where it does not belong, and money that is said to be given back.

use crate::support;
use crate::support::flows::{PAID_IN, example, leg, read, shapes};
use compliance::Verdict;
use compliance::flow::{FlowAnswer, Subject, judge};

/// The platform of 二清 with other legs than those of the example.
fn platform(legs: &str) -> String {
    let text = example("unlicensed-platform");
    let parties = text.split("[[leg]]").next().unwrap();
    format!("{parties}[party.third]\nkind = \"natural_person\"\n{legs}")
}

/// The answer at a day, and what was seen at the last leg.
fn judged(drawing: &str, day: &str) -> (FlowAnswer, String) {
    let flow = read(drawing).unwrap_or_else(|error| panic!("{error}"));
    let day = day.parse().unwrap();
    let answer = judge(&flow, support::packs(), Some(day)).unwrap();
    let last = Subject::Leg(flow.legs.len() - 1);
    let part = answer.parts.iter().find(|part| part.subject == last);
    let seen = part.unwrap().seen.iter().map(|seen| seen.en.as_str());
    let seen = seen.collect::<Vec<_>>().join("; ");
    (answer, seen)
}

fn is_second_clearing(answer: &FlowAnswer) -> bool {
    shapes(answer).contains(&"second_clearing".to_owned())
}

/// Money for the sellers' goods that ends at somebody else is second clearing, drawn on or not.
#[test]
fn others_money_that_rests_where_the_drawing_ends_is_second_clearing() {
    let drawings = [
        (
            format!("{PAID_IN}{}", leg("pay", "platform", 100, "")),
            "Platform",
        ),
        (
            "[[leg]]\nfrom = \"pay\"\nto = \"platform\"\ngoods_of = \"sellers\"\n".to_owned(),
            "Platform",
        ),
        (
            "[[leg]]\nfrom = \"buyers\"\nto = \"platform\"\ngoods_of = \"sellers\"\nroute = [\"bank\"]\n"
                .to_owned(),
            "Platform",
        ),
        (
            format!("{PAID_IN}{}", leg("pay", "third", 100, "")),
            "third",
        ),
    ];
    for (legs, holder) in drawings {
        for day in ["2018-01-02", "2026-11-26"] {
            let (answer, seen) = judged(&platform(&legs), day);
            assert_eq!(answer.verdict, Verdict::Deny, "{day} {legs}");
            assert!(is_second_clearing(&answer), "{:?} {legs}", answer.shapes);
            let says = format!(
                "money for goods of Sellers rests with {holder}, and the leg from there to Sellers is not drawn"
            );
            assert!(seen.contains(&says), "{seen}");
        }
    }
    // Whose goods they are is asked where it is not known.
    let unknown = "[[leg]]\nfrom = \"pay\"\nto = \"platform\"\ngoods_of = \"unknown\"\n";
    let (answer, _) = judged(&platform(unknown), "2026-11-26");
    assert_eq!(answer.verdict, Verdict::Ask);
    // The platform's part beside the sellers' own rests with nobody wrongly.
    let paid = leg("pay", "sellers", 95, "");
    let part = leg("pay", "platform", 5, "");
    let (answer, _) = judged(&platform(&format!("{PAID_IN}{paid}{part}")), "2026-11-26");
    assert!(!is_second_clearing(&answer), "{:?}", answer.shapes);
}

/// A word does not make a payout a refund: only who paid is given back.
#[test]
fn a_refund_to_whom_nobody_was_paid_by_is_refused_at_its_line() {
    let to_platform = leg("pay", "platform", 100, "");
    let back = |from: &str, to: &str, word: &str, amount: u32| {
        leg(from, to, amount, &format!("{word} = \"refund\""))
    };
    let small = leg("sellers", "platform", 1, "route = [\"bank\"]");
    let refused = [
        // The sellers never paid.
        format!(
            "{PAID_IN}{to_platform}{}",
            back("platform", "sellers", "purpose", 95)
        ),
        format!(
            "{PAID_IN}{to_platform}{}",
            back("platform", "sellers", "service", 95)
        ),
        // Nor did a third person.
        format!("{PAID_IN}{}", back("pay", "third", "purpose", 100)),
        // The price is not given back because a fee was paid, and no more than was paid.
        format!(
            "{PAID_IN}{to_platform}{small}{}",
            back("platform", "sellers", "purpose", 1)
        ),
        format!("{PAID_IN}{}", back("pay", "buyers", "purpose", 101)),
        format!(
            "{PAID_IN}{}{}",
            back("pay", "buyers", "purpose", 60),
            back("pay", "buyers", "purpose", 60)
        ),
        // What is paid afterwards is not given back before.
        format!("{}{PAID_IN}", back("pay", "buyers", "purpose", 100)),
    ];
    for legs in refused {
        let drawing = platform(&legs);
        let error = read(&drawing).unwrap_err();
        let line = drawing.lines().nth(error.line - 1).unwrap();
        assert!(line.ends_with("= \"refund\""), "{line}: {error}");
        assert!(error.to_string().contains("this is a payout"), "{error}");
    }
    // The buyers' own money goes back to them; what the platform keeps is judged all the same.
    let fair = format!("{PAID_IN}{}", back("pay", "buyers", "purpose", 40));
    read(&platform(&fair)).unwrap();
    let kept = format!(
        "{PAID_IN}{to_platform}{}",
        back("platform", "buyers", "purpose", 40)
    );
    let (answer, _) = judged(&platform(&kept), "2026-11-26");
    assert_eq!(answer.verdict, Verdict::Deny);
}
