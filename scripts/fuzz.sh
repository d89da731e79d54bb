#!/usr/bin/env bash
# Runs the fuzz targets under libFuzzer, one after the other: 10 million executions each, or 20 minutes, whichever comes first. Prints
# one line for each target. Exit codes: 0 nothing found, 1 a target panicked, hung or took too much memory.
#
#   scripts/fuzz.sh [TARGET]...    these targets only
#   HITRATE_FUZZ_SECONDS=60        at most this many seconds for each target
#   HITRATE_FUZZ_RSS_MIB=600       limit of the memory of the whole process, MiB
#
# Inputs that libFuzzer finds are kept in the cache folder and used by the next run; fuzz/corpus has the small ones that the tests use.
# A finding is written to fuzz/artifacts/TARGET; with a fix, move it to fuzz/corpus/TARGET.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

seconds=${HITRATE_FUZZ_SECONDS:-1200}
runs=10000000
# Code, tables and libFuzzer itself take most of it; an input may take 200 MiB more.
rss=${HITRATE_FUZZ_RSS_MIB:-600}
read_features

# The names are those of the programs in fuzz/Cargo.toml.
mapfile -t targets < <(sed -n '/^\[\[bin\]\]/,$ s/^name = "\(.*\)"/\1/p' fuzz/Cargo.toml)
if [ $# -gt 0 ]; then targets=("$@"); fi

# The configuration of the main package has the library of DuckDB and the target folder; in a folder below it, cargo finds it too. The
# wrapper adds the flags of libFuzzer to the code of hitrate only, so that the libraries are those of the other builds.
export RUSTC_WRAPPER=$root/scripts/fuzz-rustc.sh
found=0
for target in "${targets[@]}"; do
	program=$(cd fuzz && cargo build --locked --bin "$target" ${features[@]+"${features[@]}"} --message-format=json-render-diagnostics </dev/null |
		sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
	[ -n "$program" ] || die "the fuzz target $target did not build"
	kept=$cache/fuzz/$target
	log=$cache/fuzz/$target.log
	mkdir -p "$kept" "fuzz/artifacts/$target"
	# A question in SQL may take 512 MiB in DuckDB.
	if [ "$target" = sql ]; then most=$((rss + 600)); else most=$rss; fi
	code=0
	"$program" "-runs=$runs" "-max_total_time=$seconds" "-rss_limit_mb=$most" -timeout=25 -max_len=16384 -print_final_stats=1 \
		"-artifact_prefix=fuzz/artifacts/$target/" "$kept" "fuzz/corpus/$target" >"$log" 2>&1 </dev/null || code=$?
	stat() { sed -n "s/^stat::$1: *//p" "$log" | tail -n 1; }
	result=ok
	if [ "$code" != 0 ]; then
		result="FOUND (exit $code): $(grep -m 1 -E "panicked at|ERROR: libFuzzer" "$log" || true); $log"
		found=1
	fi
	printf '%-14s %10s executions, %5s s, %6s inputs, %5s MiB, %s\n' "$target" "$(stat number_of_executed_units)" \
		"$(sed -n 's/^Done [0-9]* runs in \([0-9]*\) second.*/\1/p' "$log" | tail -n 1)" "$(find "$kept" -type f | wc -l)" \
		"$(stat peak_rss_mb)" "$result"
done
exit "$found"
