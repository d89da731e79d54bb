#!/usr/bin/env bash
# Builds the program of a release twice, in two checkouts of the same commit in different folders, and compares the
# results byte for byte. Uncommitted changes are left out.
#
#   scripts/reproducible.sh        compiles the dependencies once and this crate twice
#   scripts/reproducible.sh --all  compiles everything twice, in two target folders: twice the time of a release
#
#   HITRATE_RELEASE_LINKED=1  links the prebuilt DuckDB library instead of compiling DuckDB
#   HITRATE_REPRODUCIBLE=DIR  folder for the checkouts and target folders, which is kept [default: a temporary folder]
#
# Exit 0: the programs are the same. Exit 1: they differ, or one does not build.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/release-build.sh
. scripts/release-build.sh

all=
case ${1:-} in
'') ;;
--all) all=yes ;;
*) die "unknown argument \`$1\`" "usage: scripts/reproducible.sh [--all]" ;;
esac

if [ -n "${HITRATE_REPRODUCIBLE:-}" ]; then
	mkdir -p "$HITRATE_REPRODUCIBLE"
	work=$(cd "$HITRATE_REPRODUCIBLE" && pwd)
else
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
fi
commit=$(git rev-parse HEAD)
# The exported folders are not git checkouts, so the time is taken here.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
config=$root/.cargo/config.toml
release_flags

# build NAME FOLDER TARGET: checks the commit out into FOLDER, builds it there, and copies the program to NAME.
build() {
	rm -rf "$2"
	mkdir -p "$2/.cargo"
	git archive "$commit" | tar -x -C "$2"
	# Only the place of the library: the target folder is set below.
	[ ! -f "$config" ] || sed -n '/^\[env\]/,/^\[build\]/{/^\[build\]/d;p}' "$config" >"$2/.cargo/config.toml"
	(
		cd "$2"
		release_environment "$3"
		cargo build "${flags[@]}" </dev/null
	)
	cp "$3/dist/hitrate" "$work/$1"
}

started=$(date +%s)
build first "$work/one/hitrate" "$work/target"
build second "$work/another/checkout-of-hitrate" "$work/${all:+second-}target"
took=$((($(date +%s) - started) / 60))
first=$(sha256_of "$work/first")
second=$(sha256_of "$work/second")
if [ "$first" != "$second" ]; then
	say "error: the two programs of commit $commit differ: sha256 $first and $second"
	say "       first difference: $(cmp "$work/first" "$work/second" 2>&1 || true)"
	exit 1
fi
say "reproducible: commit $commit built twice (${all:+dependencies too, }$took minutes), the same $(wc -c <"$work/first") bytes, sha256 $first"
