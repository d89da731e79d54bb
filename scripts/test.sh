#!/usr/bin/env bash
# Runs all checks that are possible on this machine: format, lints, tests, then the served pages in a browser. With
# CI=true, the script installs what the browser checks need; otherwise it skips checks with missing tools and prints how
# to install them. Every step runs even if an earlier step failed; the exit code is 1 if any step failed.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

read_features
failed=()

step() {
	local name=$1
	shift
	say "== $name"
	"$@" </dev/null || failed+=("$name")
}

component() {
	cargo "$1" --version >/dev/null 2>&1 || {
		say "error: cargo $1 is not installed: run 'rustup component add $2'"
		return 1
	}
}

format() { component fmt rustfmt && cargo fmt --check; }
lints() { component clippy clippy && cargo clippy --locked --all-targets ${features[@]+"${features[@]}"} -- -D warnings; }
tests() { cargo test --locked --lib --bins --tests ${features[@]+"${features[@]}"}; }

# The path of the binary as reported by cargo, for any target folder.
built_binary() {
	cargo build --locked --bin hitrate ${features[@]+"${features[@]}"} --message-format=json-render-diagnostics </dev/null |
		sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1
}

browser() {
	local binary
	binary=$(built_binary)
	[ -n "$binary" ] || {
		say "error: the binary did not build, so the pages cannot be checked"
		return 1
	}
	HITRATE_BIN=$binary node tests/browser/run.mjs
}

# Runs a LiteLLM proxy that follows the feed of a running server.
feed() {
	local binary
	binary=$(built_binary)
	[ -n "$binary" ] || {
		say "error: the binary did not build, so the feed cannot be checked"
		return 1
	}
	"$1/python/bin/python" tests/targets/feed.py "$binary" >&2
}

targets() { "$1/python/bin/python" tests/targets/run.py "$1" >&2; }

# Checks the API against its own description.
api() {
	local binary
	binary=$(built_binary)
	[ -n "$binary" ] || {
		say "error: the binary did not build, so the API cannot be checked"
		return 1
	}
	"$1/python/bin/python" tests/api/run.py "$binary" >&2
}

# Calls the tools of the Model Context Protocol with the protocol's official client.
mcp() {
	local binary
	binary=$(built_binary)
	[ -n "$binary" ] || {
		say "error: the binary did not build, so the MCP tools cannot be checked"
		return 1
	}
	"$1/python/bin/python" tests/mcp/check.py "$binary" >&2
}

# Sends telemetry of LiteLLM's proxy and of OpenTelemetry's exporter to the receiver.
live() {
	local binary
	binary=$(built_binary)
	[ -n "$binary" ] || {
		say "error: the binary did not build, so the receiver cannot be checked"
		return 1
	}
	"$1/python/bin/python" tests/live/check.py "$binary" >&2
}

# Sends test alerts to an SMTP server and to the verifier of Standard Webhooks.
follow() {
	local binary
	binary=$(built_binary)
	[ -n "$binary" ] || {
		say "error: the binary did not build, so the receivers of alerts cannot be checked"
		return 1
	}
	"$1/python/bin/python" tests/follow/check.py "$binary" >&2
}

# Reads the Parquet dataset with DuckDB, Polars and pandas.
data() {
	local binary
	binary=$(built_binary)
	[ -n "$binary" ] || {
		say "error: the binary did not build, so the dataset cannot be checked"
		return 1
	}
	"$1/python/bin/python" tests/data/check.py "$binary" >&2
}

step format format
step lints lints
step tests tests

tools=$(scripts/target-tools.sh)
case $? in
0)
	step "target checks" targets "$tools"
	step "feed checks" feed "$tools"
	;;
3) say "skipped: checks of preferences against the real programs ($tools). To install them (about 1.5 GB in" \
	"$cache), run: CI=true scripts/target-tools.sh" ;;
*) failed+=("target tools") ;;
esac

tools=$(scripts/api-tools.sh)
case $? in
0)
	step "API checks" api "$tools"
	step "MCP checks" mcp "$tools"
	;;
3) say "skipped: checks of the API against its description and of the MCP tools ($tools). To install the tools (about 100 MB in" \
	"$cache), run: CI=true scripts/api-tools.sh" ;;
*) failed+=("API tools") ;;
esac

tools=$(scripts/live-tools.sh)
case $? in
0) step "live checks" live "$tools" ;;
3) say "skipped: checks of the receiver with LiteLLM and OpenTelemetry ($tools). To install them (about 800 MB in" \
	"$cache), run: CI=true scripts/live-tools.sh" ;;
*) failed+=("live tools") ;;
esac

tools=$(scripts/follow-tools.sh)
case $? in
0) step "alert checks" follow "$tools" ;;
3) say "skipped: checks of alerts with an SMTP server and the verifier of Standard Webhooks ($tools). To install them (about" \
	"5 MB in $cache), run: CI=true scripts/follow-tools.sh" ;;
*) failed+=("alert tools") ;;
esac
tools=$(scripts/data-tools.sh)
case $? in
0) step "data checks" data "$tools" ;;
3) say "skipped: checks of the dataset with DuckDB, Polars and pandas ($tools). To install them (about 250 MB in" \
	"$cache), run: CI=true scripts/data-tools.sh" ;;
*) failed+=("data tools") ;;
esac

missing=$(scripts/browser-tools.sh)
case $? in
0) step "browser checks" browser ;;
3) say "skipped: browser checks of the served pages ($missing). To install what is missing, run CI=true make test, or" \
	"on Debian: apt-get install chromium nodejs npm && npm ci --prefix tests/browser" ;;
*) failed+=("browser tools") ;;
esac

# Nothing goes to standard output after the closing line of the browser checks, so that it stays the last line.
if [ ${#failed[@]} -gt 0 ]; then
	say "failed: $(printf '%s, ' "${failed[@]}" | sed 's/, $//')"
	exit 1
fi
say "all steps passed"
