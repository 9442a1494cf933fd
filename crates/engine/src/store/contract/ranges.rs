//! Index ranges: bounds, order, continuation, and what changes of a record do to them.

use super::samples::{self, Draft};
use super::{Checked, Handles, same};
use crate::batch::{RecordChange, ShardHead};
use crate::leaf;
use crate::store::{Found, Scan};

const KIND: &str = "thing";
const INDEX: &str = "value";

/// The range that holds one value.
pub(super) fn exactly(kind: &str, index: &str, value: &str) -> Scan {
    Scan {
        kind: kind.to_owned(),
        index: index.to_owned(),
        from: value.to_owned(),
        to: format!("{value}\u{1}"),
        after: None,
        descending: false,
        limit: 100,
    }
}

fn commit(
    handles: &Handles,
    head: &ShardHead,
    records: Vec<RecordChange>,
) -> Result<ShardHead, super::Problem> {
    let draft = Draft {
        journal: vec![samples::journal(head.journal_seq + 1)],
        records,
        ..Draft::default()
    };
    let batch = samples::seal(head, draft);
    handles.commit(&batch)?;
    Ok(batch.head)
}

fn thing(kind: &'static str, key: &str, values: &[&str]) -> RecordChange {
    let mut change = samples::record(kind, key, &body(key));
    change.added = values
        .iter()
        .map(|value| (INDEX, (*value).to_owned()))
        .collect();
    change
}

fn body(key: &str) -> String {
    format!("{{\"key\":\"{key}\"}}")
}

/// The range as a plain list gives it.
fn expected(entries: &[(String, String)], scan: &Scan) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = entries
        .iter()
        .filter(|(value, _)| *value >= scan.from && *value < scan.to)
        .filter(|entry| match (&scan.after, scan.descending) {
            (None, _) => true,
            (Some(after), false) => *entry > after,
            (Some(after), true) => *entry < after,
        })
        .cloned()
        .collect();
    found.sort();
    if scan.descending {
        found.reverse();
    }
    found.truncate(scan.limit);
    found
}

fn compare(handles: &Handles, entries: &[(String, String)], scan: &Scan) -> Checked {
    let expected = expected(entries, scan);
    let what = format!("{scan:?}");
    same(&what, handles.reader()?.scan(scan)?, expected.clone())?;
    let listed: Vec<Found> = expected
        .into_iter()
        .map(|(value, key)| Found {
            check: leaf::record_check(&scan.kind, &key, body(&key).as_bytes()),
            body: body(&key).into_bytes(),
            value,
            key,
        })
        .collect();
    same(&format!("list {what}"), handles.queries.list(scan)?, listed)
}

/// Every combination of bounds, continuation, direction and limit.
pub(super) fn against_a_list(handles: &Handles) -> Checked {
    let values = ["", "1", "10", "2", "2", "b"];
    let keys = ["k1", "k2", "k3", "k4", "k5", "k6"];
    let mut entries = Vec::new();
    let mut records = Vec::new();
    for (value, key) in values.iter().zip(keys) {
        records.push(thing(KIND, key, &[value, "all"]));
        entries.push(((*value).to_owned(), key.to_owned()));
        entries.push(("all".to_owned(), key.to_owned()));
    }
    // Neighbours that no range of the other kind or index may show.
    records.push(thing("thinh", "k1", &["2"]));
    let mut other = samples::record("thin", "k1", &body("k1"));
    other.added = vec![("values", "2".to_owned())];
    records.push(other);
    commit(handles, &samples::first_head(), records)?;
    let bounds = ["", "1", "2", "all", "b", "c"];
    let mut afters: Vec<Option<(String, String)>> = vec![None];
    afters.extend(entries.iter().step_by(3).cloned().map(Some));
    afters.push(Some(("2".into(), "k4x".into())));
    for from in bounds {
        for to in bounds {
            for after in &afters {
                for (descending, limit) in
                    [(false, 100), (true, 100), (false, 2), (true, 1), (false, 0)]
                {
                    let scan = Scan {
                        kind: KIND.to_owned(),
                        index: INDEX.to_owned(),
                        from: from.to_owned(),
                        to: to.to_owned(),
                        after: after.clone(),
                        descending,
                        limit,
                    };
                    compare(handles, &entries, &scan)?;
                }
            }
        }
    }
    Ok(())
}

/// The engine merges ranges with its own memory, which compares bytes: no collation may interfere.
pub(super) fn byte_order(handles: &Handles) -> Checked {
    let values = [
        "a", "B", "Z", "_", "-", "~", "é", "e\u{301}", "中", "清", "🀄", "0", "00", "a b", "ab",
    ];
    let mut entries = Vec::new();
    let mut records = Vec::new();
    for (number, value) in values.iter().enumerate() {
        let key = format!("{value}{number}");
        records.push(thing(KIND, &key, &[value, "same"]));
        entries.push(((*value).to_owned(), key.clone()));
        entries.push(("same".to_owned(), key));
    }
    commit(handles, &samples::first_head(), records)?;
    for descending in [false, true] {
        let scan = Scan {
            kind: KIND.to_owned(),
            index: INDEX.to_owned(),
            from: String::new(),
            to: "\u{10ffff}".to_owned(),
            after: None,
            descending,
            limit: 100,
        };
        compare(handles, &entries, &scan)?;
    }
    let keys = handles.queries.records_after(KIND, "", 100)?;
    let keys: Vec<String> = keys.into_iter().map(|(key, _, _)| key).collect();
    let mut sorted = keys.clone();
    sorted.sort();
    same("keys in order", keys, sorted)
}

/// Updates and deletions move and remove entries; entries of others stay.
pub(super) fn replaced_entries(handles: &Handles) -> Checked {
    let head = samples::first_head();
    let head = commit(
        handles,
        &head,
        vec![thing(KIND, "a", &["1", "5"]), thing(KIND, "b", &["1"])],
    )?;
    let mut moved = thing(KIND, "a", &["3"]);
    moved.removed = vec![(INDEX, "1".to_owned())];
    let head = commit(handles, &head, vec![moved])?;
    let entry = |value: &str, key: &str| (value.to_owned(), key.to_owned());
    let scan = Scan {
        to: "9".into(),
        ..exactly(KIND, INDEX, "")
    };
    let now = [entry("1", "b"), entry("3", "a"), entry("5", "a")];
    compare(handles, &now, &scan)?;
    // A deletion, and an entry that is there already.
    let mut deleted = thing(KIND, "a", &[]);
    deleted.body = None;
    deleted.removed = vec![(INDEX, "3".to_owned()), (INDEX, "5".to_owned())];
    let head = commit(handles, &head, vec![deleted, thing(KIND, "b", &["1"])])?;
    compare(handles, &[entry("1", "b")], &scan)?;
    same("record", handles.queries.record(KIND, "a")?, None)?;
    // Deleting what is not there changes nothing; a deleted record can come again.
    let mut absent = thing(KIND, "c", &[]);
    absent.body = None;
    commit(handles, &head, vec![absent, thing(KIND, "a", &["2"])])?;
    compare(handles, &[entry("1", "b"), entry("2", "a")], &scan)
}
