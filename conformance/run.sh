#!/bin/sh
# Independent clients against the sandbox: prints one line per check, fails if one does not hold.
set -eu
cd "$(dirname "$0")/.."

venv=target/conformance-venv
if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    # Debian keeps venv apart from python3.
    apt-get update && apt-get install -y python3-venv
fi
# One that was begun and not finished, or whose Python is gone, is made anew.
if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    rm -rf "$venv"
    python3 -m venv "$venv"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r conformance/requirements.txt

# The whole workspace is named so that nothing is built with other features than its tests were.
cargo build --quiet --workspace --example standalone
# The sandbox is on this machine, whatever proxy leads to the packages.
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost
exec "$venv/bin/python" conformance/wechatpayv3_client.py "${CARGO_TARGET_DIR:-target}/debug/examples/standalone"
