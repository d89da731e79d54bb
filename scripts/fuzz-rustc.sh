#!/usr/bin/env bash
# The compiler of a fuzz build (RUSTC_WRAPPER): the crates whose code is fuzzed count their branches for libFuzzer. The flags are those
# of cargo-fuzz. All other libraries compile as usual, so those of the target folder are used again.
set -euo pipefail

crate='' previous=''
for argument in "$@"; do
	if [ "$previous" = --crate-name ]; then crate=$argument; fi
	previous=$argument
done
case $crate in
hitrate | hitrate_fuzz)
	exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
		-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
		-Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0
	;;
*) exec "$@" ;;
esac
