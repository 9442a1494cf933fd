-- Sums over records, index entries and secrets after each batch; none for batches of earlier releases.

CREATE TABLE IF NOT EXISTS contents (
    batch INTEGER PRIMARY KEY,
    sums  BLOB NOT NULL
) STRICT;
