-- Sums over records, index entries and secrets after each batch; none for batches of earlier releases.
CREATE TABLE IF NOT EXISTS contents (
    shard smallint NOT NULL,
    batch bigint   NOT NULL,
    sums  bytea    NOT NULL,
    PRIMARY KEY (shard, batch)
);
