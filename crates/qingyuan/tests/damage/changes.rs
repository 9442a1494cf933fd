//! Statements that change a row, and the row that must be named for each.

use crate::book::{book, damaged, places};
use crate::support::database::sqlite3;

/// Each statement changes one row; the first problem names that row.
#[track_caller]
pub fn each_is_named(cases: &[(&str, String)]) {
    for (place, statement) in cases {
        let changed = format!("{statement}; SELECT changes();");
        let finished = damaged(|copy| assert_eq!(sqlite3(copy, &changed), "1", "{statement}"));
        assert_eq!(finished.code, Some(1), "{statement}: {finished:?}");
        let places = places(&finished);
        assert_eq!(
            places.first().map(String::as_str),
            Some(*place),
            "{statement}: {finished:?}"
        );
        assert_eq!(finished.json()["verified"], false);
    }
}

/// The same for several changes of one row.
#[track_caller]
pub fn each_change_is_named(place: &str, table: &str, row: &str, changes: &[String]) {
    let statements = changes.iter();
    let statements = statements.map(|change| format!("UPDATE {table} SET {change} WHERE {row}"));
    let cases: Vec<_> = statements.map(|statement| (place, statement)).collect();
    each_is_named(&cases);
}

/// A number with its lowest bit turned over.
pub fn flipped(column: &str) -> String {
    format!("{column} = ({column} | 1) - ({column} & 1)")
}

/// A blob with one bit of its n-th byte turned over.
pub fn flipped_blob(table: &str, column: &str, row: &str, byte: usize) -> String {
    let select = format!("SELECT hex({column}) FROM {table} WHERE {row}");
    let mut bytes = hex::decode(sqlite3(book(), &select)).unwrap();
    bytes[byte] ^= 0x10;
    format!("{column} = X'{}'", hex::encode(bytes))
}

/// A text whose n-th character is another.
pub fn changed_text(column: &str, position: u32) -> String {
    format!(
        "{column} = substr({column}, 1, {position} - 1) || \
         CASE substr({column}, {position}, 1) WHEN '0' THEN '1' ELSE '0' END || substr({column}, {position} + 1)"
    )
}
