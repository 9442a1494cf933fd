#!/usr/bin/env bash
# The figures of docs/benchmarks.md on PostgreSQL, with a server of its own that is gone afterwards. About a quarter of
# an hour. Nothing else should run beside it. TRANSFERS, SECONDS_EACH and KILLS make it shorter; PROGRAM is one that was built before.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${TRANSFERS:=10000000}" "${SECONDS_EACH:=10}" "${KILLS:=10}" "${PROGRAM:=}"
if [ -z "$PROGRAM" ]; then
  cargo build --release --quiet --package qingyuan
  PROGRAM=target/release/qingyuan
fi
program=$(realpath "$PROGRAM")

programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
[ -n "$programs" ] || programs=$(dirname "$(command -v initdb)")
folder=$(mktemp -d)
# The server's programs refuse to run as root.
as=()
if [ "$(id -u)" = 0 ]; then
  user=$(id -un postgres 2>/dev/null || echo nobody)
  chown "$user" "$folder"
  as=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --clear-groups --)
fi
port=$((20000 + $$ % 10000))
end() {
  "${as[@]}" "$programs/pg_ctl" --pgdata "$folder/data" --mode immediate --silent stop || true
  rm -rf "$folder"
}
trap end EXIT
(
  cd "$folder"
  "${as[@]}" "$programs/initdb" --username=qingyuan --auth=trust --encoding=UTF8 --locale=C.UTF-8 --pgdata "$folder/data" >"$folder/log" 2>&1
  "${as[@]}" "$programs/pg_ctl" --pgdata "$folder/data" --log "$folder/data/log" --wait --silent \
    --options "-p $port -k $folder -c listen_addresses=127.0.0.1 -c shared_buffers=512MB -c max_wal_size=4GB -c max_connections=200" start
)

# Each run has a database of its own, which is dropped before the next.
run() {
  "$programs/createdb" -h 127.0.0.1 -p "$port" -U qingyuan -T template0 bench
  echo "\$ qingyuan $* --postgres URL"
  (cd "$folder" && "$program" "$@" --postgres "postgres://qingyuan@127.0.0.1:$port/bench")
  "$programs/dropdb" -h 127.0.0.1 -p "$port" -U qingyuan bench
}

echo "$("$programs/postgres" --version), fsync=on, shared_buffers=512MB, max_wal_size=4GB; load average $(cut -d' ' -f1 /proc/loadavg) before"
run bench ledger --transfers "$TRANSFERS" --accounts 10000
run bench ledger --transfers "$TRANSFERS" --accounts 1000000
echo "\$ qingyuan bench payments   (SQLite, to compare)"
(cd "$folder" && "$program" bench payments --seconds "$SECONDS_EACH")
run bench payments --seconds "$SECONDS_EACH"
run bench payments --seconds "$SECONDS_EACH" --servers 1
run bench payments --seconds "$SECONDS_EACH" --servers 2
run bench failover --kills "$KILLS"
