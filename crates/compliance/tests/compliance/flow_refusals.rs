//! Bad flows are refused where they are bad: field, line, and what was expected there.

use crate::support;
use crate::support::flows::read;
use compliance::flow::judge;

/// A whole flow of which each bad one below changes a line.
const GOOD: &str = r#"title = "shop"
as_of = 2018-05-04
lifecycle = "new"

[party.buyers]
kind = "natural_person"

[party.pay]
kind = "npi"
licences = ["internet_payment"]

[party.shop]
kind = "merchant"
online = true

[party.bank]
kind = "bank"

[[contract]]
kind = "acquiring"
between = ["pay", "shop"]
checked_by = "pay"

[[leg]]
from = "buyers"
to = "pay"
account = "reserve"
amount = 10.50
goods_of = "shop"
route = ["pay", "nucc", "bank"]

[[leg]]
from = "pay"
to = "shop"
facts = { real_trade = true }
"#;

/// Field and line at which a changed flow is refused, and what is said.
fn refused(old: &str, new: &str) -> (String, usize, String) {
    assert!(GOOD.contains(old), "{old}");
    let text = GOOD.replacen(old, new, 1);
    let outcome = read(&text).and_then(|flow| judge(&flow, support::packs(), None));
    match outcome {
        Ok(_) => panic!("{new} is not refused"),
        Err(error) => (error.path.clone(), error.line, error.to_string()),
    }
}

#[test]
fn bad_flows_are_refused_at_their_field_and_line() {
    read(GOOD).unwrap();
    let cases: [(&str, &str, &str, usize, &[&str]); 22] = [
        // An unknown party, nearly a known one.
        (
            "to = \"pay\"",
            "to = \"pya\"",
            "leg[0].to",
            26,
            &[
                "no party `pya`",
                "did you mean `pay`?",
                "buyers, pay, shop, bank",
            ],
        ),
        (
            "[\"pay\", \"nucc\", \"bank\"]",
            "[\"pay\", \"nuc\", \"bank\"]",
            "leg[0].route[1]",
            30,
            &["no party `nuc`"],
        ),
        (
            "between = [\"pay\", \"shop\"]",
            "between = [\"pay\", \"shops\"]",
            "contract[0].between[1]",
            21,
            &["did you mean `shop`?"],
        ),
        (
            "checked_by = \"pay\"",
            "checked_by = \"us\"",
            "contract[0].checked_by",
            22,
            &["no party `us`"],
        ),
        // A leg to nowhere.
        (
            "to = \"shop\"\n",
            "",
            "leg[1].to",
            32,
            &["`to` is missing", "no leg leads to nowhere"],
        ),
        (
            "to = \"shop\"\n",
            "to = \"pay\"\n",
            "leg[1].to",
            34,
            &["back to where it starts"],
        ),
        // Amounts.
        (
            "10.50",
            "-10.50",
            "leg[0].amount",
            28,
            &["below zero", "from 0 up"],
        ),
        (
            "10.50",
            "10.505",
            "leg[0].amount",
            28,
            &["no amount", "two decimals"],
        ),
        ("10.50", "\"ten\"", "leg[0].amount", 28, &["no amount"]),
        (
            "10.50",
            "99999999999999999999",
            "leg[0].amount",
            28,
            &["no amount"],
        ),
        // Days.
        (
            "as_of = 2018-05-04",
            "as_of = 2004-01-01",
            "as_of",
            2,
            &["before any rule", "from 2010-09-01 on"],
        ),
        (
            "as_of = 2018-05-04",
            "as_of = \"2018-02-30\"",
            "as_of",
            2,
            &["no such day"],
        ),
        ("as_of = 2018-05-04\n", "", "as_of", 1, &["no day is named"]),
        // Licences and kinds.
        (
            "internet_payment",
            "internet_paymnt",
            "party.pay.licences[0]",
            10,
            &["did you mean `internet_payment`?", "card_acquiring"],
        ),
        (
            "[\"internet_payment\"]",
            "[\"bank\"]",
            "party.pay.licences",
            10,
            &["contradict kind `npi`"],
        ),
        (
            "kind = \"merchant\"",
            "kind = \"shop\"",
            "party.shop.kind",
            13,
            &["`shop` is not known here", "merchant"],
        ),
        // Contradictions.
        (
            "kind = \"merchant\"\nonline = true",
            "kind = \"merchant\"\nonline = false\nphysical = false",
            "party.shop",
            12,
            &["contradicts"],
        ),
        (
            "account = \"reserve\"",
            "account = \"sub_account\"",
            "leg[0].account",
            27,
            &["contradicts the holder"],
        ),
        (
            "{ real_trade = true }",
            "{ payee_account_owner = \"platform\" }",
            "leg[1].facts.payee_account_owner",
            35,
            &["contradicts what the drawing shows"],
        ),
        // Slips of the pen.
        (
            "goods_of = \"shop\"",
            "good_of = \"shop\"",
            "leg[0].good_of",
            29,
            &["did you mean `goods_of`?"],
        ),
        (
            "{ real_trade = true }",
            "{ real_trad = true }",
            "leg[1].facts.real_trad",
            35,
            &["did you mean `real_trade`?"],
        ),
        (
            "{ real_trade = true }",
            "{ real_trade = 3 }",
            "leg[1].facts.real_trade",
            35,
            &["true or false"],
        ),
    ];
    for (old, new, path, line, words) in cases {
        let (found, at, text) = refused(old, new);
        assert_eq!((found.as_str(), at), (path, line), "{new}: {text}");
        assert!(text.contains("expected"), "{text}");
        for word in words {
            assert!(text.contains(word), "{word:?} in {text}");
        }
    }
}

#[test]
fn text_that_is_no_toml_is_refused_at_its_line() {
    let error = read("title = \"a\"\n[party.x\n").unwrap_err();
    assert_eq!((error.path.as_str(), error.line), ("file", 2), "{error}");
    let error = read("leg = 3\nparty = {}\n").unwrap_err();
    assert_eq!((error.path.as_str(), error.line), ("leg", 1), "{error}");
    let error = read("party = {}\nleg = []\n").unwrap_err();
    assert_eq!(error.path, "", "{error}");
    assert!(error.to_string().contains("at least one"), "{error}");
}

/// Provinces are read by name and by letter code, as one; what is neither is refused.
#[test]
fn provinces_and_functions_are_words_of_the_vocabulary() {
    let shop = "kind = \"merchant\"\nonline = true";
    for word in ["zhejiang", "ZJ"] {
        let text = GOOD.replacen(shop, &format!("{shop}\nprovince = \"{word}\""), 1);
        let flow = read(&text).unwrap();
        let found = flow.parties.iter().find_map(|party| party.province.clone());
        assert_eq!(found.as_deref(), Some("zhejiang"));
    }
    let (path, _, text) = refused(shop, &format!("{shop}\nprovince = \"zhejang\""));
    assert_eq!(path, "party.shop.province");
    assert!(text.contains("did you mean `zhejiang`?"), "{text}");
}
