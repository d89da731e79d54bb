#!/usr/bin/env bash
# Replays the recorded days of the real upstream in order, and prints the cost of each: wall time, peak memory,
# connections, sizes. Then rebuilds everything from the archive and compares the results. Prints figures, not verdicts.
# The recorded days are not part of the repository: the script looks for them next to the checkout, or in
# HITRATE_RECORDED.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

skip() { say "skipped: replay of recorded days ($1)" && exit 0; }

recorded=${HITRATE_RECORDED:-$root/../shared/openrouter}
server_script=$recorded/replay/serve.py
have python3 || skip "python3 is not installed (Debian, Ubuntu: apt-get install python3)"
[ -f "$server_script" ] && [ -d "$recorded/recorded" ] || skip \
	"$recorded does not contain recorded/ and replay/serve.py; set HITRATE_RECORDED=DIR to use another folder"

measured_binary

work=$(mktemp -d)
server=''
finish() {
	if [ -n "$server" ]; then
		kill "$server" 2>/dev/null || true
		wait "$server" 2>/dev/null || true
	fi
	rm -rf "$work"
}
trap finish EXIT

now_ms() { echo $(($(date +%s%N) / 1000000)); }
seconds() { awk -v ms="$1" 'BEGIN { printf "%.1f", ms / 1000 }'; }
mib() { awk -v bytes="$1" 'BEGIN { printf "%.1f", bytes / 1048576 }'; }
bytes_of() { find "$1" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum + 0 }'; }
quiet_hitrate() { HITRATE_LOG=error "$binary" "$@"; }

# measure OUT COMMAND...: runs COMMAND with its output in OUT; sets exit_code, wall_ms and peak_kib (peak memory of the
# command itself). GNU time is exact; without it, /proc is read every 20 ms, which can miss a short peak.
measure() {
	local out=$1 started child seen
	shift
	started=$(now_ms) exit_code=0 peak_kib=0
	if [ -x /usr/bin/time ]; then
		/usr/bin/time -q -o "$work/time" -f %M "$@" >"$out" || exit_code=$?
		peak_kib=$(tail -n 1 "$work/time")
	else
		"$@" >"$out" &
		child=$!
		while seen=$(awk '/^VmHWM/ { print $2 }' "/proc/$child/status" 2>/dev/null); do
			[ -z "$seen" ] || peak_kib=$seen
			sleep 0.02
		done
		wait "$child" || exit_code=$?
	fi
	wall_ms=$(($(now_ms) - started))
}

# json FILE EXPRESSION: prints the value of an expression over a JSON document, which is named `d`.
json() { python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$1" "$2"; }

# control METHOD PATH OUT: sends a control request to the replay server.
control() {
	python3 -c 'import sys, urllib.request as u
print(u.urlopen(u.Request(sys.argv[2], method=sys.argv[1])).read().decode())' "$1" "$url$2" >"$3"
}

python3 "$server_script" --data "$recorded/recorded" >"$work/server" 2>"$work/server.log" &
server=$!
url=''
for _ in $(seq 100); do
	url=$(sed -n 's/^listening \(http:[^ ]*\).*/\1/p' "$work/server")
	[ -z "$url" ] || break
	kill -0 "$server" 2>/dev/null || die "the replay server ended: $(tail -n 1 "$work/server.log")"
	sleep 0.1
done
[ -n "$url" ] || die "the replay server did not start within 10 s"

data=$work/data
control GET /_replay/days "$work/days"
days=$(json "$work/days" '" ".join(d["days"])')
say "machine: $(nproc) cores, $(awk '/^MemTotal/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo) GiB; load $(cut -d ' ' -f 1 /proc/loadavg)"
printf '| day | status | window | wall s | of which start and publish s | peak MiB | requests | documents | readings | store MiB | archive MiB |\n'
printf '|---|---|---|---|---|---|---|---|---|---|---|\n'
failed=0
for day in $days; do
	control POST "/_replay/day/$day" "$work/day"
	at=$(json "$work/day" 'd["observed_at"]')
	measure "$work/run" env HITRATE_LOG=error "$binary" --data-dir "$data" --json collect --upstream "$url" --at "$at" --rate 0
	if [ "$exit_code" != 0 ]; then
		say "error: the run of $day ended with exit code $exit_code"
		failed=1
		[ -s "$work/run" ] || continue
	fi
	# The report measures from the first request to the stored run; the rest is start, analysis, publication and checkpoint.
	collect_ms=$(json "$work/run" 'd["duration_ms"]')
	printf '| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n' "$day" \
		"$(json "$work/run" 'd["status"]')" "$(json "$work/run" 'd["window_kind"]')" \
		"$(seconds "$wall_ms")" "$(seconds $((wall_ms - collect_ms)))" "$(mib $((peak_kib * 1024)))" \
		"$(json "$work/run" 'd["requests"]')" "$(json "$work/run" 'd["documents"]')" "$(json "$work/run" 'd["readings"]')" \
		"$(mib "$(stat -c %s "$data/hitrate.duckdb")")" "$(mib "$(bytes_of "$data/archive")")"
done

control GET /_replay/stats "$work/stats"
measure "$work/replayed" env HITRATE_LOG=error "$binary" --data-dir "$data" --json replay --into "$work/again"
[ "$exit_code" = 0 ] || { say "error: the replay ended with exit code $exit_code" && failed=1; }
span=(--from 2000-01-01T00:00:00Z --to 2100-01-01T00:00:00Z --format csv)
quiet_hitrate --data-dir "$data" export readings "${span[@]}" --out "$work/one.csv"
quiet_hitrate --data-dir "$work/again" export readings "${span[@]}" --out "$work/two.csv"
same() { if cmp -s "$1" "$2"; then echo "identical, byte for byte"; else echo DIFFERENT; fi; }
tiers=''
for lens in cache cost reliability speed overall; do
	quiet_hitrate --data-dir "$data" --json tiers --lens "$lens" >"$work/tiers.one"
	quiet_hitrate --data-dir "$work/again" --json tiers --lens "$lens" >"$work/tiers.two"
	cmp -s "$work/tiers.one" "$work/tiers.two" || tiers+=" $lens"
done

printf '\n| figure | value |\n|---|---|\n'
printf '| most requests in flight (as counted by the replay server) | %s |\n' "$(json "$work/stats" 'd["peak_in_flight"]')"
printf '| most requests in one second | %s |\n' "$(json "$work/stats" 'd["peak_requests_in_one_second"]')"
printf '| store, MiB | %s |\n' "$(mib "$(stat -c %s "$data/hitrate.duckdb")")"
printf '| archive, MiB | %s |\n' "$(mib "$(bytes_of "$data/archive")")"
printf '| current snapshot, MiB | %s |\n' "$(mib "$(stat -c %s "$data/snapshots/$(cat "$data/snapshots/current").json.zst")")"
printf '| `replay --into`, s | %s |\n' "$(seconds "$wall_ms")"
printf '| `replay --into`, peak MiB | %s |\n' "$(mib $((peak_kib * 1024)))"
printf '| store after the replay, MiB | %s |\n' "$(mib "$(stat -c %s "$work/again/hitrate.duckdb")")"
printf '| exported rows | %s |\n' "$(($(wc -l <"$work/one.csv") - 1))"
printf '| exported readings after the replay | %s |\n' "$(same "$work/one.csv" "$work/two.csv")"
printf '| tier lists after the replay | %s |\n' "$([ -z "$tiers" ] && echo 'identical for all lenses' || echo "DIFFERENT:$tiers")"
cmp -s "$work/one.csv" "$work/two.csv" && [ -z "$tiers" ] || failed=1
exit "$failed"
