#!/usr/bin/env bash
# Runs every scripts/bench-*.sh except bench-load.sh, bench-scale.sh and bench-traffic.sh, which have targets of their own
# because they take an hour, or minutes and gigabytes. Prints figures, not verdicts. Uses the dev profile, so that nothing is compiled twice; absolute times are those of that profile.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

status=0 found=no
for script in scripts/bench-*.sh; do
	[ -x "$script" ] || continue
	case "$script" in scripts/bench-load.sh | scripts/bench-scale.sh | scripts/bench-traffic.sh) continue ;; esac
	found=yes
	say "== $script"
	"$script" || { say "error: $script ended with an error" && status=1; }
done
[ "$found" = yes ] || say "no benchmarks found: there is no scripts/bench-*.sh"
exit $status
