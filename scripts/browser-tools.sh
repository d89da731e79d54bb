#!/usr/bin/env bash
# Makes sure that the tools for the browser checks are installed: Node, Chromium, and the pinned npm packages.
# Exit 0: everything is installed. Exit 3: something is missing (named on standard output), and this is not a CI run.
# With CI=true, the script installs what is missing; exit 1 if that fails.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

find_chromium() {
	[ -n "${CHROMIUM:-}" ] && have "$CHROMIUM" && return
	local name
	for name in chromium chromium-browser google-chrome google-chrome-stable; do have "$name" && return; done
	return 1
}

# The installed versions must match the lock file.
packages=(playwright-core axe-core html-validate)

package_version() {
	[ -f "$1" ] && sed -n "\|\"node_modules/$2\"|,/}/s/.*\"version\": \"\([^\"]*\)\".*/\1/p" "$1" | head -n 1
}

# Prints the first package whose installed version does not match the lock file; nothing if all match.
missing_package() {
	local name wanted found
	for name in "${packages[@]}"; do
		wanted=$(package_version tests/browser/package-lock.json "$name")
		found=$(package_version tests/browser/node_modules/.package-lock.json "$name")
		[ -n "$wanted" ] && [ "$wanted" = "$found" ] || { echo "$name" && return; }
	done
}

if [ "${CI:-}" = true ]; then
	have node || apt_install nodejs
	have npm || apt_install npm
	find_chromium || apt_install chromium fonts-dejavu-core
	[ -z "$(missing_package)" ] || npm ci --prefix tests/browser --no-audit --no-fund >&2 </dev/null \
		|| die "npm ci in tests/browser failed"
	exit 0
fi

have node || { echo "Node.js is not installed" && exit 3; }
find_chromium || { echo "Chromium is not installed" && exit 3; }
package=$(missing_package)
[ -z "$package" ] || { echo "$package is not installed in tests/browser" && exit 3; }
