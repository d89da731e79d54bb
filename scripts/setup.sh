#!/usr/bin/env bash
# Prepares a clone for plain cargo commands: checks the tools, finds or downloads a prebuilt DuckDB, and writes the
# git-ignored .cargo/config.toml that points cargo to it. Does nothing if everything is in place.
#
#   DUCKDB_LIB_DIR=DIR   use the libduckdb in DIR instead of downloading one
#   HITRATE_DUCKDB=source   compile DuckDB from source (feature `bundled`) even if a prebuilt library is available
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

duckdb_version=1.5.5
npm_version=1.5.5-r.5
rust_minor=95

check_tools() {
	have cargo || die "cargo is not installed" \
		"install the Rust toolchain: https://rustup.rs, or your system's package 'rustup'"
	local minor cxx cc
	minor=$(cargo --version | sed -n 's/^cargo 1\.\([0-9]*\)\..*/\1/p')
	if [ -n "$minor" ] && [ "$minor" -lt "$rust_minor" ]; then
		die "Rust 1.$rust_minor or newer is needed, this is $(cargo --version)" "run: rustup update stable"
	fi
	cxx=${CXX:-c++}
	have "${cxx%% *}" || have g++ || have clang++ || die "no C++ compiler found (c++, g++, clang++ or \$CXX)" \
		"Debian, Ubuntu: apt-get install build-essential" \
		"Fedora: dnf install gcc-c++      macOS: xcode-select --install"
	cc=${CC:-cc}
	have "${cc%% *}" || die "no linker driver found ('cc')" "Debian, Ubuntu: apt-get install build-essential"
	have sha256sum || have shasum || die "neither sha256sum nor shasum is installed" \
		"Debian, Ubuntu: apt-get install coreutils"
}

# Sets package, tgz_sha256 and lib_sha256 for this machine; fails if no library is pinned for it.
pick_package() {
	case "$(uname -s)-$(uname -m)" in
	Linux-x86_64)
		package=@duckdb/node-bindings-linux-x64
		tgz_sha256=86d2bda909785550e8a14a57a8a4584827aff0e268d8f1a58c3fd48559f7020e
		lib_sha256=fc23f12e376c47be520f75221288281906e7942e8fd6f6ce4849198ba60d0405
		;;
	Linux-aarch64)
		package=@duckdb/node-bindings-linux-arm64
		tgz_sha256=3b85f3ea438f7dc3691d7b5e6e4222ffe9127fd17885f96ca72e0c99925c348e
		lib_sha256=d00d007f3f7ca1f2896a5e4b89c2ce141bf0508506a9d6d56f9598b8e59d074e
		;;
	*) return 1 ;;
	esac
	# The prebuilt library is linked against glibc.
	! (ldd --version 2>&1 || true) | grep -qi musl
}

fetched_is_good() {
	[ -f "$1/libduckdb.so" ] && [ "$(sha256_of "$1/libduckdb.so")" = "$lib_sha256" ]
}

# All steps happen in a temporary folder, and a single rename publishes the result, so a broken download is never used.
fetch_library() {
	local target=$1 log tgz got
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/.fetch.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	log=$work/npm.log
	say "downloading the prebuilt DuckDB $duckdb_version library (npm package $package, about 25 MB)"
	if ! tgz=$(cd "$work" && npm pack --silent "$package@$npm_version" 2>"$log" </dev/null); then
		tail -n 5 "$log" >&2
		die "npm could not download $package@$npm_version" \
			"without access to the npm registry: put libduckdb $duckdb_version into a folder and set DUCKDB_LIB_DIR," \
			"or compile DuckDB from source, which takes over half an hour: HITRATE_DUCKDB=source make setup"
	fi
	tgz=$work/$(printf '%s\n' "$tgz" | tail -n 1)
	got=$(sha256_of "$tgz")
	[ "$got" = "$tgz_sha256" ] || die "the sha256 of $package@$npm_version does not match the pinned one" \
		"expected $tgz_sha256" "got      $got" "nothing was installed; try again, and do not use the file if the error persists"
	tar -xzf "$tgz" -C "$work"
	fetched_is_good "$work/package" || die "libduckdb.so in $package@$npm_version does not match the pinned sha256"
	rm -rf "$target"
	# A parallel setup of another clone may have been faster; its result is just as good.
	mv -T "$work/package" "$target" 2>/dev/null || fetched_is_good "$target" \
		|| die "could not move the library to $target" "is the folder writable?"
	rm -rf "$work"
	trap - EXIT
}

# Sets lib_dir (empty: source build) and source_reason.
find_library() {
	lib_dir='' source_reason=''
	if [ "${HITRATE_DUCKDB:-}" = source ]; then
		source_reason="HITRATE_DUCKDB=source is set"
	elif [ -n "${DUCKDB_LIB_DIR:-}" ]; then
		use_given_library
	elif ! pick_package; then
		source_reason="no prebuilt library is pinned for $(uname -s) on $(uname -m)"
	elif fetched_is_good "$cache/duckdb-$duckdb_version"; then
		lib_dir=$cache/duckdb-$duckdb_version
	elif have npm; then
		fetch_library "$cache/duckdb-$duckdb_version"
		lib_dir=$cache/duckdb-$duckdb_version
	else
		source_reason="npm is not installed and DUCKDB_LIB_DIR is not set, so there is no prebuilt library"
	fi
}

use_given_library() {
	local file
	lib_dir=$(cd "$DUCKDB_LIB_DIR" 2>/dev/null && pwd) || die "DUCKDB_LIB_DIR=$DUCKDB_LIB_DIR is not a folder" \
		"unset it, or set it to the folder that holds libduckdb.so $duckdb_version"
	for file in "$lib_dir/libduckdb.so" "$lib_dir/libduckdb.dylib"; do
		[ -f "$file" ] || continue
		grep -aq "v$duckdb_version" "$file" \
			|| say "warning: $file does not look like DuckDB $duckdb_version, the version that hitrate requires"
		return
	done
	die "DUCKDB_LIB_DIR=$DUCKDB_LIB_DIR does not contain libduckdb.so" \
		"unset it, or set it to the folder that holds libduckdb.so $duckdb_version"
}

toml_string() { printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')"; }

# write_if_changed FILE TEXT: writes FILE only if TEXT differs, so that cargo and make see no new time stamp otherwise.
write_if_changed() {
	[ -f "$1" ] && [ "$(cat "$1")" = "$2" ] && return
	printf '%s\n' "$2" >"$1.new" && mv "$1.new" "$1"
	say "wrote $1"
}

write_config() {
	# shellcheck disable=SC2016
	local text mark='# Written by `make setup`; changes here are overwritten.'
	text=$mark
	if [ -n "$lib_dir" ]; then
		text+=$'\n'"[env]"$'\n'"DUCKDB_LIB_DIR = $(toml_string "$lib_dir")"
	fi
	text+=$'\n'"[build]"$'\n'"target-dir = $(toml_string "${CARGO_TARGET_DIR:-$cache/target}")"
	mkdir -p .cargo
	if [ -f .cargo/config.toml ] && ! grep -qF "$mark" .cargo/config.toml; then
		cp .cargo/config.toml .cargo/config.toml.before-setup
		say "saved your .cargo/config.toml as .cargo/config.toml.before-setup"
	fi
	write_if_changed .cargo/config.toml "$text"
	write_if_changed "$features_file" "$([ -n "$lib_dir" ] || echo '--features bundled')"
}

check_tools
find_library
write_config
if [ -z "$lib_dir" ]; then
	say "DuckDB will be compiled from source (cargo feature 'bundled'): $source_reason."
	say "The first build takes over half an hour on two cores; later builds are fast. To avoid this, install npm"
	say "(Debian, Ubuntu: apt-get install npm) or set DUCKDB_LIB_DIR, and run make setup again."
	say "If you call cargo directly, add: --features bundled"
fi
