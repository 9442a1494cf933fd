# Everything a newcomer needs: `make demo`, `make test`.
.PHONY: demo serve sandbox test soak bench lint format

demo:            ## a marketplace's two days against simulated channels
	@cargo run --release --quiet --package qingyuan -- demo

serve:           ## the HTTP API on http://127.0.0.1:8080 with simulated channels
	@cargo run --release --quiet --package qingyuan -- serve --sandbox --data data

sandbox:         ## simulated WeChat Pay and UnionPay
	@cargo run --release --quiet --package qingyuan -- sandbox

test:            ## everything that has to hold; installs what it needs
	@scripts/test.sh

soak:            ## the long runs: many seeds, many kills
	@scripts/soak.sh

bench:           ## figures for docs/benchmarks.md
	@scripts/bench.sh
	@scripts/bench-postgres.sh

lint:            ## formatting and lints
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets --quiet -- -D warnings

format:
	@cargo fmt --all
