-- One shard's book. Column order and types are fixed by the row's check value.

CREATE TABLE IF NOT EXISTS shard (
    id            INTEGER PRIMARY KEY CHECK (id = 0),
    batch_seq     INTEGER NOT NULL,
    journal_seq   INTEGER NOT NULL,
    ledger_seq    INTEGER NOT NULL,
    low_seq       INTEGER NOT NULL,
    last_account  INTEGER NOT NULL,
    transfers     INTEGER NOT NULL,
    greatest_id   BLOB    NOT NULL,
    now_ms        INTEGER NOT NULL,
    business_date INTEGER NOT NULL,
    head_hash     BLOB    NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS batch (
    seq          INTEGER PRIMARY KEY,
    last_journal INTEGER NOT NULL,
    last_ledger  INTEGER NOT NULL,
    root         BLOB    NOT NULL,
    head_hash    BLOB    NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS journal (
    seq         INTEGER PRIMARY KEY,
    at_ms       INTEGER NOT NULL,
    principal   TEXT    NOT NULL,
    role        TEXT    NOT NULL,
    command     TEXT    NOT NULL,
    outcome     TEXT    NOT NULL,
    last_ledger INTEGER NOT NULL,
    chk         INTEGER NOT NULL
) STRICT;

-- kind: 0 transfer, 1 open, 2 hold, 3 capture, 4 release, 5 close.
-- dr_/cr_: the account on the debit and credit side, its cumulative posted debits and credits and
-- held amounts after the row, its previous row, and on its first row of a day the first of the day before.
CREATE TABLE IF NOT EXISTS ledger (
    seq        INTEGER PRIMARY KEY,
    kind       INTEGER NOT NULL,
    id         BLOB,
    hold       BLOB,
    amount     INTEGER NOT NULL,
    date       INTEGER NOT NULL,
    code       INTEGER NOT NULL,
    attributes INTEGER NOT NULL,
    reference  TEXT,
    dr_account INTEGER NOT NULL,
    dr_debits  INTEGER NOT NULL,
    dr_credits INTEGER NOT NULL,
    dr_held_d  INTEGER NOT NULL,
    dr_held_c  INTEGER NOT NULL,
    dr_prev    INTEGER NOT NULL,
    dr_day     INTEGER NOT NULL,
    cr_account INTEGER NOT NULL,
    cr_debits  INTEGER NOT NULL,
    cr_credits INTEGER NOT NULL,
    cr_held_d  INTEGER NOT NULL,
    cr_held_c  INTEGER NOT NULL,
    cr_prev    INTEGER NOT NULL,
    cr_day     INTEGER NOT NULL,
    chk        INTEGER NOT NULL
) STRICT;

-- Where a transfer's row is, for ids that come again. Ids are time-ordered: rows are appended.
CREATE TABLE IF NOT EXISTS transfer_id (
    id  BLOB    PRIMARY KEY,
    seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS account (
    id        INTEGER PRIMARY KEY,
    name      TEXT    NOT NULL,
    kind      INTEGER NOT NULL,
    currency  INTEGER NOT NULL,
    overdraft INTEGER NOT NULL,
    closed    INTEGER NOT NULL,
    debits    INTEGER NOT NULL,
    credits   INTEGER NOT NULL,
    held_d    INTEGER NOT NULL,
    held_c    INTEGER NOT NULL,
    head_seq  INTEGER NOT NULL,
    day_seq   INTEGER NOT NULL,
    day       INTEGER NOT NULL,
    chk       INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS record (
    kind TEXT    NOT NULL,
    key  TEXT    NOT NULL,
    body TEXT    NOT NULL,
    chk  INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS record_index (
    kind  TEXT NOT NULL,
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    key   TEXT NOT NULL,
    PRIMARY KEY (kind, name, value, key)
) STRICT, WITHOUT ROWID;

-- Personal data, encrypted; the only table from which rows are erased.
CREATE TABLE IF NOT EXISTS secret (
    id          TEXT PRIMARY KEY,
    nonce       BLOB NOT NULL,
    cipher_text BLOB NOT NULL
) STRICT, WITHOUT ROWID;
