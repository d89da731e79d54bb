#!/usr/bin/env bash
# Measures how long the demo takes to collect and publish its thirty simulated days. Prints figures, not verdicts.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

measured_binary

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
started=$(date +%s%N)
HITRATE_LOG=error "$binary" --data-dir "$work/data" demo --once --listen 127.0.0.1:0
wall=$((($(date +%s%N) - started) / 1000000))
runs=$(find "$work/data/archive" -name '*.manifest.zst' | wc -l)
size() { find "$1" -type f -printf '%s\n' | awk '{ sum += $1 } END { printf "%.1f", sum / 1048576 }'; }
printf '| figure | value |\n|---|---|\n'
printf '| `demo --once`, s | %s |\n' "$(awk -v ms="$wall" 'BEGIN { printf "%.1f", ms / 1000 }')"
printf '| runs | %s |\n' "$runs"
printf '| store, MiB | %s |\n' "$(size "$work/data/hitrate.duckdb")"
printf '| archive, MiB | %s |\n' "$(size "$work/data/archive")"
