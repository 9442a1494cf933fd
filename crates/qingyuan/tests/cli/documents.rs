//! What the documents show of `check` is what it prints.

use crate::support::process::program;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Of every `$ qingyuan check …` on a page its arguments, and the lines shown below it.
fn shown(page: &str) -> Vec<(String, Vec<String>)> {
    let text = std::fs::read_to_string(format!("{ROOT}/{page}")).unwrap();
    let mut lines = text.lines().peekable();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let Some((indent, arguments)) = line.split_once("$ qingyuan ") else {
            continue;
        };
        if !arguments.starts_with("check ") || !indent.trim().is_empty() {
            continue;
        }
        let belongs = |line: &&str| match indent {
            "" => *line != "```",
            _ => line.is_empty() || line.starts_with(indent),
        };
        let mut below: Vec<String> = Vec::new();
        while let Some(line) = lines.next_if(belongs) {
            below.push(line.strip_prefix(indent).unwrap_or_default().to_owned());
        }
        while below.last().is_some_and(String::is_empty) {
            below.pop();
        }
        found.push((arguments.to_owned(), below));
    }
    found
}

#[test]
fn what_the_documents_show_is_what_is_printed() {
    for page in [
        "README.md",
        "README.zh.md",
        "docs/compliance-check.md",
        "docs/compliance-check.zh.md",
    ] {
        let examples = shown(page);
        assert!(!examples.is_empty(), "{page} shows nothing");
        for (arguments, below) in examples {
            let output = program()
                .current_dir(ROOT)
                .args(arguments.split(' '))
                .output()
                .unwrap();
            let printed = String::from_utf8(output.stdout).unwrap();
            let printed: Vec<&str> = printed.trim_end().lines().map(str::trim_end).collect();
            assert_eq!(below, printed, "{page}: qingyuan {arguments}");
        }
    }
}
