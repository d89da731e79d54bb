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
	local before=$SECONDS
	shift
	say "== $name"
	"$@" </dev/null || failed+=("$name")
	say "== $name took $((SECONDS - before)) s"
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

# check TOOLS SCRIPT: runs a Python script with the tools in a folder; its argument is the binary.
check() {
	local binary
	binary=$(built_binary)
	[ -n "$binary" ] || {
		say "error: the binary did not build, so $2 cannot run"
		return 1
	}
	"$1/python/bin/python" "$2" "$binary" >&2
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

targets() { "$1/python/bin/python" tests/targets/run.py "$1" >&2; }

# tools_of NAME WHAT SIZE: sets `tools` to what scripts/NAME.sh prints. Fails if something is missing, and says what is
# skipped.
tools_of() {
	tools=$("scripts/$1.sh")
	case $? in
	0) return 0 ;;
	3) say "skipped: $2 ($tools). To install what is missing (about $3 in $cache), run: CI=true scripts/$1.sh" ;;
	*) failed+=("${1//-/ }") ;;
	esac
	return 1
}

step format format
step lints lints
step tests tests

if tools_of supply-tools "checks of dependencies, compose file and systemd unit" "70 MB"; then
	step "supply checks" scripts/supply.sh "$tools"
fi

if tools_of target-tools "checks of preferences against the real programs" "1.5 GB"; then
	step "target checks" targets "$tools"
	step "feed checks" check "$tools" tests/targets/feed.py
fi

if tools_of api-tools "checks of the API against its description and of the MCP tools" "100 MB"; then
	step "API checks" check "$tools" tests/api/run.py
	step "MCP checks" check "$tools" tests/mcp/check.py
fi

if tools_of live-tools "checks of the receiver with LiteLLM and OpenTelemetry" "800 MB"; then
	step "live checks" check "$tools" tests/live/check.py
fi

if tools_of follow-tools "checks of alerts with an SMTP server and the verifier of Standard Webhooks" "5 MB"; then
	step "alert checks" check "$tools" tests/follow/check.py
fi

if tools_of data-tools "checks of the dataset with DuckDB, Polars and pandas" "250 MB"; then
	step "data checks" check "$tools" tests/data/check.py
fi

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
