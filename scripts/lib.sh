# shellcheck shell=bash disable=SC2034
# Functions shared by the scripts. Sourced, not run; changes to the root of the checkout.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

# The user's cache folder is shared by all clones, because the path of the library is compiled into every binary.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hitrate
features_file=.cargo/features

say() { printf '%s\n' "$*" >&2; }

# die WHAT [WHAT TO DO]...: prints one line each, the first marked as the error, and exits.
die() {
	say "error: $1"
	shift
	local line
	for line in "$@"; do say "       $line"; done
	exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

sha256_of() {
	if have sha256sum; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# Reads the cargo flags that setup chose into an array: empty with a prebuilt DuckDB, otherwise `--features bundled`.
read_features() {
	features=()
	if [ -n "${FEATURES:-}" ]; then
		read -r -a features <<<"$FEATURES"
	elif [ -s "$features_file" ]; then
		read -r -a features <"$features_file"
	fi
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; elif have sudo; then sudo -n "$@"; else
		die "'$*' needs root, and sudo is not installed" "run this command as root, then start again"
	fi
}

apt_install() {
	have apt-get || die "apt-get is not available to install $*" "install $* with your system's package manager"
	if [ -z "${apt_updated:-}" ]; then
		as_root apt-get update -q >&2 </dev/null || die "apt-get update failed"
		apt_updated=yes
	fi
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" >&2 </dev/null \
		|| die "apt-get install $* failed"
}
