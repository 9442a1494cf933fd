#!/usr/bin/env bash
# Plants one bug at a time in a copy of the engine and expects the simulator to find it; the copy
# without a bug has to pass the same seeds. Run from the root of the repository.
#
#   PLANTED_SEEDS   seeds a bug may survive at most (default 250)
set -euo pipefail

seeds="${PLANTED_SEEDS:-250}"
root="$PWD"
copy="$root/target/planted/workspace"
# What others wrote is built once, for this copy and for all other tests. The copy has a version of its own, so
# that nothing of it is ever taken for ours.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target}"
export RUST_BACKTRACE=0

# Seven short builds: what they cost to compile matters more than how fast they run.
cargo=(cargo --config 'profile.dev.package.sim.opt-level=1')

rm -rf "$copy"
mkdir -p "$copy"
# Modification times are kept, so that what did not change is not built again.
git ls-files -z | while IFS= read -r -d '' file; do
    if [ -f "$file" ]; then printf '%s\0' "$file"; fi
done | tar --null --files-from=- --create | tar --extract --directory "$copy"

sed -i '/^\[workspace\.package\]/,/^\[/ s/^version = .*/version = "0.0.0-planted"/' "$copy/Cargo.toml"
grep --quiet '^version = "0.0.0-planted"$' "$copy/Cargo.toml"

# What an interrupted run planted was compiled later than these files were written.
find "$copy/crates/engine/src" -name '*.rs' -exec touch {} +

# Runs the simulated days; prints the test's output.
simulate() {
    (cd "$copy" && SIM_SEEDS="$seeds" "${cargo[@]}" test --quiet --workspace --test business_day \
        every_law_holds_on_every_day 2>&1)
}

# plant NAME FILE OLD NEW LAWS: replaces OLD, which must stand exactly once in FILE, and expects a
# failure whose law matches LAWS.
plant() {
    local name="$1" file="$copy/$2" old="$3" new="$4" laws="$5"
    local content rest output found
    content="$(cat "$file"; printf x)"
    content="${content%x}"
    rest="${content//"$old"/}"
    local count=$(( (${#content} - ${#rest}) / ${#old} ))
    if [ "$count" -ne 1 ]; then
        echo "planted bug \"$name\": the text to change stands $count times in $2; adapt this script" >&2
        return 1
    fi
    printf '%s' "${content/"$old"/"$new"}" > "$file"
    if output="$(simulate)"; then
        echo "planted bug \"$name\": NOT found in $seeds seeds" >&2
        return 1
    fi
    printf '%s' "$content" > "$file"
    found="$(grep --only-matching --extended-regexp 'seed [0-9]+, step [0-9]+: [^:]+' <<< "$output" | head -1 || true)"
    if ! grep --quiet --extended-regexp "$laws" <<< "$found"; then
        echo "planted bug \"$name\": the run failed, but not by one of its laws ($laws): ${found:-$(tail -5 <<< "$output")}" >&2
        return 1
    fi
    echo "planted bug \"$name\": found at $found"
}

if ! output="$(simulate)"; then
    echo "the copy without a bug fails:" >&2
    tail -20 <<< "$output" >&2
    exit 1
fi
echo "no planted bug: $seeds seeds hold every law"

plant "reply before commit" crates/engine/src/shard.rs \
    'if self.in_flight.is_some() || !self.state.batch.is_empty() {' \
    'if self.in_flight.is_some() {' \
    'no reply before its batch is durable'

plant "payout sent twice: maybe sent counts as not sent" crates/engine/src/effect.rs \
    '(_, EffectState::Ready) if fresh => AttemptMode::Send,' \
    '(_, EffectState::Ready) => AttemptMode::Send,' \
    'a payout is never sent twice'

plant "payout sent twice: the arrival bound is not awaited" crates/engine/src/effect.rs \
    'if asked_at >= bound {' \
    'if asked_at >= sent_at {' \
    'a payout is never sent twice'

plant "hold dropped at recovery" crates/engine/src/shard/recovery.rs \
    'state.debits_held = touch.debits_held;' \
    '' \
    'memory agrees with the rows|a row carries the sums'

plant "answer not kept under its key" crates/engine/src/run.rs \
    '&& !matches!(verdict, Verdict::Denied(Denial::Broken { .. }))' \
    '&& matches!(verdict, Verdict::Denied(Denial::Broken { .. }))' \
    'a request under one key is run once|a key is bound to one body'

plant "undo forgets accounts" crates/engine/src/state/undo.rs \
    'self.accounts.set(id, old);' \
    'let _ = (id, old);' \
    'a row carries the sums|memory agrees with the rows|trial balance'

echo "all planted bugs were found"
