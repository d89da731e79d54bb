#!/usr/bin/env bash
# Puts mixed load on one server for an hour, while it sweeps and publishes every 15 seconds, is backed up, and has slow
# clients. First it finds the rate of a server that does nothing else, with as many requests as fit. Then it finds the
# highest share of that rate at which there are no errors and the publications keep their pace: sweeps and publications
# run at low priority, so a machine that is busy with requests alone delays them. It measures the 99th percentile of
# latency at that same rate without sweeps, and then for an hour with them. It prints figures as tables.
#
# Exits with 1 if a request fails, if publications are late, if memory grows by more than 5 % or open files grow after the
# first ten minutes (only in runs of at least 20 minutes), or if the 99th percentile is more than twice that of the quiet
# server.
#
# Needs wrk and curl (Debian: apt-get install wrk curl). With HITRATE_BIN, the script measures that binary and builds
# nothing. HITRATE_LOAD_MINUTES (default 60) is the duration of the load; HITRATE_LOAD_PERCENT is the share, if it is not
# to be searched for.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

skip() { say "skipped: load ($1)" && exit 0; }
have wrk || skip "wrk is not installed (Debian: apt-get install wrk)"
have curl || skip "curl is not installed"
[ -r /proc/self/smaps_rollup ] || skip "memory and open files are read from /proc, which this system does not have"

minutes=${HITRATE_LOAD_MINUTES:-60}
# Seconds between publications: 240 an hour.
hour_every=15
# Length of one measurement under load, seconds.
step=10
# Connections of the load with a limited rate.
connections=32
slow_clients=40

measured_binary

work_folder

# The load comes from one address, so a limit for each client would refuse it.
printf '[serve]\nrequests_per_minute = 0\n' >"$work/hitrate.toml"

# Writes the script of the load for the server at $url: pages, data, feeds, 304s, preferences, and costs of workloads that
# no one requested before.
write_mix() {
	local models providers etag
	models=$(curl -fsS "$url/sitemap.xml" | grep -o '/models/[^/<]*/[^/<]*<' | tr -d '<' | sort -u | head -n 12)
	providers=$(curl -fsS "$url/sitemap.xml" | grep -o '/providers/[^/<]*<' | tr -d '<' | sort -u | head -n 8)
	[ -n "$models" ] && [ -n "$providers" ] || die "the demo has no models or no providers"
	etag=$(curl -fsS -D - -o /dev/null "$url/api/v1/tiers" | tr -d '\r' | sed -n 's/^[Ee][Tt][Aa][Gg]: //p')
	{
		printf 'local paths = {\n'
		printf '  "%s",\n' / /models /providers /status /method /changes /share /changes.atom /changes.feed.json \
			/api/v1/tiers /api/v1/models /api/v1/providers /api/v1/status /api/v1/changes '/?lens=cost' '/search?q=a' \
			'/api/v1/preferences?mode=shortlist' '/api/v1/endpoints?format=csv'
		local path
		for path in $models; do
			printf '  "%s",\n' "$path" "/api/v1$path" "/api/v1/preferences/${path#/models/}"
		done
		for path in $providers; do printf '  "%s",\n' "$path" "/api/v1$path"; done
		printf '}\nlocal costs = {\n'
		for path in $models; do printf '  "/api/v1/cost/%s",\n' "${path#/models/}"; done
		printf '}\nlocal etag = %s\n' "'$etag'"
		cat <<-'LUA'
			-- Milliseconds between an answer and the next request, on average; 0 is as fast as possible.
			local pause = tonumber(os.getenv("LOAD_PAUSE") or "0")
			if pause > 0 then
			  function delay() return math.random(0, 2 * pause) end
			end
			local thread_number = 0
			function setup(thread)
			  thread:set("number", thread_number)
			  thread_number = thread_number + 1
			end
			local sent, salt = 0, 0
			function init(args)
			  math.randomseed(os.time() + number * 7919)
			  salt = math.random(1, 1000000)
			end
			function request()
			  sent = sent + 1
			  local headers = { ["Accept-Encoding"] = (sent % 3 == 0) and "br" or "gzip" }
			  if sent % 8 == 0 then
			    -- No one requested these before.
			    local turns = 2 + (sent + salt) % 400
			    local prefix = 1000 + (sent * 31 + salt * 17 + number * 7) % 90000
			    return wrk.format("GET", costs[1 + sent % #costs] .. "?turns=" .. turns .. "&first_prompt=" .. prefix, headers)
			  end
			  if sent % 5 == 0 then
			    headers["If-None-Match"] = etag
			    return wrk.format("GET", "/api/v1/tiers", headers)
			  end
			  return wrk.format("GET", paths[1 + sent % #paths], headers)
			end
		LUA
	} >"$work/mix.lua"
	check_mix
}

# Every address of the load has to answer, or errors under load would mean nothing.
check_mix() {
	local path status
	sed -n 's/^  "\(.*\)",$/\1/p' "$work/mix.lua" | while read -r path; do
		case "$path" in /api/v1/cost/*) path="$path?turns=7&first_prompt=12345" ;; esac
		status=$(curl -sS -o /dev/null -w '%{http_code}' "$url$path")
		[ "$status" = 200 ] || die "$path of the load answers $status"
	done
}

# load CONNECTIONS SECONDS PAUSE: prints requests per second, the 99th percentile in milliseconds, and the number of errors.
load() {
	LOAD_PAUSE=$3 wrk -t2 -c"$1" -d "${2}s" --timeout 10s --latency -s "$work/mix.lua" "$url" >"$work/wrk.out" 2>&1 ||
		die "wrk failed:" "$(tail -n 3 "$work/wrk.out")"
	awk '
		/^Requests\/sec:/ { rate = $2 }
		$1 == "99%" { p99 = $2 }
		/Non-2xx/ { errors += $NF }
		/Socket errors:/ { gsub(",", ""); errors += $4 + $6 + $8 + $10 }
		END {
			unit = p99; sub(/[0-9.]+/, "", unit); p99 += 0
			if (unit == "us") p99 /= 1000; else if (unit == "s") p99 *= 1000; else if (unit == "m") p99 *= 60000
			printf "%.0f %.2f %d\n", rate, p99, errors
		}' "$work/wrk.out"
}

resident() { awk '/^VmRSS:/ { print $2 }' "/proc/$pid/status"; }
open_files() { find "/proc/$pid/fd" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# Clients that send half a request, or that do not read what they requested; new ones take the place of those cut off.
slow_clients() {
	local address=${url#http://} descriptor number
	local host=${address%:*} port=${address##*:}
	while kill -0 "$1" 2>/dev/null; do
		local held=()
		for ((number = 0; number < slow_clients; number++)); do
			# Each is a subshell, so that a connection that the server closes ends that one alone.
			(
				{ exec {descriptor}<>"/dev/tcp/$host/$port"; } 2>/dev/null || exit 0
				trap '' PIPE
				if ((number % 2)); then
					printf 'GET / HTTP/1.1\r\nHost: loc' >&"$descriptor" 2>/dev/null || true
				else
					for _ in 1 2 3 4 5 6 7 8; do
						printf 'GET /api/v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n' >&"$descriptor" 2>/dev/null || true
					done
				fi
				sleep 20
			) &
			held+=($!)
		done
		wait "${held[@]}" || true
	done
}

published() { grep -c ' published' "$work/busy.err" || true; }
# The pause of each connection, in milliseconds, for a share of the full rate in percent.
pause_for() { awk -v c="$connections" -v rate="$full_rate" -v share="$1" 'BEGIN { printf "%.0f", c * 100000 / (rate * share) }'; }

start_demo quiet 86400 --config "$work/hitrate.toml"
write_mix
full_rate=0
echo "| as fast as possible: connections | requests/s | p99, ms | errors |"
echo "|---|---|---|---|"
for number in 2 8 32 128; do
	read -r rate p99 errors < <(load "$number" 5 0)
	echo "| $number | $rate | $p99 | $errors |"
	if [ "$errors" = 0 ] && [ "$rate" -gt "$full_rate" ]; then full_rate=$rate; fi
done
[ "$full_rate" -gt 0 ] || die "no rate holds without errors"
echo
kill -STOP "$pid"
quiet_pid=$pid quiet_url=$url

start_demo busy "$hour_every" --config "$work/hitrate.toml"
write_mix
slow_clients "$pid" &
pids+=($!)
share=${HITRATE_LOAD_PERCENT:-}
if [ -z "$share" ]; then
	echo "| share of that rate, with $connections connections | requests/s | p99, ms | errors | publications in a minute |"
	echo "|---|---|---|---|---|"
	for share in 90 80 70 60 50 40 30 20; do
		before=$(published)
		read -r rate p99 errors < <(load "$connections" 60 "$(pause_for "$share")")
		count=$(($(published) - before))
		echo "| $share % | $rate | $p99 | $errors | $count |"
		if [ "$errors" = 0 ] && [ "$count" -ge "$((60 / hour_every - 1))" ]; then break; fi
	done
	echo
fi
pause=$(pause_for "$share")
kill -STOP "$pid"
kill -CONT "$quiet_pid"
busy_url=$url url=$quiet_url
write_mix
: >"$work/figures-quiet"
for _ in 1 2 3 4 5 6; do load "$connections" "$step" "$pause" >>"$work/figures-quiet"; done
quiet_p99=$(cut -d ' ' -f 2 "$work/figures-quiet" | median) quiet_rate=$(cut -d ' ' -f 1 "$work/figures-quiet" | median)
quiet_errors=$(awk '{ n += $3 } END { print n }' "$work/figures-quiet")
kill "$quiet_pid" && wait "$quiet_pid" || true
url=$busy_url
kill -CONT "$pid"
write_mix

"$binary" backup --help >/dev/null || die "$binary has no backup"
backups=0 failed_backups=0
: >"$work/figures-busy" >"$work/memory" >"$work/files"
published_before=$(published)
steps=$((minutes * 60 / step))
[ "$steps" -ge 6 ] || steps=6
warm=$((600 / step))
[ "$warm" -le "$((steps / 3))" ] || warm=$((steps / 3))
for ((number = 1; number <= steps; number++)); do
	if ((number % 30 == 3)); then
		backups=$((backups + 1))
		rm -rf "$work/backup"
		"$binary" --data-dir "$work/busy" backup "$work/backup" >"$work/backup.out" 2>&1 ||
			failed_backups=$((failed_backups + 1))
	fi
	load "$connections" "$step" "$pause" >>"$work/figures-busy"
	echo "$number $(resident)" >>"$work/memory"
	echo "$number $(open_files)" >>"$work/files"
	kill -0 "$pid" 2>/dev/null || die "the server ended:" "$(tail -n 5 "$work/busy.err")"
done

published=$(($(published) - published_before))
busy_p99=$(cut -d ' ' -f 2 "$work/figures-busy" | median) busy_rate=$(cut -d ' ' -f 1 "$work/figures-busy" | median)
busy_errors=$(awk '{ n += $3 } END { print n + 0 }' "$work/figures-busy")
requests=$(awk -v step="$step" '{ n += $1 * step } END { printf "%.0f", n }' "$work/figures-busy")
# Means of the fifth part after the warm-up and of the last fifth: one value depends on where a publication is.
part() {
	awk -v warm="$warm" -v steps="$steps" -v which="$2" '
		BEGIN { size = int((steps - warm) / 5); if (size < 1) size = 1 }
		which == "first" && $1 > warm && $1 <= warm + size { n += $2; c++ }
		which == "last" && $1 > steps - size { n += $2; c++ }
		END { printf "%.1f", n / c }' "$work/$1"
}
memory_first=$(part memory first) memory_last=$(part memory last)
files_first=$(part files first) files_last=$(part files last)

echo "| under load for $((steps * step)) s with $connections connections at $share % of the full rate and $slow_clients slow clients | value |"
echo "|---|---|"
echo "| requests | $requests |"
echo "| errors | $busy_errors |"
echo "| publications | $published |"
echo "| backups (of which failed) | $backups ($failed_backups) |"
echo "| requests/s: quiet, busy | $quiet_rate, $busy_rate |"
echo "| 99th percentile, ms: quiet, busy | $quiet_p99, $busy_p99 |"
awk -v q="$quiet_p99" -v b="$busy_p99" 'BEGIN { printf "| ratio of the two | %.2f |\n", b / q }'
awk -v f="$memory_first" -v l="$memory_last" -v s="$((warm * step))" 'BEGIN {
	printf "| resident memory after %d s, at the end, MiB | %.1f, %.1f (%+.1f %%) |\n", s, f / 1024, l / 1024, (l / f - 1) * 100 }'
echo "| open files after $((warm * step)) s, at the end | $files_first, $files_last |"

status=0
fail() { say "error: $1" && status=1; }
exceeds() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > b) }'; }
[ "$((busy_errors + quiet_errors))" = 0 ] || fail "$busy_errors requests failed under load, $quiet_errors on the quiet server"
[ "$failed_backups" = 0 ] || fail "$failed_backups backups failed: $(tail -n 1 "$work/backup.out")"
# The first one of the hour may belong to the time before it.
expected=$((steps * step / hour_every * 5 / 6 - 1))
[ "$published" -ge "$expected" ] || fail "$published publications instead of at least $expected"
# In a short run, the caches are still filling.
[ "$((steps * step))" -lt 1200 ] || ! exceeds "$memory_last" "$(awk -v m="$memory_first" 'BEGIN { print m * 1.05 }')" || fail "memory grew by more than 5 %"
# wrk opens its connections again for each step, so a few more or less mean nothing.
[ "$((steps * step))" -lt 1200 ] || ! exceeds "$files_last" "$(awk -v f="$files_first" 'BEGIN { print f + 16 }')" || fail "open files grew"
! exceeds "$busy_p99" "$(awk -v q="$quiet_p99" 'BEGIN { print q * 2 }')" || fail "the 99th percentile is more than twice that of the quiet server"
! grep -q ' panicked at ' "$work/busy.err" || fail "the log has a panic: $(grep ' panicked at ' "$work/busy.err" | head -n 1)"
exit $status
