#!/usr/bin/env bash
# Figures, not verdicts: runs every scripts/bench-*.sh but the year's, which has a target of its own: `make bench-scale`.
# The daily profile is used, so that nothing compiles a second time; absolute times are those of that profile.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

status=0 found=no
for script in scripts/bench-*.sh; do
	[ -x "$script" ] || continue
	[ "$script" != scripts/bench-scale.sh ] || continue
	found=yes
	say "== $script"
	"$script" || { say "error: $script ended with an error" && status=1; }
done
[ "$found" = yes ] || say "no bench: there is no scripts/bench-*.sh"
exit $status
