#!/bin/sh
# Independent clients against the sandbox: prints one line per check, fails if one does not hold.
set -eu
cd "$(dirname "$0")/.."

venv=target/conformance-venv
if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    # Debian keeps venv apart from python3.
    apt-get update && apt-get install -y python3-venv
fi
if [ ! -x "$venv/bin/pip" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv"
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check -r conformance/requirements.txt

# The whole workspace is named so that nothing is built with other features than its tests were.
cargo build --quiet --workspace --example standalone
exec "$venv/bin/python" conformance/wechatpayv3_client.py "${CARGO_TARGET_DIR:-target}/debug/examples/standalone"
