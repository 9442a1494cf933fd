//! The vocabulary as a page.

use super::kind::Origin;
use super::table;

/// `docs/facts.md`: every fact with its form and meaning.
pub fn vocabulary_table() -> String {
    let mut page = String::from(
        "# Facts · 事实词汇\n\n<!-- Generated from crates/compliance/src/fact/vocabulary.rs; a test checks it. -->\n\n\
         What can be said to `qingyuan check --facts`. Dotted names nest: `actor: {kind: npi}`. The word `unknown`\n\
         is a value of every fact and makes the decision ask. Amounts are in yuan.\n\n\
         用于 `qingyuan check --facts`。点号表示嵌套；任何事实都可写 `unknown`，结论即为追问。金额以元计。\n\n\
         | fact | form | words | meaning | 含义 |\n|---|---|---|---|---|\n",
    );
    for definition in table::all() {
        let origin = match definition.origin {
            Origin::Stated => "",
            Origin::Either => " *(concluded when not stated)*",
            Origin::Concluded => " *(concluded, cannot be stated)*",
        };
        page.push_str(&format!(
            "| `{}` | {}{} | {} | {} | {} |\n",
            definition.path,
            definition.kind.form(),
            origin,
            definition.words.join(", "),
            definition.en,
            definition.zh,
        ));
    }
    page
}
