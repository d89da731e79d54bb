#!/usr/bin/env bash
# Serves the same prepared bytes with hitrate and with nginx on the same machine, load-tests both in turn, and prints the
# ratios: requests per second, and the 99th percentile of latency, both idle and while sweeps and publications run.
# Prints figures, not verdicts.
#
# Needs nginx and wrk (Debian: apt-get install nginx-light wrk). With HITRATE_BIN, the script measures that binary and
# builds nothing. ROUNDS (default 3) and SECONDS_EACH (default 5) set the number and the duration of the rounds.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

skip() { say "skipped: comparison with nginx ($1)" && exit 0; }
PATH=$PATH:/usr/sbin
have nginx || skip "nginx is not installed (Debian: apt-get install nginx-light)"
have wrk || skip "wrk is not installed (Debian: apt-get install wrk)"
have curl || skip "curl is not installed"

rounds=${ROUNDS:-3} each=${SECONDS_EACH:-5}
measured_binary

work_folder
# If root starts nginx, its worker runs as another user.
chmod 755 "$work"

stop() {
	kill "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

# load URL: prints wrk's requests per second and the 99th percentile in milliseconds, on one line.
load() {
	wrk -t1 -c32 -d "${each}s" --latency -H 'Accept-Encoding: gzip' "$1" | awk '
		/^Requests\/sec:/ { rate = $2 }
		$1 == "99%" { p99 = $2 }
		/Non-2xx/ { bad = 1 }
		END {
			unit = p99; sub(/[0-9.]+/, "", unit); p99 += 0
			if (unit == "us") p99 /= 1000; else if (unit == "s") p99 *= 1000
			if (bad) { print "refused refused"; exit }
			printf "%.0f %.3f\n", rate, p99
		}'
}

# Stores exactly the bytes that hitrate sends for nginx to serve.
give_to_nginx() {
	local path=$1 file=$2
	mkdir -p "$work/www"
	curl -fsS "$url$path" -o "$work/www/$file"
	curl -fsS -H 'Accept-Encoding: gzip' "$url$path" -o "$work/www/$file.gz"
}

start_nginx() {
	port=$((20000 + RANDOM % 20000))
	cat >"$work/nginx.conf" <<-CONF
		worker_processes 1;
		daemon off;
		pid $work/nginx.pid;
		error_log $work/nginx.err;
		events { worker_connections 512; }
		http {
		  access_log off;
		  sendfile on;
		  tcp_nopush on;
		  keepalive_timeout 60;
		  keepalive_requests 100000000;
		  gzip_static on;
		  types { text/html html; application/json json; }
		  server { listen 127.0.0.1:$port; root $work/www; }
		}
	CONF
	nginx -c "$work/nginx.conf" 2>>"$work/nginx.err" &
	pids+=($!)
	sleep 1
	curl -fsS "http://127.0.0.1:$port/front.html" -o /dev/null || die "nginx does not respond:" "$(cat "$work/nginx.err")"
}

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# beside NAME PATH FILE: loads both servers in turn and prints the medians and their ratio as a row of the table.
beside() {
	local name=$1 path=$2 file=$3 round ours theirs
	: >"$work/ours" >"$work/theirs"
	for ((round = 0; round < rounds; round++)); do
		load "http://127.0.0.1:$port/$file" >>"$work/theirs"
		load "$url$path" >>"$work/ours"
	done
	! grep -q refused "$work/ours" "$work/theirs" || die "$path was refused under load"
	ours=$(cut -d ' ' -f 1 "$work/ours" | median) theirs=$(cut -d ' ' -f 1 "$work/theirs" | median)
	awk -v name="$name" -v ours="$ours" -v theirs="$theirs" -v bytes="$(stat -c %s "$work/www/$file.gz")" 'BEGIN {
		printf "| `%s` | %d | %d | %d | %.2f |\n", name, bytes, ours, theirs, ours / theirs }'
}

start_demo quiet 86400
give_to_nginx / front.html
give_to_nginx /api/v1/tiers tiers.json
start_nginx
echo "| address | bytes (gzip) | hitrate, requests/s | nginx, requests/s | ratio |"
echo "|---|---|---|---|---|"
beside / / front.html
beside /api/v1/tiers /api/v1/tiers tiers.json

: >"$work/p99-quiet" >"$work/p99-busy"
quiet_url=$url
for ((round = 0; round < rounds; round++)); do load "$quiet_url/" >>"$work/p99-quiet"; done
stop "$pid"
# A simulated hour takes three seconds: a sweep of the whole upstream, in the same process, and a publication.
start_demo busy 3
for ((round = 0; round < rounds; round++)); do load "$url/" >>"$work/p99-busy"; done
published=$(grep -c ' published' "$work/busy.err" || true)
stop "$pid"
quiet=$(cut -d ' ' -f 2 "$work/p99-quiet" | median) busy=$(cut -d ' ' -f 2 "$work/p99-busy" | median)
echo
echo "| 99th percentile of \`/\` under load | ms |"
echo "|---|---|"
echo "| quiet | $quiet |"
echo "| while sweeps and publications run ($published publications) | $busy |"
awk -v quiet="$quiet" -v busy="$busy" 'BEGIN { printf "| ratio | %.2f |\n", busy / quiet }'
