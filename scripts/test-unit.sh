#!/usr/bin/env bash
# Boots systemd in a container (systemd-nspawn, on a base made from Debian's packages) and runs deploy/hitrate.service in
# it, with the program that cargo built: the sandbox of the unit must not stop anything that hitrate does.
#
#   scripts/test-unit.sh [PROGRAM]   tests PROGRAM instead of building one
#
# Exit 0: passed. Exit 1: failed. Needs root and Linux; installs what is missing.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/debian-base.sh
. scripts/debian-base.sh

problem() {
	say "error: $*"
	failed=1
}

# in_machine COMMAND...: runs a command in the container.
in_machine() { nsenter --target "$init" --mount --uts --ipc --net --pid --cgroup "$@" </dev/null; }

unit() { in_machine systemctl show hitrate --value --property "$1"; }

# answers PATH: the status of a request to the service.
answers() { in_machine curl --silent --max-time 10 --output /dev/null --write-out '%{http_code}' "http://127.0.0.1:8080$1"; }

# within SECONDS COMMAND...: repeats a command until it succeeds.
within() {
	local tries=$1
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 1
	done
}

is_ready() { [ "$(answers /readyz)" = 200 ]; }
is_running() { in_machine systemctl is-active hitrate; }
has_restarted() { [ "$(unit NRestarts)" = 1 ] && is_ready; }

journal() { in_machine journalctl --unit hitrate --no-pager --output cat | tail -n 20 >&2; }

prepare() {
	local library
	mkdir "$machine"
	tar -C "$machine" -xf "$systemd_base" || return 1
	strip -o "$machine/usr/local/bin/hitrate" "$program" || return 1
	library=$(ldd "$program" | sed -n 's/.*libduckdb.so => \([^ ]*\) .*/\1/p')
	[ -z "$library" ] || cp "$library" "$machine/usr/lib/libduckdb.so" || return 1
	cp deploy/hitrate.service "$machine/etc/systemd/system/"
	install -m 600 deploy/hitrate.env.example "$machine/etc/hitrate.env"
	# There is no network but loopback, and nothing to wait for.
	ln -s /dev/null "$machine/etc/systemd/system/systemd-networkd-wait-online.service"
	# A demo makes the record before the first start. The service then has an upstream that does not answer.
	printf '[upstream]\nbase_url = "http://127.0.0.1:9"\n' >"$machine/etc/hitrate.toml"
	# Refused calls that hitrate can do without are debug messages.
	printf 'HITRATE_CONFIG=/etc/hitrate.toml\nHITRATE_LOG=hitrate=debug,warn\n' >>"$machine/etc/hitrate.env"
	mkdir "$machine/etc/systemd/system/hitrate.service.d"
	cat >"$machine/etc/systemd/system/hitrate.service.d/demo.conf" <<-'END'
		[Service]
		TimeoutStartSec=5min
		ExecStartPre=/bin/sh -c '[ -e hitrate.duckdb ] || exec hitrate --config /dev/null demo --once --days 1'
	END
}

boot() {
	systemd-nspawn --quiet --register=no --keep-unit --private-network --directory "$machine" --boot --console=pipe \
		</dev/null >"$work/boot.log" 2>&1 &
	nspawn=$!
	within 30 find_init || { tail -n 20 "$work/boot.log" >&2 && return 1; }
	within 60 in_machine systemctl is-system-running --wait || true
}

# The first process of the container is the child of systemd-nspawn that was booted.
find_init() {
	init=$(tr ' ' '\n' <"/proc/$nspawn/task/$nspawn/children" | while read -r child; do
		[ "$(cat "/proc/$child/comm" 2>/dev/null)" = systemd ] && echo "$child"
	done | head -n 1)
	[ -n "$init" ] && in_machine systemctl list-units
}

run() {
	local main line status owner started took
	in_machine systemctl start hitrate || {
		problem "the unit does not start:"
		journal
		return
	}
	within 60 is_ready || {
		problem "/readyz does not answer 200 within a minute:"
		journal
		return
	}
	main=$(unit MainPID)
	status=$(in_machine cat "/proc/$main/status" | tr -s '\t' ' ')
	for line in "CapEff: 0000000000000000" "CapBnd: 0000000000000000" "NoNewPrivs: 1" "Seccomp: 2"; do
		printf '%s\n' "$status" | grep -qxF "$line" || problem "the process does not have '$line'"
	done
	printf '%s\n' "$status" | grep -q '^Uid: 0 ' && problem "the process runs as root"
	for path in /usr/x /etc/x /var/x /var/lib/x /home/x; do
		in_machine nsenter --target "$main" --mount touch $path 2>/dev/null && problem "$path can be written"
	done
	owner=$(stat -c %u "$machine/var/lib/private/hitrate")
	[ "$owner" != 0 ] || problem "the data folder belongs to root"
	in_machine hitrate --data-dir /var/lib/hitrate healthcheck >/dev/null || problem "hitrate healthcheck fails"
	in_machine journalctl --unit hitrate --output cat --no-pager | grep -iE 'not permitted|permission denied|panicked' >&2 &&
		problem "the sandbox of the unit is in the way"

	in_machine systemctl kill --signal KILL hitrate
	within 90 has_restarted || {
		problem "a killed process is not started again within 90 s:"
		journal
	}
	started=$(date +%s%N)
	in_machine systemctl stop hitrate
	took=$((($(date +%s%N) - started) / 1000000))
	[ "$(unit Result) $(unit ExecMainStatus)" = "success 0" ] || problem "the stop ended with $(unit Result), exit code $(unit ExecMainStatus)"
	[ $took -lt 10000 ] || problem "the stop took $took ms, expected less than 10 s"
	[ $failed -ne 0 ] || say "unit: ran under $(in_machine systemctl --version | head -n 1), started again after a kill, stopped within $took ms"
}

clean() {
	if [ -n "$init" ]; then
		in_machine systemctl poweroff >/dev/null 2>&1
		within 30 eval '! kill -0 $nspawn' || kill -KILL "$nspawn"
	fi
	rm -rf "$work"
}

failed=0 init='' nspawn=''
[ "$(uname -s)" = Linux ] && [ "$(id -u)" = 0 ] || die "systemd is booted in a container, which needs root on Linux"
for tool in debootstrap strip systemd-nspawn; do
	have $tool || { apt_install debootstrap binutils systemd-container && break; }
done
program=${1:-}
if [ -z "$program" ]; then
	read_features
	program=$(built_binary)
fi
[ -x "$program" ] || die "there is no program to run"
work=$(mktemp -d "${TMPDIR:-/tmp}/hitrate-unit.XXXXXX") || die "no temporary folder"
machine=$work/hitrate-unit
trap clean EXIT
make_systemd_base
prepare || die "the container cannot be prepared"
boot || die "systemd does not boot in a container here"
run
exit $failed
