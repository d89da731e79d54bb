#!/usr/bin/env bash
# Downloads the programs, types and schemas that preference texts are checked against, at pinned versions, into the
# user's cache folder, and prints that folder. Downloads nothing if everything is installed.
# Exit 0: everything is installed. Exit 3: something is missing (named on standard output), and this is not a CI run.
# With CI=true, the script installs what is missing; exit 1 if that fails.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/target-install.sh
. "$(dirname "$0")/target-install.sh"

node_minor=20

from=tests/targets
wanted=$(cat "$from"/package.json "$from"/package-lock.json "$from"/requirements.txt <(echo "$aider $n8n $hermes") |
	{ if have sha256sum; then sha256sum; else shasum -a 256; fi; } | cut -c 1-16)
tools=$cache/target-tools-$wanted

node_is_new() { have node && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge "$node_minor" ]; }

if [ -f "$tools/complete" ]; then
	echo "$tools"
	exit 0
fi

if [ "${CI:-}" != true ]; then
	node_is_new || { echo "Node.js $node_minor or newer is not installed" && exit 3; }
	python_makes_venvs || { echo "python3 with venv is not installed" && exit 3; }
	echo "the programs for the checks are not installed"
	exit 3
fi

node_is_new || apt_install nodejs
have npm || apt_install npm
python_makes_venvs || apt_install python3 python3-venv
node_is_new || die "Node.js $node_minor or newer is needed, this is $(node --version)"

# The last file marks the folder as complete.
say "downloading the programs for the checks of preference texts into $tools (about 1.5 GB, a few minutes)"
rm -rf "$tools"
mkdir -p "$tools/node"
cp "$from"/package.json "$from"/package-lock.json "$from"/.npmrc "$tools/node/"
npm ci --prefix "$tools/node" --ignore-scripts --no-audit --no-fund >&2 </dev/null || die "npm ci of $from failed"
n8n_tools "$tools" "$n8n"
python_tools "$tools" "$from/requirements.txt" "$aider" "$hermes"
touch "$tools/complete"
# Remove tools of other versions, which this checkout no longer uses.
find "$cache" -maxdepth 1 -name 'target-tools-*' ! -path "$tools" -mtime +30 -exec rm -rf {} +
echo "$tools"
