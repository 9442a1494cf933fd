//! `rules`: what it lists, shows, compares and tests.

use crate::support::process::{run, text, write};

fn printed<const N: usize>(arguments: [&str; N]) -> String {
    run(arguments).expect(0).stdout
}

#[test]
fn a_list_has_every_rule_repealed_ones_included() {
    let list = printed(["rules", "list"]);
    assert_eq!(list.lines().count(), 180);
    let repealed = list.lines().find(|line| line.contains("PBC-2010-2/3 "));
    assert!(repealed.unwrap().contains(".. 2024-07-08"), "{repealed:?}");
}

#[test]
fn a_rule_is_shown_in_both_languages_with_its_readings() {
    let shown = printed(["rules", "show", "PBC-2017-296/norm/12-A"]);
    for part in [
        "Level A",
        "A级",
        "Barcode Payment Business Norm",
        "条码支付业务规范",
        "not certain: only the instrument is cited",
        "confidence   high",
        "binds        account_side",
        "barcode_payment",
        "disputed · 有争议",
        "Does level A need two more factors beside the certificate?",
        "one answer",
        "包含证书在内的两个要素即可",
        "practitioners, 2017-12-28",
    ] {
        assert!(shown.contains(part), "`{part}` is missing in\n{shown}");
    }
    // What is disputed is not called an answer.
    let (_, disputed) = shown.split_once("disputed").unwrap();
    assert!(!disputed.contains("  answer"), "{shown}");
    let settled = printed(["rules", "show", "PBC-2015-43/12"]);
    assert!(settled.contains("consensus · 一致"), "{settled}");
    assert!(settled.contains("  answer"), "{settled}");
    // An article is shown exactly where it is certain.
    let certain = printed(["rules", "show", "PBC-2015-43/3"]);
    assert!(certain.contains("article      3"), "{certain}");
}

#[test]
fn an_unknown_rule_is_refused() {
    run(["rules", "show", "PBC-2017-296/norm/13"])
        .refused(&["PBC-2017-296/norm/13", "qingyuan rules list"]);
}

#[test]
fn a_comparison_of_two_days() {
    let changes = printed([
        "rules",
        "diff",
        "--from",
        "2018-06-29",
        "--to",
        "2018-06-30",
    ]);
    let begun: Vec<&str> = changes
        .lines()
        .filter(|line| line.starts_with('+'))
        .collect();
    let ended: Vec<&str> = changes
        .lines()
        .filter(|line| line.starts_with('-'))
        .collect();
    assert!(
        begun
            .iter()
            .any(|line| line.contains("PBC-2017-209Z/cutover")),
        "{changes}"
    );
    assert!(
        ended
            .iter()
            .any(|line| line.contains("PBC-2017-281/migrate-existing")),
        "{changes}"
    );
    assert_eq!(begun.len() + ended.len(), changes.lines().count());
    let none = printed([
        "rules",
        "diff",
        "--from",
        "2018-05-04",
        "--to",
        "2018-05-04",
    ]);
    assert_eq!(none, "");
    run([
        "rules",
        "diff",
        "--from",
        "2018-06-30",
        "--to",
        "2018-06-29",
    ])
    .refused(&["--to is before --from"]);
}

#[test]
fn the_rules_keep_their_own_cases() {
    let tested = printed(["rules", "test"]);
    assert!(tested.contains("of 180 rules, 0 wrong"), "{tested}");
}

const PACK: &str = r#"[instrument]
key = "HOUSE-1"
zh = "内部规则"
en = "House rules"
issued = "2018-01-01"

[[rule]]
id = "HOUSE-1/big"
from = "2018-01-01"
bearer = ["account_side"]
effect = "deny"
confidence = "high"
says = { en = "No payment above the house figure.", zh = "付款不得超过内部限额。" }
remedy = { en = "Split nothing; ask", zh = "请咨询" }
figures = { most_yuan = 100 }
raised_by = ["amount"]
when = '''context.amount > figure.most_yuan'''
fires = [{amount=100.01}]
quiet = [{amount=100}]
"#;

#[test]
fn a_folder_of_ones_own_packs() {
    let directory = tempfile::tempdir().unwrap();
    let folder = text(directory.path());
    let test = || run(["rules", "test", "--rules", folder]);
    test().refused(&[folder, "no rule packs"]);
    write(directory.path(), "house.toml", PACK);
    assert_eq!(test().expect(0).stdout, "2 cases of 1 rules, 0 wrong\n");
    // A figure changed without its case: the case says so.
    write(
        directory.path(),
        "house.toml",
        &PACK.replace("most_yuan = 100", "most_yuan = 200"),
    );
    let wrong = test().expect(1).stdout;
    assert!(wrong.contains("HOUSE-1/big: expected to fire"), "{wrong}");
    assert!(wrong.contains("2 cases of 1 rules, 1 wrong"), "{wrong}");
    // A broken pack is refused with file, line and reason.
    write(
        directory.path(),
        "house.toml",
        &PACK.replace("context.amount", "context.amuont"),
    );
    test().refused(&["house.toml:8", "amuont"]);
    let one_language = PACK.replace(", zh = \"请咨询\"", ", zh = \"\"");
    write(directory.path(), "house.toml", &one_language);
    test().refused(&["house.toml:8", "both languages"]);
}
