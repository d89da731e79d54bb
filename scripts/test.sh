#!/usr/bin/env bash
# All checks that can run here: format, lints, tests, then the served pages in a browser. With CI=true what the
# browser checks need is installed by name; otherwise they are skipped when it is missing, and it is said how to have it.
# Every step runs even if one before it failed; the exit code is 1 if any did.
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

# The path of the binary as cargo reports it, whatever target folder is in force.
built_binary() {
	cargo build --locked --bin hitrate ${features[@]+"${features[@]}"} --message-format=json-render-diagnostics </dev/null |
		sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1
}

browser() {
	local binary
	binary=$(built_binary)
	[ -n "$binary" ] || {
		say "error: the binary did not build, so no page could be looked at"
		return 1
	}
	HITRATE_BIN=$binary node tests/browser/run.mjs
}

# A LiteLLM proxy that follows the feed of a running server.
feed() {
	local binary
	binary=$(built_binary)
	[ -n "$binary" ] || {
		say "error: the binary did not build, so there is no feed to follow"
		return 1
	}
	"$1/python/bin/python" tests/targets/feed.py "$binary" >&2
}

targets() { "$1/python/bin/python" tests/targets/run.py "$1" >&2; }

# The API against its own description.
api() {
	local binary
	binary=$(built_binary)
	[ -n "$binary" ] || {
		say "error: the binary did not build, so there is no API to check"
		return 1
	}
	"$1/python/bin/python" tests/api/run.py "$binary" >&2
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
3) say "skipped: the checks of preferences against the real programs, as $tools. To have them (about 1 GB in" \
	"$cache): CI=true scripts/target-tools.sh" ;;
*) failed+=("target tools") ;;
esac

tools=$(scripts/api-tools.sh)
case $? in
0) step "API checks" api "$tools" ;;
3) say "skipped: the check of the API against its description, as $tools. To have it (about 100 MB in" \
	"$cache): CI=true scripts/api-tools.sh" ;;
*) failed+=("API tools") ;;
esac

missing=$(scripts/browser-tools.sh)
case $? in
0) step "browser checks" browser ;;
3) say "skipped: the browser checks of the served pages, as $missing. To have them: CI=true make test, or" \
	"(Debian) apt-get install chromium nodejs npm && npm ci --prefix tests/browser" ;;
*) failed+=("browser tools") ;;
esac

# After the browser's own closing line nothing more goes to standard output, so that it is the last one there.
if [ ${#failed[@]} -gt 0 ]; then
	say "failed: $(printf '%s, ' "${failed[@]}" | sed 's/, $//')"
	exit 1
fi
say "all steps passed"
