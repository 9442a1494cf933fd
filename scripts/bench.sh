#!/usr/bin/env bash
# The figures of docs/benchmarks.md; those on PostgreSQL are scripts/bench-postgres.sh. About ten minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --quiet --package qingyuan
program=target/release/qingyuan
"$program" bench ledger --transfers 10000000 --accounts 10000
"$program" bench ledger --transfers 10000000 --accounts 1000000
"$program" bench ledger --transfers 1000000 --per-command 1
"$program" bench payments
