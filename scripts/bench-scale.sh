#!/usr/bin/env bash
# Measures a generated year of 3,000 hourly endpoints: disk space, recomputing everything, and adding an hour, compared
# with the same work in plain DuckDB SQL. Prints figures, not verdicts. Arguments are passed to the bench: --endpoints,
# --hours, --seed, --repeat. With --data DIR, the generated record (about 4 GB with its copies) is kept there and reused
# next time.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

read_features
work=''
case " $* " in
*" --data "* | *" --data="*) ;;
*)
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	set -- --data "$work" "$@"
	;;
esac
say "machine: $(nproc) cores, $(awk '/^MemTotal/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo) GiB; load $(cut -d ' ' -f 1 /proc/loadavg)"
# Optimise hitrate's own code as in releases, but use the dependencies of the dev profile, so they are not compiled twice.
export CARGO_PROFILE_DEV_OPT_LEVEL=3
cargo bench --locked --profile dev --bench scale ${features[@]+"${features[@]}"} -- "$@"
