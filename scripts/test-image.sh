#!/usr/bin/env bash
# Builds the runtime stage of the Dockerfile with buildah, on a base made from Debian's packages with debootstrap, and
# runs the image the way deploy/compose.yml does: as user 10001, with a read-only root, without capabilities, in
# namespaces of its own. The program is the one that cargo built, with the DuckDB library beside it, so the stage that
# compiles it is not run.
#
#   scripts/test-image.sh [PROGRAM]   tests PROGRAM instead of building one
#   scripts/test-image.sh --needs     only checks for the tools, with the exit codes below
#
# Exit 0: passed. Exit 1: failed. Exit 3: a tool is missing and this is not a CI run, or this is not root on Linux (named
# on standard output). With CI=true, the script installs the tools.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/debian-base.sh
. scripts/debian-base.sh

# The user and the folder of the Dockerfile.
uid=10001
address=127.0.0.1:8080

need() {
	[ "$(uname -s)" = Linux ] || { echo "this is not Linux" && exit 3; }
	[ "$(id -u)" = 0 ] || { echo "namespaces and file owners need root" && exit 3; }
	local tool missing=()
	for tool in buildah debootstrap strip unshare nsenter setpriv ip curl; do have "$tool" || missing+=("$tool"); done
	[ ${#missing[@]} -gt 0 ] || return 0
	[ "${CI:-}" = true ] || { echo "${missing[*]} not installed" && exit 3; }
	apt_install buildah debootstrap binutils util-linux iproute2 curl
}

build_ah() {
	buildah --storage-driver vfs --root "$work/storage" --runroot "$work/run" "$@" </dev/null
}

# The stage that makes the image, with a folder in place of the stage that compiles the program.
build() {
	local context=$work/context library
	mkdir -p "$context/build/target/dist" "$work/library" || return 1
	# Without debug information, as in a release: the layers are copies.
	strip -o "$context/build/target/dist/hitrate" "$program" || return 1
	awk '/^ARG RUNTIME_IMAGE/ || /^FROM .* AS runtime/ { keep = 1 } /^FROM .* AS builder/ { keep = 0 } keep' \
		Dockerfile >"$work/Dockerfile"
	printf 'FROM scratch\nADD %s /\n' "$(basename "$base")" >"$work/Base"
	build_ah build --quiet --isolation chroot --file "$work/Base" --tag localhost/base "$(dirname "$base")" >&2 || return 1
	build_ah build --quiet --format docker --isolation chroot --file "$work/Dockerfile" --build-arg RUNTIME_IMAGE=localhost/base \
		--build-context "builder=$context" --tag localhost/hitrate . >&2 || return 1
	# A program that cargo linked for this machine needs the prebuilt library; that of a release has DuckDB inside.
	library=$(ldd "$program" | sed -n 's/.*libduckdb.so => \([^ ]*\) .*/\1/p')
	container=$(build_ah from localhost/hitrate) || return 1
	image=$(build_ah mount "$container") || return 1
	[ -z "$library" ] || cp "$library" "$image/usr/lib/libduckdb.so" || return 1
}

# Compares one value of the image's configuration.
configured() {
	local got
	got=$(build_ah inspect --type container --format "$1" "$container")
	[ "$got" = "$2" ] || problem "the image has $1 = $got, expected $2"
}

problem() {
	say "error: $*"
	failed=1
}

# start COMMAND...: starts a container. The mounts are those of `read_only`, `tmpfs` and `volumes` in deploy/compose.yml;
# the network has loopback only. Sets `first` to the number of its first process on this machine.
start() {
	rm -f "$work/out"
	# shellcheck disable=SC2016
	unshare --mount --pid --net --ipc --uts --fork --kill-child bash -c '
		set -e
		image=$1 data=$2 uid=$3
		shift 3
		ip link set lo up
		mount --make-rprivate /
		mount --bind "$image" "$image"
		mount --bind "$data" "$image/data"
		mount -t proc -o nosuid,nodev,noexec proc "$image/proc"
		mount -t tmpfs -o nosuid,size=64k dev "$image/dev"
		for node in null zero random urandom; do
			touch "$image/dev/$node"
			mount --bind "/dev/$node" "$image/dev/$node"
		done
		mount -t tmpfs -o size=64m,mode=1777,noexec,nosuid,nodev tmpfs "$image/tmp"
		mount -o remount,bind,ro "$image"
		exec chroot "$image" setpriv --reuid "$uid" --regid "$uid" --clear-groups --bounding-set=-all --inh-caps=-all \
			--no-new-privs env -i -C /data PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
			HITRATE_DATA_DIR=/data "$@"
	' bash "$image" "$work/data" $uid "$@" </dev/null >"$work/out" 2>&1 &
	holder=$!
	first=
	for _ in $(seq 100); do
		first=$(tr -d ' ' <"/proc/$holder/task/$holder/children" 2>/dev/null)
		[ -z "$first" ] || break
		sleep 0.05
	done
}

# inside COMMAND...: runs a command in the running container, as its user.
inside() {
	nsenter --target "$first" --mount --pid --net --ipc --uts --root --wd \
		setpriv --reuid $uid --regid $uid --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs \
		env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HITRATE_DATA_DIR=/data "$@" </dev/null
}

# get PATH: requests a path of the running server, and prints the status.
get() { nsenter --target "$first" --net curl --silent --max-time 10 --output /dev/null --write-out '%{http_code}' "http://$address$1"; }

is_ready() { [ "$(get /readyz)" = 200 ]; }

# ended NAME EXPECTED: waits for the container and compares its exit code.
ended() {
	wait "$holder"
	local code=$?
	holder=
	[ $code -eq "$2" ] && return 0
	problem "$1 ended with $code, expected $2:"
	tail -n 20 "$work/out" >&2
}

# The rights of the first process, as the kernel has them.
rights() {
	local line status
	status=$(cat "/proc/$first/status")
	for line in "Uid: $uid $uid $uid $uid" "Gid: $uid $uid $uid $uid" "CapEff: 0000000000000000" \
		"CapBnd: 0000000000000000" "NoNewPrivs: 1"; do
		printf '%s\n' "$status" | tr -s '\t' ' ' | grep -qxF "$line" || problem "the process does not have '$line'"
	done
}

run() {
	install -d -o $uid -g $uid -m 0750 "$work/data"
	# An address without a server, so that the service has an upstream that does not answer.
	printf '[upstream]\nbase_url = "http://127.0.0.1:9"\n' >"$work/data/hitrate.toml"
	local before after started
	before=$(files)

	start hitrate demo --once --days 1 --config /dev/null
	ended "hitrate demo --once" 0

	# The command of the image.
	start hitrate serve --listen 0.0.0.0:8080
	wait_for 300 is_ready || {
		problem "/readyz does not answer 200 within a minute:"
		tail -n 20 "$work/out" >&2
	}
	rights
	local path
	for path in / /livez /metrics /api/v1/tiers; do
		[ "$(get $path)" = 200 ] || problem "$path answers $(get $path), expected 200"
	done
	inside hitrate healthcheck >"$work/health" 2>&1 || problem "hitrate healthcheck: $(cat "$work/health")"
	inside hitrate tiers --table tsv >"$work/tiers" 2>&1 || problem "hitrate tiers: $(cat "$work/tiers")"
	inside touch /usr/local/bin/x 2>/dev/null && problem "the root file system can be written"
	[ -z "$(inside find /tmp -mindepth 1)" ] || problem "files in /tmp: $(inside find /tmp -mindepth 1)"
	started=$(date +%s%N)
	kill -TERM "$first"
	ended "hitrate serve" 0
	stopped=$((($(date +%s%N) - started) / 1000000))
	[ $stopped -lt 10000 ] || problem "SIGTERM took $stopped ms, expected less than 10 s"
	[ ! -e "$work/data/server.json" ] || problem "server.json is left after the stop"
	inside_after=$(find "$work/data" ! -uid $uid ! -name hitrate.toml)
	[ -z "$inside_after" ] || problem "files of another user in the volume: $inside_after"
	after=$(files)
	[ "$before" = "$after" ] || problem "files outside of the volume changed"

	# Without a server, the health check fails; that is what restarts a container.
	start hitrate healthcheck
	ended "hitrate healthcheck without a server" 1
}

# Every file of the image with its size and time.
files() { (cd "$image" && find . -xdev -printf '%p %s %T@ %m %U\n' | sort | sha256sum); }

wait_for() {
	local tries=$1
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		[ -n "$holder" ] && kill -0 "$holder" 2>/dev/null || return 1
		sleep 0.2
	done
}

clean() {
	[ -z "$holder" ] || kill -KILL "$holder" 2>/dev/null
	[ -z "$container" ] || build_ah rm --all >/dev/null 2>&1
	rm -rf "$work"
}

failed=0 holder='' container='' stopped=0
need
[ "${1:-}" != --needs ] || exit 0
program=${1:-}
if [ -z "$program" ]; then
	read_features
	program=$(built_binary)
fi
[ -x "$program" ] || die "there is no program to put into the image"
work=$(mktemp -d "${TMPDIR:-/tmp}/hitrate-image.XXXXXX") || die "no temporary folder"
trap clean EXIT
make_base
build || die "the image does not build"
configured '{{.OCIv1.Config.User}}' 10001:10001
configured '{{.OCIv1.Config.StopSignal}}' SIGTERM
configured '{{.OCIv1.Config.WorkingDir}}' /data
configured '{{.OCIv1.Config.Entrypoint}} {{.OCIv1.Config.Cmd}}' '[hitrate] [serve --listen 0.0.0.0:8080]'
configured '{{.OCIv1.Config.Volumes}}' 'map[/data:{}]'
configured '{{.Docker.Config.Healthcheck.Test}}' '[CMD hitrate healthcheck]'
run
[ $failed -eq 0 ] || exit 1
say "image: built with buildah, served as user $uid with a read-only root, stopped within $stopped ms"
