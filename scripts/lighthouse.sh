#!/usr/bin/env bash
# Runs Lighthouse over the front page and a model's page of a demo with a public address. Each category must reach the
# limit. Lighthouse comes from npm, at a pinned version, into the user's cache folder.
#   HITRATE_BIN=PATH   the program to look at (default: cargo builds it)
#   CHROMIUM=PATH      the browser (default: the first known name on the PATH)
# Exit 0: all scores reach the limit, or a tool is missing (the reason is printed). Exit 1: a score is too low.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

version=12.8.2
limit=95
# Scores of a busy machine vary: a page that misses the limit gets further runs.
runs=3

skip() {
	say "skipped: $1"
	exit 0
}

have node && have npm || skip "Node.js or npm is not installed (apt-get install nodejs npm)"
browser=${CHROMIUM:-}
for name in chromium chromium-browser google-chrome google-chrome-stable; do
	[ -n "$browser" ] || ! have "$name" || browser=$(command -v "$name")
done
[ -n "$browser" ] || skip "Chromium is not installed (apt-get install chromium)"

# The last file marks a complete installation.
tools=$cache/lighthouse-$version
if [ ! -f "$tools/complete" ]; then
	say "installing Lighthouse $version from npm into $tools"
	mkdir -p "$tools"
	npm install --prefix "$tools" --no-audit --no-fund --no-save "lighthouse@$version" >&2 </dev/null ||
		skip "npm could not install Lighthouse $version"
	touch "$tools/complete"
fi

measured_binary

work=$(mktemp -d)
server=
stop() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	[ -z "$server" ] || wait "$server" 2>/dev/null || true
	rm -rf "$work"
}
trap stop EXIT

# The public address contains the port, so the port is chosen before the server starts.
port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
base=http://127.0.0.1:$port
printf '[serve]\npublic_url = "%s"\n' "$base" >"$work/hitrate.toml"
HITRATE_LOG=error "$binary" --config "$work/hitrate.toml" --data-dir "$work/data" demo --listen "127.0.0.1:$port" \
	--days 12 --hour-every 3600 >"$work/server.log" 2>&1 &
server=$!
for _ in $(seq 240); do
	! curl -fsS -o /dev/null "$base/readyz" 2>/dev/null || break
	kill -0 "$server" 2>/dev/null || die "the demo ended:" "$(tail -n 5 "$work/server.log")"
	sleep 1
done
model=$(curl -fsS "$base/api/v1/models?limit=1" |
	node -e 'let t = ""; process.stdin.on("data", (d) => (t += d)).on("end", () => console.log(JSON.parse(t).data[0].model_id))')

# Prints the scores of a page, 0 to 100, one category a line.
scores() {
	CHROME_PATH=$browser "$tools/node_modules/.bin/lighthouse" "$base$1" --quiet --output=json --output-path="$work/report.json" \
		--chrome-flags="--headless=new --no-sandbox --disable-gpu" >&2
	node -e 'for (const one of Object.values(JSON.parse(require("fs").readFileSync(process.argv[1])).categories))
		console.log(`${Math.round(one.score * 100)} ${one.title}`)' "$work/report.json"
}

# The audits that cost points in the last report.
lost() {
	node -e 'const { audits, categories } = JSON.parse(require("fs").readFileSync(process.argv[1]));
		for (const { auditRefs } of Object.values(categories))
			for (const { id, weight } of auditRefs)
				if (weight > 0 && audits[id].score !== null && audits[id].score < 0.9) console.log(`    ${id}: ${audits[id].title} ${audits[id].displayValue ?? ""}`)' "$work/report.json"
}

failed=0
for page in / "/models/$model"; do
	for run in $(seq "$runs"); do
		found=$(scores "$page")
		low=$(awk -v limit="$limit" '$1 < limit' <<<"$found")
		[ -n "$low" ] || break
	done
	say "$page (run $run): $(paste -sd ',' <<<"$found" | sed 's/,/, /g')"
	if [ -n "$low" ]; then
		say "error: $page is below $limit: $(paste -sd ',' <<<"$low")"
		lost >&2
		failed=1
	fi
done
exit "$failed"
