#!/usr/bin/env bash
# A generated year, 3,000 endpoints hourly: what it takes on disk, to recompute everything, and to add an hour; beside the
# same work as plain DuckDB SQL. Figures, not verdicts. Arguments go to the bench: --endpoints, --hours, --seed, --repeat;
# with --data DIR the generated record (about 4 GB with its copies) is kept there and measured again next time.
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
# The program's own code optimised as in releases, its dependencies those of daily work: they compile no second time.
export CARGO_PROFILE_DEV_OPT_LEVEL=3
cargo bench --locked --profile dev --bench scale ${features[@]+"${features[@]}"} -- "$@"
