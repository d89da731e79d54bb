# Deliberately thin: scripts/ contains what each target does, and README.md describes it.

.DEFAULT_GOAL := help
.PHONY: help setup run demo fuzz release reproducible sbom test test-crashes test-data test-faults test-follow test-image test-live test-metrics test-mutations test-unit test-week lighthouse bench bench-load bench-scale bench-serve bench-traffic

# `make setup` writes the extra cargo flags (none, or those of the source build) into this git-ignored file.
# The shell reads it when a recipe runs, because make reads its files before setup writes this one.
FEATURES ?= $$(cat .cargo/features 2>/dev/null)

help: ## print this list
	@echo "hitrate: which inference providers really cache your prompts"
	@echo
	@awk -F ':[^#]*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## check the tools, fetch the prebuilt DuckDB library once, write .cargo/config.toml
	@scripts/setup.sh

demo: setup ## run the whole service against a simulated upstream: no network, no key
	cargo run $(FEATURES) -- demo

run: setup ## run the live service: collect hourly, serve http://127.0.0.1:8080
	cargo run $(FEATURES) -- serve

test: setup ## run format check, lints, tests, and browser checks if a browser is installed
	@scripts/test.sh

test-crashes: setup ## kill the program 1,000 times, damage its files, and take its disk and memory away (takes minutes)
	HITRATE_KILLS=1000 HITRATE_DAMAGES=10 cargo test --locked --test it $(FEATURES) crashes:: -- --nocapture --test-threads 1

fuzz: setup ## run every fuzz target under libFuzzer: 10 million executions or 20 minutes each (HITRATE_FUZZ_SECONDS shortens it)
	@scripts/fuzz.sh

test-follow: setup ## check alerts with a real SMTP server and the Standard Webhooks verifier (downloads them once)
	@scripts/follow.sh

test-data: setup ## read the Parquet dataset with DuckDB, Polars and pandas (downloads them once)
	@scripts/data.sh

test-live: setup ## check the receiver with the real LiteLLM proxy and OpenTelemetry exporter (downloads them once)
	@scripts/live.sh

test-metrics: ## check the alerting rules and run their unit tests (needs promtool, otherwise skipped)
	@scripts/test-metrics.sh

test-mutations: setup ## test every mutation of every upstream field on a simulated and a recorded day (takes minutes)
	HITRATE_MUTATIONS=all cargo test --locked --test it $(FEATURES) mutations::no_silent

test-faults: setup ## meet every fault of the upstream with some documents and with all requests (takes minutes)
	HITRATE_FAULTS=all cargo test --locked --test it $(FEATURES) faults::

test-week: setup ## collect a recorded week hour by hour, twice, if it is available (takes about 20 minutes)
	HITRATE_WEEK=all cargo test --locked --test it $(FEATURES) recorded::hours -- --nocapture

test-image: setup ## build the container image on a base of Debian's packages and run it with a read-only root (needs root)
	@CI=true scripts/test-image.sh

test-unit: setup ## boot systemd in a container and run the unit in its sandbox (needs root)
	@scripts/test-unit.sh

sbom: ## write target/hitrate.cdx.json, the CycloneDX bill of materials of a release
	@scripts/sbom.sh

release: ## build the archive of a release for this machine in target/release-archives (over an hour on two cores)
	@scripts/release.sh

reproducible: ## build the program of a release in two folders and compare the bytes
	@scripts/reproducible.sh

lighthouse: setup ## run Lighthouse over two pages of a demo: at least 95 in each category (downloads it once)
	@scripts/lighthouse.sh

bench: setup ## measure sizes, times and memory (nothing here passes or fails)
	@scripts/bench.sh

bench-load: setup ## put an hour of mixed load on a server that sweeps and publishes; fails on errors and growth (needs wrk)
	@scripts/bench-load.sh

bench-scale: setup ## measure a generated year of 3,000 endpoints against plain SQL: disk, recomputation, one more hour
	@scripts/bench-scale.sh

bench-traffic: setup ## measure the import of a million calls, and reports over ten million
	@scripts/bench-traffic.sh

bench-serve: setup ## load-test hitrate and nginx in turn with the same bytes (needs nginx and wrk)
	@scripts/bench-serve.sh
