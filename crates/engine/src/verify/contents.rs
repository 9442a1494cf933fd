//! Records, index entries and secrets against the sums of the last batch.
//!
//! A record whose bytes changed is named by its check value. A sum shows that a row is missing or too many,
//! not which: where records are missing, their index entries name those that had any.

use super::{Ended, PROBLEMS_MAX, Problem, Run};
use crate::contents::{ContentRow, Contents, TableSum};
use crate::leaf;
use crate::store::StoreError;

/// Index entries looked up at most in search of missing records.
const LOOKED_UP_MAX: usize = 200_000;

impl Run<'_> {
    pub(super) fn contents(&mut self) -> Result<(), Ended> {
        let mut found = Contents::default();
        let mut problems = Vec::new();
        let head = self.queries.contents(&mut |row| {
            found.add(&row);
            if let ContentRow::Record {
                kind,
                key,
                body,
                check,
            } = row
                && leaf::record_check(kind, key, body) != check
                && problems.len() < PROBLEMS_MAX
            {
                problems.push(Problem {
                    place: format!("{kind} {key}"),
                    problem: "check value does not match the record".to_owned(),
                });
            }
        })?;
        let named = !problems.is_empty();
        for problem in problems {
            self.problem(problem.place, problem.problem)?;
        }
        self.report.records = found.records.rows;
        self.report.index_entries = found.indexes.rows;
        self.report.secrets = found.secrets.rows;
        let Some(written) = head.and_then(|head| head.contents) else {
            return Ok(());
        };
        if written.records.rows != found.records.rows {
            self.missing_records()?;
        }
        for (table, written, found) in [
            ("record", written.records, found.records),
            ("record_index", written.indexes, found.indexes),
            ("secret", written.secrets, found.secrets),
        ] {
            // A record named above explains a sum that differs with as many rows as there should be.
            let explained = named && table == "record" && written.rows == found.rows;
            if written != found && !explained {
                self.problem(format!("table {table}"), differs(written, found))?;
            }
        }
        Ok(())
    }

    /// Names records that are gone though an index entry points to them.
    fn missing_records(&mut self) -> Result<(), Ended> {
        let mut entries = Vec::new();
        self.queries.contents(&mut |row| {
            if let ContentRow::Index { kind, key, .. } = row
                && entries.len() < LOOKED_UP_MAX
            {
                entries.push((kind.to_owned(), key.to_owned()));
            }
        })?;
        entries.sort_unstable();
        entries.dedup();
        for (kind, key) in entries {
            match self.queries.record(&kind, &key) {
                Ok(None) => self.problem(
                    format!("{kind} {key}"),
                    "is missing: an index entry points to it",
                )?,
                // A damaged one is there, and named above.
                Ok(Some(_)) | Err(StoreError::Damaged { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn differs(written: TableSum, found: TableSum) -> String {
    let what = match written.rows.cmp(&found.rows) {
        std::cmp::Ordering::Greater => "rows were deleted",
        std::cmp::Ordering::Less => "rows were added",
        std::cmp::Ordering::Equal => "a row was changed, or one was exchanged for another",
    };
    format!(
        "has {} rows, the last batch left {}: {what} outside the program",
        found.rows, written.rows
    )
}
