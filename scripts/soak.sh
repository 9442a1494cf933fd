#!/usr/bin/env bash
# The long runs. SEEDS, KILLS and CLUSTER_KILLS change their length.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${SEEDS:=100000}" "${KILLS:=100}" "${CLUSTER_KILLS:=100}"

echo "== $SEEDS seeds of a simulated business day"
cargo run --release --quiet --package sim --example soak -- 1 "$SEEDS"

echo "== $KILLS kills of a loaded server"
KILLS="$KILLS" cargo test --release --quiet --package qingyuan --test kill -- --nocapture

echo "== $CLUSTER_KILLS kills and pauses of three servers on one PostgreSQL, which is restarted every tenth time"
CLUSTER_KILLS="$CLUSTER_KILLS" cargo test --release --quiet --package qingyuan --test cluster -- --nocapture
