#!/usr/bin/env bash
# The long runs. SEEDS, CASES, KILLS and CLUSTER_KILLS change their length.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${SEEDS:=100000}" "${CASES:=2000}" "${KILLS:=100}" "${CLUSTER_KILLS:=100}"

echo "== $SEEDS seeds of a simulated business day"
cargo run --release --quiet --package sim --example soak -- 1 "$SEEDS"

seed="${PROPTEST_RNG_SEED:-$(date +%s)}"
echo "== $CASES histories for each property of the ledger, the shard and the whole book (PROPTEST_RNG_SEED=$seed)"
PROPTEST_RNG_SEED="$seed" PROPTEST_CASES="$CASES" cargo test --release --workspace --quiet \
    --test against_model --test shard --test domain -- \
    decides_and_counts equivalence:: outbox_model:: statements:: conservation::

echo "== $KILLS kills of a loaded server"
KILLS="$KILLS" cargo test --release --quiet --package qingyuan --test kill -- --nocapture

echo "== $CLUSTER_KILLS kills and pauses of three servers on one PostgreSQL, which is restarted every tenth time"
CLUSTER_KILLS="$CLUSTER_KILLS" cargo test --release --quiet --package qingyuan --test cluster -- --nocapture
