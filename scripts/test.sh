#!/usr/bin/env bash
# Everything that has to hold, on a fresh Debian machine with a Rust toolchain. Stops at the first failure.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s (%ss)\n' "$1" "$SECONDS"; }

# What the tests call besides Rust: the OpenSSL, SQLite and PostgreSQL programs, kill, curl, and Python for the
# independent client.
missing=()
command -v openssl >/dev/null || missing+=(openssl)
command -v sqlite3 >/dev/null || missing+=(sqlite3)
command -v cc >/dev/null || missing+=(build-essential)
command -v curl >/dev/null || missing+=(curl)
# The program: the shell has a kill of its own.
type -P kill >/dev/null || missing+=(procps)
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || command -v postgres >/dev/null || missing+=(postgresql)
python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
if [ ${#missing[@]} -gt 0 ]; then
  step "installing ${missing[*]}"
  apt-get update -qq && apt-get install -y -qq "${missing[@]}"
fi

step "formatting and lints"
cargo fmt --all --check
scripts/tidy.sh
cargo clippy --workspace --all-targets --quiet -- -D warnings

step "tests"
cargo test --workspace --quiet

step "independent WeChat Pay client against the sandbox"
conformance/run.sh

step "bugs planted in a copy of the engine are found"
crates/sim/planted-bugs.sh

step "done"
