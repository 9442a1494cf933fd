//! Drawings of a leg or two: the shape found in them, and what is asked where too little is drawn.

use crate::support::flows::{fired, judged, missing, shapes};
use compliance::Verdict;
use compliance::flow::FlowAnswer;

/// Parties for all of them.
const PARTIES: &str = r#"
as_of = 2018-02-23
lifecycle = "new"
change = "add_business"
[party.buyers]
kind = "natural_person"
[party.pay]
kind = "npi"
licences = ["internet_payment"]
[party.wallet]
kind = "npi"
licences = ["internet_payment"]
wallet = true
[party.bank]
kind = "bank"
[party.other_bank]
kind = "bank"
[party.aggregator]
kind = "aggregator"
touches_sensitive = false
[party.shop]
kind = "merchant"
online = true
[party.parent]
kind = "merchant"
online = true
[[contract]]
kind = "acquiring"
between = ["pay", "shop"]
checked_by = "pay"
"#;

fn answer(drawing: &str) -> FlowAnswer {
    judged(&format!("{PARTIES}{drawing}"))
}

#[test]
fn further_shapes_are_recognised() {
    let cases = [
        // A bank that only stands between the institution and clearing.
        (
            "[[leg]]\nfrom = \"pay\"\nto = \"shop\"\nservice = \"payout\"\nroute = [\"pay\", \"bank\", \"unionpay\", \"other_bank\"]\n",
            "springboard",
            "PBC-2017-281/no-relay",
        ),
        // An aggregator that switches between bank and wallet.
        (
            "[[leg]]\nfrom = \"buyers\"\nto = \"bank\"\naccount = \"sub_account\"\ngoods_of = \"shop\"\nroute = [\"bank\", \"aggregator\", \"wallet\"]\n",
            "unlicensed_switch",
            "PBC-2017-281/no-relay",
        ),
        // Somebody outside the group collects.
        (
            "[[leg]]\nfrom = \"shop\"\nto = \"parent\"\npurpose = \"sweep\"\n",
            "foreign_sweep",
            "PBC-2013-9/settle-account",
        ),
        // An advance of own money to a merchant that is too new.
        (
            "[[leg]]\nfrom = \"pay\"\nto = \"shop\"\nservice = \"advance\"\nfunding = \"own\"\nfacts = { merchant = { age_days = 30, normal_trading_days = 20 } }\n",
            "own_advance",
            "PBC-2016-261/12",
        ),
    ];
    for (drawing, shape, rule) in cases {
        let answer = answer(drawing);
        let (shapes, fired) = (shapes(&answer), fired(&answer));
        assert_eq!(answer.verdict, Verdict::Deny, "{drawing} {fired:?}");
        assert!(
            shapes.iter().any(|known| known == shape),
            "{drawing} {shapes:?}"
        );
        assert!(fired.contains(&rule), "{drawing} {fired:?}");
    }
}

/// What is not drawn is asked for: a leg of which nothing is known is never allowed.
#[test]
fn what_is_not_drawn_is_asked_for() {
    let asks = [
        ("[[leg]]\nfrom = \"buyers\"\nto = \"shop\"\n", "route"),
        (
            "[[leg]]\nfrom = \"buyers\"\nto = \"pay\"\ngoods_of = \"shop\"\nroute = [\"pay\", \"nucc\", \"bank\"]\n[[leg]]\nfrom = \"pay\"\nto = \"shop\"\n",
            "holder",
        ),
        (
            "[[leg]]\nfrom = \"pay\"\nto = \"shop\"\nservice = \"advance\"\n",
            "funding",
        ),
        (
            "[[leg]]\nfrom = \"buyers\"\nto = \"pay\"\nuntil = \"confirmation\"\naccount = \"reserve\"\nroute = [\"pay\", \"nucc\", \"bank\"]\n",
            "real_trade",
        ),
    ];
    for (drawing, fact) in asks {
        let answer = answer(drawing);
        let asked = missing(&answer);
        assert_eq!(answer.verdict, Verdict::Ask, "{drawing}");
        assert!(asked.contains(&fact), "{drawing} {asked:?}");
    }
}
