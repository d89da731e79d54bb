#!/usr/bin/env bash
# Measures own traffic: the import of a generated spend log of a million rows, and reports over a generated database of
# ten million calls. Prints figures, not verdicts. Arguments are passed to the bench: --rows, --calls, --seed. With
# --data DIR, the generated files (several GB) are kept there and reused next time.
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
cargo bench --locked --profile dev --bench traffic ${features[@]+"${features[@]}"} -- "$@"
