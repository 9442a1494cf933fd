//! Journal rows: none is missing, each is what was hashed.

use super::{CHUNK, Ended, Run};
use crate::leaf;
use crate::merkle::{self, MerkleTree};
use crate::store::StoreError;

impl Run<'_> {
    pub(super) fn journal(
        &mut self,
        from: u64,
        to: u64,
        tree: &mut MerkleTree,
    ) -> Result<(), Ended> {
        let mut last = from;
        let mut bytes = Vec::new();
        while last < to {
            let limit = CHUNK.min((to - last) as usize);
            let rows = match self.queries.journal_after(last, limit) {
                Ok(rows) => rows,
                Err(StoreError::Damaged { .. }) => {
                    // Names the row: chunks of one until it shows.
                    match self.queries.journal_after(last, 1) {
                        Ok(rows) => rows,
                        Err(error) => {
                            self.problem(format!("journal row {}", last + 1), error.to_string())?;
                            last += 1;
                            continue;
                        }
                    }
                }
                Err(error) => return Err(error.into()),
            };
            if rows.is_empty() {
                return self.problem(format!("journal row {}", last + 1), "missing");
            }
            for (row, check) in rows {
                if row.seq != last + 1 {
                    self.problem(format!("journal row {}", last + 1), "missing")?;
                }
                last = row.seq;
                leaf::journal_leaf(&row, &mut bytes);
                if merkle::check_value(&tree.add(&bytes)) != check {
                    self.problem(
                        format!("journal row {}", row.seq),
                        "check value does not match the row",
                    )?;
                }
                self.last_command = Some(row.at);
                self.report.journal_rows += 1;
            }
        }
        Ok(())
    }
}
