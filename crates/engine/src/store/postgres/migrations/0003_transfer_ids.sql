-- Rows without an id (openings, captures, releases) sort after all others: each new id was put before them, in the
-- middle of the index, whose pages were left half empty. Without them new ids are appended.
CREATE UNIQUE INDEX IF NOT EXISTS ledger_transfer ON ledger (shard, id) WHERE id IS NOT NULL;
DROP INDEX IF EXISTS ledger_id;
