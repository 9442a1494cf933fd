#!/usr/bin/env bash
# House rules that no compiler checks. Prints what breaks them and fails.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0
complain() { printf 'tidy: %s\n%s\n' "$1" "$2"; failed=1; }

long=$(git ls-files '*.rs' | xargs wc -l | awk '$2 != "total" && $1 > 700 {print "  " $2 ": " $1 " lines"}')
[ -z "$long" ] || complain "files over 700 lines: has each one subject?" "$long"

unfinished=$(git grep -nE 'todo!\(|unimplemented!\(|dbg!\(|FIXME|#\[ignore\]' -- '*.rs' || true)
[ -z "$unfinished" ] || complain "unfinished or disabled" "$unfinished"

floats=$(git grep -nE '\bf(32|64)\b' -- crates/money crates/ledger crates/domain crates/recon crates/engine/src || true)
[ -z "$floats" ] || complain "floating point near money" "$floats"

impure=$(git grep -nE 'std::(fs|net|thread)|SystemTime|Instant::now|Timestamp::now|tokio|reqwest|rusqlite' -- \
  crates/{money,calendar,ledger,channels,compliance,domain,recon}/src || true)
[ -z "$impure" ] || complain "I/O or clock in a pure crate" "$impure"

unlisted=$(awk '/^\[/ {inside = /dependencies/} inside && /^[a-z0-9_-]+ *= *("|\{.*version)/ {print "  " FILENAME ": " $0}' crates/*/Cargo.toml)
[ -z "$unlisted" ] || complain "dependency outside the workspace table" "$unlisted"

exit "$failed"
