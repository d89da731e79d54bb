# Thin on purpose: what each target does is in scripts/ and in README.md.

.DEFAULT_GOAL := help
.PHONY: help setup run demo test test-mutations bench bench-scale bench-serve

# `make setup` writes the extra cargo flags (none, or those of the source build) into this git-ignored file.
# Read by the shell when a recipe runs, as make itself has read its files before setup writes it.
FEATURES ?= $$(cat .cargo/features 2>/dev/null)

help: ## this list
	@echo "hitrate: which inference providers really cache your prompts"
	@echo
	@awk -F ':[^#]*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## check the tools, fetch the prebuilt DuckDB library once, write .cargo/config.toml
	@scripts/setup.sh

demo: setup ## the whole service against a simulated upstream: no network, no key
	cargo run $(FEATURES) -- demo

run: setup ## the live service: collects hourly, serves http://127.0.0.1:8080
	cargo run $(FEATURES) -- serve

test: setup ## format, lints, tests, and browser checks where a browser is
	@scripts/test.sh

test-mutations: setup ## every field of the upstream changed in every way, on a simulated and a recorded day (minutes)
	HITRATE_MUTATIONS=all cargo test --locked --test it $(FEATURES) mutations::no_silent

bench: setup ## figures: sizes, times, memory (nothing here passes or fails)
	@scripts/bench.sh

bench-scale: setup ## a generated year of 3,000 endpoints: disk, recomputation, one more hour, beside plain SQL
	@scripts/bench-scale.sh

bench-serve: setup ## the same bytes served by hitrate and by nginx, loaded in turn (needs nginx and wrk)
	@scripts/bench-serve.sh
