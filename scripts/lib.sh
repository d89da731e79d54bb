# shellcheck shell=bash disable=SC2034
# What the scripts share. Sourced, not run: every script starts in the checkout's root with these at hand.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

# The user's cache folder: one place for all clones, since the library's path is compiled into every binary.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hitrate
features_file=.cargo/features

say() { printf '%s\n' "$*" >&2; }

# die WHAT [WHAT TO DO]...: one line each, the first marked as the error.
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

# The cargo flags that setup chose, as words: empty with a prebuilt DuckDB, `--features bundled` without.
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
		die "installing '$*' needs root and sudo is not there" "run it as root, then start again"
	fi
}

apt_install() {
	have apt-get || die "no apt-get to install $* with" "install $* with your system's package manager"
	if [ -z "${apt_updated:-}" ]; then
		as_root apt-get update -q >&2 </dev/null || die "apt-get update failed"
		apt_updated=yes
	fi
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" >&2 </dev/null \
		|| die "apt-get install $* failed"
}
