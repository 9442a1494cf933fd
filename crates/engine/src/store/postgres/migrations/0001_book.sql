-- A book of several shards. Every key begins with the shard, so that a database that spreads rows by it keeps a
-- shard's rows together and a batch on one node. Texts that are compared are compared by their bytes.
-- Numbers that are nearly always 0 are NULL instead, which costs nothing.

-- One row per shard: its head, and who may write it. Updated with every batch.
CREATE TABLE IF NOT EXISTS shard (
    shard         smallint NOT NULL PRIMARY KEY,
    shards        smallint NOT NULL,
    epoch         bigint   NOT NULL DEFAULT 0,
    server        text,
    address       text,
    expires       timestamptz NOT NULL DEFAULT '-infinity',
    batch_seq     bigint   NOT NULL DEFAULT 0,
    journal_seq   bigint   NOT NULL DEFAULT 0,
    ledger_seq    bigint   NOT NULL DEFAULT 0,
    low_seq       bigint   NOT NULL DEFAULT 1,
    last_account  bigint   NOT NULL DEFAULT 0,
    transfers     bigint   NOT NULL DEFAULT 0,
    greatest_id   uuid     NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    now_ms        bigint   NOT NULL DEFAULT 0,
    business_date integer  NOT NULL DEFAULT 0,
    head_hash     bytea    NOT NULL DEFAULT ''
) WITH (fillfactor = 10);

CREATE TABLE IF NOT EXISTS batch (
    shard        smallint NOT NULL,
    seq          bigint   NOT NULL,
    last_journal bigint   NOT NULL,
    last_ledger  bigint   NOT NULL,
    root         bytea    NOT NULL,
    head_hash    bytea    NOT NULL,
    PRIMARY KEY (shard, seq)
);

-- command and outcome are JSON, kept as text: the hashes are over these very bytes.
CREATE TABLE IF NOT EXISTS journal (
    shard       smallint NOT NULL,
    seq         bigint   NOT NULL,
    at_ms       bigint   NOT NULL,
    last_ledger bigint   NOT NULL,
    chk         integer  NOT NULL,
    principal   text     NOT NULL,
    role        text     NOT NULL,
    command     text     NOT NULL,
    outcome     text     NOT NULL,
    PRIMARY KEY (shard, seq)
);

-- kind: 0 transfer, 1 open, 2 hold, 3 capture, 4 release, 5 close.
-- dr_/cr_: the account on the debit and credit side, its cumulative posted debits and credits and
-- held amounts after the row, its previous row, and on its first row of a day the first of the day before.
-- Columns stand in an order that leaves no gaps between them.
CREATE TABLE IF NOT EXISTS ledger (
    shard      smallint NOT NULL,
    kind       smallint NOT NULL,
    date       integer  NOT NULL,
    seq        bigint   NOT NULL,
    amount     bigint   NOT NULL,
    dr_account bigint   NOT NULL,
    dr_debits  bigint   NOT NULL,
    dr_credits bigint   NOT NULL,
    dr_prev    bigint   NOT NULL,
    cr_account bigint   NOT NULL,
    cr_debits  bigint   NOT NULL,
    cr_credits bigint   NOT NULL,
    cr_prev    bigint   NOT NULL,
    dr_held_d  bigint,
    dr_held_c  bigint,
    dr_day     bigint,
    cr_held_d  bigint,
    cr_held_c  bigint,
    cr_day     bigint,
    id         uuid,
    hold       uuid,
    code       integer  NOT NULL,
    chk        integer  NOT NULL,
    attributes integer,
    reference  text,
    PRIMARY KEY (shard, seq)
);

-- A transfer's row by its id, for ids that come again. Ids are time-ordered: entries are appended.
CREATE UNIQUE INDEX IF NOT EXISTS ledger_id ON ledger (shard, id);

-- Checkpoints are replaced in place: half of each page is left free for the next version.
CREATE TABLE IF NOT EXISTS account (
    shard     smallint NOT NULL,
    kind      smallint NOT NULL,
    currency  integer  NOT NULL,
    id        bigint   NOT NULL,
    debits    bigint   NOT NULL,
    credits   bigint   NOT NULL,
    held_d    bigint   NOT NULL,
    held_c    bigint   NOT NULL,
    head_seq  bigint   NOT NULL,
    day_seq   bigint   NOT NULL,
    day       integer  NOT NULL,
    chk       integer  NOT NULL,
    overdraft boolean  NOT NULL,
    closed    boolean  NOT NULL,
    name      text     NOT NULL,
    PRIMARY KEY (shard, id)
) WITH (fillfactor = 50);

CREATE TABLE IF NOT EXISTS record (
    shard smallint NOT NULL,
    chk   integer  NOT NULL,
    kind  text COLLATE "C" NOT NULL,
    key   text COLLATE "C" NOT NULL,
    body  text NOT NULL,
    PRIMARY KEY (shard, kind, key)
) WITH (fillfactor = 80);

CREATE TABLE IF NOT EXISTS record_index (
    shard smallint NOT NULL,
    kind  text COLLATE "C" NOT NULL,
    name  text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    key   text COLLATE "C" NOT NULL,
    PRIMARY KEY (shard, kind, name, value, key)
);

-- Personal data, encrypted; the only table from which rows are erased.
CREATE TABLE IF NOT EXISTS secret (
    shard       smallint NOT NULL,
    id          text COLLATE "C" NOT NULL,
    nonce       bytea NOT NULL,
    cipher_text bytea NOT NULL,
    PRIMARY KEY (shard, id)
);
