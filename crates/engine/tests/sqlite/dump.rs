//! Everything a book on SQLite holds, in the form of the store in memory.

use crate::memory::Tables;
use engine::store::Queries;
use engine::store::sqlite::{DATABASE_FILE, SqliteStore};
use ledger::AccountId;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

const ALL: usize = usize::MAX;

/// Opens the book as a starting server does, which recovers it, and reads every row.
pub fn dump(directory: &Path) -> Tables {
    let store = SqliteStore::open(directory).unwrap();
    let queries = store.queries().unwrap();
    let mut tables = Tables {
        head: queries.head().unwrap(),
        ..Tables::default()
    };
    for (row, check) in queries.rows_after(0, ALL).unwrap() {
        tables.rows.insert(row.seq, (row, check));
    }
    for (row, check) in queries.journal_after(0, ALL).unwrap() {
        tables.journal.insert(row.seq, (row, check));
    }
    for batch in queries.batches_after(0, ALL).unwrap() {
        tables.batches.insert(batch.seq, batch);
    }
    for account in queries.accounts_after(AccountId(0), ALL).unwrap() {
        tables.accounts.insert(account.id.0, account);
    }
    for kind in queries.kinds().unwrap() {
        for (key, body, check) in queries.records_after(&kind, "", ALL).unwrap() {
            tables.records.insert((kind.clone(), key), (body, check));
        }
    }
    other_tables(directory, &queries, &mut tables);
    tables
}

fn other_tables(directory: &Path, queries: &dyn Queries, tables: &mut Tables) {
    let path = directory.join(DATABASE_FILE);
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut select = connection
        .prepare("SELECT kind,name,value,key FROM record_index")
        .unwrap();
    let entries = select.query_map([], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    });
    tables.index = entries.unwrap().map(Result::unwrap).collect();
    let mut select = connection
        .prepare("SELECT id,seq FROM transfer_id")
        .unwrap();
    let ids = select.query_map([], |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get(1)?)));
    let ids = ids.unwrap().map(Result::unwrap);
    tables.transfers = ids
        .map(|(id, seq)| (u128::from_be_bytes(id), seq))
        .collect();
    let mut select = connection.prepare("SELECT id FROM secret").unwrap();
    let ids = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
    for id in ids.map(Result::unwrap) {
        let secret = queries.secret(&id).unwrap().unwrap();
        tables.secrets.insert(id, secret);
    }
}
