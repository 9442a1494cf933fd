//! Every statement of this store, in one place: a test reads them all and wants each to name its shard.
//!
//! `$1` is the shard everywhere.
//!
//! Plans must not depend on what the planner believes of a table: a plan is made once for a connection, on a new book
//! while its tables are empty, and serves as long as the connection does. So there is one way to run each of them, the
//! index, and `plans` asks a server whether that is so:
//! - Look-ups of many keys are `LATERAL` with a limit of one, which cannot become a join that begins with the table.
//! - Changes of many rows join the table with a subquery that `OFFSET 0` keeps whole, and which has the shard as an
//!   array of one. Compared with a constant, the shard alone would do for an index scan, over all its rows; and an
//!   equality of columns would do for a merge.
//! - The settings that every session begins with, [`PLANNING`], leave no scan of a table, or sort, if there is an index.

/// Settings of every session: no statement here has a use for what they switch off.
pub(super) const PLANNING: &str =
    "-c jit=off -c enable_seqscan=off -c enable_bitmapscan=off -c enable_sort=off";

/// Declares statements and lists them all, so that none escapes the test.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)*) => {
        $($(#[$doc])* pub(super) const $name: &str = $text;)*
        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

/// Columns of the shard's head, in the order that [`super::columns::head`] reads.
macro_rules! head_columns {
    () => {
        "batch_seq,journal_seq,ledger_seq,low_seq,last_account,transfers,greatest_id,now_ms,business_date,head_hash,\
         (SELECT c.sums FROM contents c WHERE c.shard=shard.shard AND c.batch=shard.batch_seq)"
    };
}

/// Columns of a ledger row, in the order in which they are copied in and read.
macro_rules! ledger_columns {
    () => {
        "shard,kind,date,seq,amount,dr_account,dr_debits,dr_credits,dr_prev,\
         cr_account,cr_debits,cr_credits,cr_prev,dr_held_d,dr_held_c,dr_day,cr_held_d,cr_held_c,cr_day,\
         id,hold,code,chk,attributes,reference"
    };
}

macro_rules! journal_columns {
    () => {
        "shard,seq,at_ms,last_ledger,chk,principal,role,command,outcome"
    };
}

macro_rules! account_columns {
    () => {
        "a.id,a.kind,a.currency,a.overdraft,a.closed,a.debits,a.credits,a.held_d,a.held_c,a.head_seq,a.day_seq,a.day,a.chk,a.name"
    };
}

/// `$1` shard, `$2` kind, `$3` index, `$4` from, `$5` to; then `$6`, `$7` to go on after; the last is the limit.
macro_rules! scan {
    ($body:literal, $join:literal, $after:literal, $order:literal, $limit:literal) => {
        concat!(
            "SELECT i.value,i.key",
            $body,
            " FROM record_index i",
            $join,
            " WHERE i.shard=$1 AND i.kind=$2 AND i.name=$3 AND i.value>=$4 AND i.value<$5",
            $after,
            " ORDER BY ",
            $order,
            " LIMIT ",
            $limit
        )
    };
}

macro_rules! scans {
    ($body:literal, $join:literal) => {
        [
            scan!($body, $join, "", "i.value,i.key", "$6"),
            scan!($body, $join, "", "i.value DESC,i.key DESC", "$6"),
            scan!(
                $body,
                $join,
                " AND (i.value,i.key)>($6,$7)",
                "i.value,i.key",
                "$8"
            ),
            scan!(
                $body,
                $join,
                " AND (i.value,i.key)<($6,$7)",
                "i.value DESC,i.key DESC",
                "$8"
            ),
        ]
    };
}

pub(super) const SCANS: [&str; 4] = scans!("", "");
pub(super) const LISTS: [&str; 4] = scans!(
    ",r.body,r.chk",
    " CROSS JOIN LATERAL (SELECT body,chk FROM record WHERE shard=$1 AND kind=i.kind AND key=i.key LIMIT 1) r"
);

/// The statement of an index range; bodies are wanted by lists only.
pub(super) fn scan(scan: &crate::store::Scan, with_body: bool) -> &'static str {
    let [first, first_down, next, next_down] = if with_body { LISTS } else { SCANS };
    match (scan.after.is_some(), scan.descending) {
        (false, false) => first,
        (false, true) => first_down,
        (true, false) => next,
        (true, true) => next_down,
    }
}

/// A timestamp in milliseconds.
macro_rules! ms {
    ($time:literal) => {
        concat!("floor(extract(epoch FROM ", $time, ")*1000)::int8")
    };
}

macro_rules! lease_columns {
    () => {
        concat!(
            "shard,epoch,server,address,CASE WHEN isfinite(expires) THEN ",
            ms!("expires"),
            " ELSE 0 END,CASE WHEN isfinite(expires) THEN greatest(0,",
            ms!("expires-clock_timestamp()"),
            ") ELSE 0 END"
        )
    };
}

statements! {
    // Writing.
    COPY_LEDGER = concat!(
    "COPY ledger(",
    ledger_columns!(),
    ") FROM STDIN (FORMAT binary)"
);
    COPY_JOURNAL = concat!(
    "COPY journal(",
    journal_columns!(),
    ") FROM STDIN (FORMAT binary)"
);
    OPEN_ACCOUNTS = "INSERT INTO account(shard,id,kind,currency,overdraft,closed,debits,credits,held_d,held_c,head_seq,day_seq,day,chk,name) \
     SELECT $1::int2,* FROM unnest($2::int8[],$3::int2[],$4::int4[],$5::bool[],$6::bool[],$7::int8[],$8::int8[],$9::int8[],$10::int8[],\
     $11::int8[],$12::int8[],$13::int4[],$14::int4[],$15::text[])";
    /// Joined in a way that leaves the planner one plan, a descent of the key for each element: see [`PLANNING`].
    SWEEP_ACCOUNTS = "UPDATE account a SET closed=n.closed,debits=n.debits,credits=n.credits,held_d=n.held_d,held_c=n.held_c,\
     head_seq=n.head_seq,day_seq=n.day_seq,day=n.day,chk=n.chk FROM (SELECT ARRAY[$1::int2] AS shards,* \
     FROM unnest($2::int8[],$3::bool[],$4::int8[],$5::int8[],$6::int8[],$7::int8[],$8::int8[],$9::int8[],$10::int4[],$11::int4[]) \
     AS n(id,closed,debits,credits,held_d,held_c,head_seq,day_seq,day,chk) OFFSET 0) n WHERE a.shard=ANY(n.shards) AND a.id=n.id";
    PUT_RECORDS = "INSERT INTO record(shard,kind,key,body,chk) \
     SELECT $1::int2,* FROM unnest($2::text[],$3::text[],$4::text[],$5::int4[]) \
     ON CONFLICT (shard,kind,key) DO UPDATE SET body=excluded.body,chk=excluded.chk";
    DELETE_RECORDS = "DELETE FROM record r USING (SELECT ARRAY[$1::int2] AS shards,* \
     FROM unnest($2::text[],$3::text[]) AS o(kind,key) OFFSET 0) o WHERE r.shard=ANY(o.shards) AND r.kind=o.kind AND r.key=o.key";
    UNINDEX = "DELETE FROM record_index i USING (SELECT ARRAY[$1::int2] AS shards,* \
     FROM unnest($2::text[],$3::text[],$4::text[],$5::text[]) AS o(kind,name,value,key) OFFSET 0) o \
     WHERE i.shard=ANY(o.shards) AND i.kind=o.kind AND i.name=o.name AND i.value=o.value AND i.key=o.key";
    INDEX = "INSERT INTO record_index(shard,kind,name,value,key) \
     SELECT $1::int2,* FROM unnest($2::text[],$3::text[],$4::text[],$5::text[]) ON CONFLICT DO NOTHING";
    PUT_SECRETS = "INSERT INTO secret(shard,id,nonce,cipher_text) \
     SELECT $1::int2,* FROM unnest($2::text[],$3::bytea[],$4::bytea[])";
    PUT_BATCH = "INSERT INTO batch(shard,seq,last_journal,last_ledger,root,head_hash) VALUES($1,$2,$3,$4,$5,$6)";
    PUT_CONTENTS = "INSERT INTO contents(shard,batch,sums) VALUES($1,$2,$3)";
    /// The last statement before COMMIT. Without exactly one row it divides by zero, which undoes the transaction on
    /// the spot: COMMIT travels behind it in the same message and must not find anything to commit.
    FENCE = "WITH moved AS (UPDATE shard SET batch_seq=$3::int8,journal_seq=$4,ledger_seq=$5,low_seq=$6,last_account=$7,\
     transfers=$8,greatest_id=$9,now_ms=$10,business_date=$11,head_hash=$12 \
     WHERE shard=$1 AND epoch=$2 AND batch_seq=$3::int8-1 RETURNING 1) SELECT 1/count(*) FROM moved";
    /// Who holds the shard and how far it is.
    PLACE = "SELECT epoch,batch_seq FROM shard WHERE shard=$1";
    /// Changes nothing; its commit returns when everything before it is durable.
    CONFIRM = "UPDATE shard SET epoch=epoch WHERE shard=$1 AND epoch=$2";
    // Reading, for the shard and for lists.
    HEAD = concat!(
    "SELECT ",
    head_columns!(),
    " FROM shard WHERE shard=$1 AND batch_seq>0"
);
    ROW = concat!(
    "SELECT ",
    ledger_columns!(),
    " FROM ledger WHERE shard=$1 AND seq=$2"
);
    ROWS_AFTER = concat!(
    "SELECT ",
    ledger_columns!(),
    " FROM ledger WHERE shard=$1 AND seq>$2 ORDER BY seq LIMIT $3"
);
    TRANSFER = concat!(
    "SELECT ",
    ledger_columns!(),
    " FROM ledger WHERE shard=$1 AND id=$2"
);
    /// The limit of one keeps the planner from turning the look-ups into a join: see [`PLANNING`].
    RECORDS = "SELECT k.place,r.body,r.chk FROM unnest($2::text[],$3::text[]) WITH ORDINALITY AS k(kind,key,place) \
     CROSS JOIN LATERAL (SELECT body,chk FROM record WHERE shard=$1 AND kind=k.kind AND key=k.key LIMIT 1) r";
    ACCOUNTS = concat!(
    "SELECT k.place,",
    account_columns!(),
    " FROM unnest($2::int8[]) WITH ORDINALITY AS k(id,place) CROSS JOIN LATERAL (SELECT * FROM account WHERE shard=$1 AND id=k.id LIMIT 1) a"
);
    TRANSFER_SEQS = "SELECT k.place,l.seq FROM unnest($2::uuid[]) WITH ORDINALITY AS k(id,place) \
     CROSS JOIN LATERAL (SELECT seq FROM ledger WHERE shard=$1 AND id=k.id LIMIT 1) l";
    RECORD = "SELECT body,chk FROM record WHERE shard=$1 AND kind=$2 AND key=$3";
    RECORDS_AFTER = "SELECT key,body,chk FROM record WHERE shard=$1 AND kind=$2 AND key>$3 ORDER BY key LIMIT $4";
    /// One seek per kind: the database does not skip through the key by itself.
    NEXT_KIND = "SELECT kind FROM record WHERE shard=$1 AND kind>$2 ORDER BY kind LIMIT 1";
    ACCOUNT = concat!(
    "SELECT ",
    account_columns!(),
    " FROM account a WHERE a.shard=$1 AND a.id=$2"
);
    ACCOUNTS_AFTER = concat!(
    "SELECT ",
    account_columns!(),
    " FROM account a WHERE a.shard=$1 AND a.id>$2 ORDER BY a.id LIMIT $3"
);
    JOURNAL_AFTER = concat!(
    "SELECT ",
    journal_columns!(),
    " FROM journal WHERE shard=$1 AND seq>$2 ORDER BY seq LIMIT $3"
);
    BATCHES_AFTER = "SELECT b.seq,b.last_journal,b.last_ledger,b.root,b.head_hash,c.sums FROM batch b \
     LEFT JOIN LATERAL (SELECT sums FROM contents WHERE shard=$1 AND batch=b.seq LIMIT 1) c ON true \
     WHERE b.shard=$1 AND b.seq>$2 ORDER BY b.seq LIMIT $3";
    SUMS_AFTER = "SELECT batch FROM contents WHERE shard=$1 AND batch>$2 ORDER BY batch LIMIT 1";
    /// Three tables row by row, of one moment: in a transaction of its own, a page at a time.
    ALL_RECORDS = "SELECT kind,key,body,chk FROM record WHERE shard=$1 AND (kind,key)>($2,$3) ORDER BY kind,key LIMIT $4";
    ALL_INDEXES = "SELECT kind,name,value,key FROM record_index WHERE shard=$1 AND (kind,name,value,key)>($2,$3,$4,$5) \
     ORDER BY kind,name,value,key LIMIT $6";
    ALL_SECRETS = "SELECT id,nonce,cipher_text FROM secret WHERE shard=$1 AND id>$2 ORDER BY id LIMIT $3";
    SECRET = "SELECT id,nonce,cipher_text FROM secret WHERE shard=$1 AND id=$2";
    // Leases.
    /// The only statement besides [`OPEN_BOOK`] and [`RENEW_FREE`] that looks at more shards of a book than one.
    LEASES = concat!("SELECT ", lease_columns!(), " FROM shard ORDER BY shard");
    LEASE = concat!("SELECT ", lease_columns!(), " FROM shard WHERE shard=$1");
    /// A holder that asks again has lost the answer, or its shard: the next epoch keeps out what it left behind.
    TAKE = "UPDATE shard SET epoch=epoch+1,server=$2,address=$3,expires=clock_timestamp()+$4::int8*interval '1 millisecond' \
     WHERE shard=$1 AND (server IS NULL OR server=$2 OR expires<=clock_timestamp()) RETURNING epoch";
    RENEW = "UPDATE shard SET expires=clock_timestamp()+$4::int8*interval '1 millisecond' \
     WHERE shard=$1 AND epoch=$2 AND server=$3 RETURNING epoch";
    /// All leases of a holder in one transaction, and so for the price of one commit. A row that is locked is left out: a
    /// commit of that shard is at its end, and the other leases must not wait for it.
    RENEW_FREE = "UPDATE shard s SET expires=clock_timestamp()+h.lasts*interval '1 millisecond' \
     FROM (SELECT t.shard,n.lasts FROM unnest($1::int2[],$2::int8[],$3::text[],$4::int8[]) AS n(shard,epoch,server,lasts) \
     JOIN shard t ON t.shard=n.shard AND t.epoch=n.epoch AND t.server=n.server FOR UPDATE OF t SKIP LOCKED) h \
     WHERE s.shard=h.shard RETURNING s.shard,s.epoch";
    /// Writes to the log and nowhere else, so that there is something to commit.
    MARK = "SELECT pg_logical_emit_message(true,'qingyuan','')";
    RELEASE = "UPDATE shard SET server=NULL,address=NULL,expires='-infinity' WHERE shard=$1 AND epoch=$2 AND server=$3";
    CLOCK = concat!("SELECT ", ms!("clock_timestamp()"));
    /// Ends the writing sessions of a shard's earlier holders. They could commit nothing any more, but rows that one
    /// of them left in an open transaction would keep its successor waiting. Waits until they are gone. Later holders'
    /// sessions are left alone: one that was paused may ask this before it learns of them.
    END_WRITERS = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid,2000)) FROM pg_stat_activity \
     WHERE datname=current_database() AND usename=current_user AND pid<>pg_backend_pid() \
     AND substring(application_name FROM '^qingyuan shard '||$1::int2::text||' epoch ([0-9]{1,18})$')::int8<$2::int8";
    /// Ends one session whose last commit has an unknown outcome, so that it can take effect no later than now.
    END_SESSION = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid,2000)) FROM pg_stat_activity \
     WHERE datname=current_database() AND usename=current_user AND pid=$2 AND pid<>pg_backend_pid() \
     AND application_name LIKE 'qingyuan shard '||$1::int2::text||' epoch %'";
    /// Whether it is still there.
    SESSION = "SELECT pid FROM pg_stat_activity WHERE datname=current_database() AND usename=current_user \
     AND application_name LIKE 'qingyuan shard '||$1::int2::text||' epoch %' AND pid=$2";
    // The book as a whole.
    /// Number of shards: fixed when the book was created.
    SHARDS = "SELECT count(*),coalesce(min(shards),0),coalesce(max(shards),0) FROM shard";
    OPEN_BOOK = "INSERT INTO shard(shard,shards) SELECT n::int2,$1::int2 FROM generate_series(0,$1::int2-1) AS n";
    /// Whether no shard has written anything.
    NOTHING_WRITTEN = "SELECT NOT (EXISTS(SELECT FROM batch) OR EXISTS(SELECT FROM contents) OR EXISTS(SELECT FROM journal) \
     OR EXISTS(SELECT FROM ledger) OR EXISTS(SELECT FROM account) OR EXISTS(SELECT FROM record) OR EXISTS(SELECT FROM record_index) \
     OR EXISTS(SELECT FROM secret))";
    SIZE = "SELECT pg_database_size(current_database())";
    SERVER_VERSION = "SELECT current_setting('server_version_num')::int4";
    HAS_SCHEMA = "SELECT to_regclass('qingyuan_schema') IS NOT NULL AND to_regclass('shard') IS NOT NULL";
    SCHEMA_VERSION = "SELECT coalesce(max(version),0) FROM qingyuan_schema";
    BACKEND = "SELECT pg_backend_pid()";
    /// Long texts of the journal: the quicker compression, where the server was built with it.
    COMPRESS = "SELECT set_config(name,'lz4',false) FROM pg_settings WHERE name='default_toast_compression' AND 'lz4'=ANY(enumvals)";
}

/// What is asked of the whole database or book, or of several shards of it.
#[cfg(test)]
pub(super) const OF_ALL_SHARDS: &[&str] = &[
    "LEASES",
    "RENEW_FREE",
    "MARK",
    "SHARDS",
    "OPEN_BOOK",
    "NOTHING_WRITTEN",
    "SIZE",
    "CLOCK",
    "SERVER_VERSION",
    "HAS_SCHEMA",
    "SCHEMA_VERSION",
    "BACKEND",
    "COMPRESS",
];

#[cfg(test)]
mod tests {
    use super::{ALL, LISTS, OF_ALL_SHARDS, SCANS};

    /// How a statement names its shard.
    const NAMED: &[&str] = &[
        "shard=$1",
        "SELECT $1::int2,",
        "SELECT ARRAY[$1::int2] AS shards",
        "VALUES($1,",
        "COPY ledger(shard,",
        "COPY journal(shard,",
        "'qingyuan shard '||$1",
        "'^qingyuan shard '||$1",
    ];

    #[test]
    fn every_statement_names_its_shard() {
        let scans = SCANS.iter().chain(&LISTS).map(|text| ("a scan", *text));
        for (name, text) in ALL.iter().copied().chain(scans) {
            let named = NAMED.iter().any(|way| text.contains(way));
            assert_ne!(named, OF_ALL_SHARDS.contains(&name), "{name}: {text}");
        }
    }
}
