//! Pages of the database file that are torn or full of noise.

use crate::book::{book, damaged, places};
use crate::support::database::sqlite3;
use crate::support::database_file;
use std::path::Path;

/// Pages of the database and the tables they belong to.
fn pages(directory: &Path) -> Vec<(usize, String)> {
    let text = sqlite3(directory, "SELECT pageno, name FROM dbstat ORDER BY pageno");
    let page = |line: &str| {
        let (number, name) = line.split_once('|').unwrap();
        (number.parse().unwrap(), name.to_owned())
    };
    text.lines().map(page).collect()
}

#[test]
fn a_damaged_page_is_reported_and_never_a_panic() {
    const PAGE: usize = 8_192;
    let checked = [
        "shard",
        "batch",
        "journal",
        "ledger",
        "transfer_id",
        "account",
        "record",
        "record_index",
        "secret",
        "contents",
    ];
    for (number, table) in pages(book()) {
        // A torn page: its second half never reached the disk; and one full of noise.
        for (from, byte) in [(PAGE / 2, 0x00), (0, 0xa5)] {
            let mut harmless = false;
            let finished = damaged(|copy| {
                let before = dump(copy);
                let mut bytes = std::fs::read(database_file(copy)).unwrap();
                let page = &mut bytes[(number - 1) * PAGE..number * PAGE];
                let untouched = page.to_vec();
                page[from..].fill(byte);
                // Half a page may have been empty: then nothing is damaged.
                if *page == *untouched.as_slice() {
                    page.fill(byte);
                }
                std::fs::write(database_file(copy), bytes).unwrap();
                // What is left of deleted rows on a page is nobody's data.
                harmless = before.is_some() && before == dump(copy);
            });
            let what = format!("page {number} of {table} from {from}: {finished:?}");
            assert!(!finished.stderr.contains("panicked"), "{what}");
            match finished.code {
                Some(1) => assert!(!places(&finished).is_empty(), "{what}"),
                Some(2) => assert!(finished.stderr.starts_with("qingyuan: "), "{what}"),
                code => assert!(
                    code == Some(0) && (harmless || !checked.contains(&table.as_str())),
                    "{what}"
                ),
            }
        }
    }
}

/// Everything in the database as text; `None` where it cannot be read.
fn dump(directory: &Path) -> Option<String> {
    let output = std::process::Command::new("sqlite3")
        .arg(database_file(directory))
        .arg(".dump")
        .output()
        .expect("the sqlite3 program is installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success() && output.stderr.is_empty() && !text.contains("CORRUPTION"))
        .then_some(text)
}
