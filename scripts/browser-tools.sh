#!/usr/bin/env bash
# Makes sure that the browser checks can run: Node, Chromium, and the pinned playwright-core.
# Exit 0: all there. Exit 3: something is missing (named on standard output), and this is no CI run.
# With CI=true it installs what is missing by name; exit 1 if that fails.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

find_chromium() {
	[ -n "${CHROMIUM:-}" ] && have "$CHROMIUM" && return
	local name
	for name in chromium chromium-browser google-chrome google-chrome-stable; do have "$name" && return; done
	return 1
}

# The version in the lock file is the one that must be installed.
playwright_is_installed() {
	local wanted found
	wanted=$(package_version tests/browser/package-lock.json 'node_modules/playwright-core')
	found=$(package_version tests/browser/node_modules/.package-lock.json 'node_modules/playwright-core')
	[ -n "$wanted" ] && [ "$wanted" = "$found" ]
}

package_version() {
	[ -f "$1" ] && sed -n "\|\"$2\"|,/}/s/.*\"version\": \"\([^\"]*\)\".*/\1/p" "$1" | head -n 1
}

if [ "${CI:-}" = true ]; then
	have node || apt_install nodejs
	have npm || apt_install npm
	find_chromium || apt_install chromium fonts-dejavu-core
	playwright_is_installed || npm ci --prefix tests/browser --no-audit --no-fund >&2 </dev/null \
		|| die "npm ci in tests/browser failed"
	exit 0
fi

have node || { echo "Node.js is not installed" && exit 3; }
find_chromium || { echo "Chromium is not installed" && exit 3; }
playwright_is_installed || { echo "playwright-core is not installed in tests/browser" && exit 3; }
