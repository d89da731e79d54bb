# shellcheck shell=bash
# How the program of a release is built; sourced by release.sh and reproducible.sh. Needs lib.sh.

# release_environment TARGET: exports what makes a build repeatable. Neither the folder of the checkout, the target
# folder nor the folder of the registry may be in the program: cargo passes paths of this crate relative to the
# checkout, and the other two are mapped.
release_environment() {
	local cargo_home=${CARGO_HOME:-$HOME/.cargo}
	SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || true)}
	[ -n "$SOURCE_DATE_EPOCH" ] || die "the time of the release is unknown: this is not a git checkout" \
		"set SOURCE_DATE_EPOCH to seconds since 1970"
	export SOURCE_DATE_EPOCH CARGO_INCREMENTAL=0 TZ=UTC LC_ALL=C
	export RUSTFLAGS="--remap-path-prefix=$cargo_home/registry/src=/registry"
	# C and C++ sources are compiled from the registry, and DuckDB's from a folder below the target folder.
	export CFLAGS="-ffile-prefix-map=$cargo_home/registry/src=/registry -ffile-prefix-map=$1=/target"
	export CXXFLAGS=$CFLAGS CARGO_TARGET_DIR=$1
}

# release_flags: sets `flags` to what cargo gets. With HITRATE_RELEASE_LINKED=1, DuckDB is not compiled: the program
# links the prebuilt library, runs on this machine only, and is for trying the scripts.
release_flags() {
	flags=(--locked --profile dist --bin hitrate)
	[ "${HITRATE_RELEASE_LINKED:-}" = 1 ] || flags+=(--features bundled)
}

# sha256 of a file, as sha256sum prints it.
sum_of() { printf '%s  %s\n' "$(sha256_of "$1")" "$(basename "$1")"; }
