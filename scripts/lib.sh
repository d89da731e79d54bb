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

# The path of the binary as reported by cargo, for any target folder; empty if it does not build. Needs read_features.
built_binary() {
	cargo build --locked --bin hitrate ${features[@]+"${features[@]}"} --message-format=json-render-diagnostics </dev/null |
		sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1
}

# Sets `binary` to the one that HITRATE_BIN names, or builds it. The script ends if there is none.
measured_binary() {
	binary=${HITRATE_BIN:-}
	if [ -z "$binary" ]; then
		read_features
		binary=$(built_binary)
	fi
	[ -x "$binary" ] || die "the binary did not build"
}

# Makes the temporary folder `work`. At the end of the script, stops the processes in `pids` and removes it.
work_folder() {
	work=$(mktemp -d)
	pids=()
	trap remove_work EXIT
}

remove_work() {
	local pid
	for pid in ${pids[@]+"${pids[@]}"}; do
		kill -CONT "$pid" 2>/dev/null || true
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	rm -rf "$work"
}

# start_demo NAME HOUR_EVERY [OPTION]...: starts a demo of eight days on a free port; sets `url` and `pid`. Needs `binary`
# and a work folder.
start_demo() {
	local name=$1 hour_every=$2 waited=0
	shift 2
	"$binary" --data-dir "$work/$name" "$@" demo --days 8 --listen 127.0.0.1:0 --hour-every "$hour_every" \
		>"$work/$name.out" 2>"$work/$name.err" &
	pid=$!
	pids+=("$pid")
	touch "$work/$name.out"
	until url=$(sed -n 's/^listening \(http[^ ]*\).*/\1/p' "$work/$name.out") && [ -n "$url" ]; do
		kill -0 "$pid" 2>/dev/null || die "the demo ended:" "$(tail -n 3 "$work/$name.err")"
		[ $((waited += 1)) -lt 600 ] || die "the demo does not respond after five minutes"
		sleep 0.5
	done
	sleep 5 # snapshots published before the server listens are prepared in the background
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

# python_tools NAME REQUIREMENTS WHAT SIZE: installs packages from PyPI into a virtual environment in the user's cache
# folder, and prints that folder. Downloads nothing if everything is installed. Without CI=true, it installs nothing: it
# prints what is missing and exits with 3. It exits with 1 if the installation fails.
python_tools() {
	local name=$1 wanted=$2 what=$3 size=$4 tools
	tools=$cache/$name-$(sha256_of "$wanted" | cut -c 1-16)
	if [ -f "$tools/complete" ]; then
		echo "$tools"
		exit 0
	fi
	if [ "${CI:-}" != true ]; then
		python_makes_venvs || { echo "python3 with venv is not installed" && exit 3; }
		echo "$what are not installed"
		exit 3
	fi
	python_makes_venvs || apt_install python3 python3-venv
	# A virtual environment contains its own path, so it is created in its final place. The last file marks it as complete.
	say "downloading $what into $tools ($size)"
	rm -rf "$tools"
	mkdir -p "$tools"
	python3 -m venv "$tools/python" >&2 || die "python3 -m venv $tools/python failed"
	"$tools/python/bin/pip" install --quiet --disable-pip-version-check -r "$wanted" >&2 </dev/null ||
		die "pip install -r $wanted failed"
	touch "$tools/complete"
	find "$cache" -maxdepth 1 -name "$name-*" ! -path "$tools" -mtime +30 -exec rm -rf {} +
	echo "$tools"
}

python_makes_venvs() { have python3 && python3 -c 'import ensurepip, venv' 2>/dev/null; }
