#!/usr/bin/env bash
# Figures, not verdicts: runs every scripts/bench-*.sh, then the benches that Cargo.toml declares.
# The daily profile is used, so that nothing compiles a second time; absolute times are those of that profile.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

read_features
status=0 found=no
for script in scripts/bench-*.sh; do
	[ -x "$script" ] || continue
	found=yes
	say "== $script"
	"$script" || { say "error: $script ended with an error" && status=1; }
done
if grep -q '^\[\[bench\]\]' Cargo.toml; then
	found=yes
	say "== cargo bench"
	cargo bench --locked --profile dev ${features[@]+"${features[@]}"} || status=1
fi
[ "$found" = yes ] || say "no bench is declared: neither scripts/bench-*.sh nor [[bench]] in Cargo.toml"
exit $status
