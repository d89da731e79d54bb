#!/usr/bin/env bash
# Fetches the programs, types and schemas that the texts of preferences are checked against, at pinned versions, into
# the user's cache folder, and prints that folder. Nothing is fetched when all is there.
# Exit 0: all there. Exit 3: something is missing (named on standard output), and this is no CI run.
# With CI=true it installs what is missing by name; exit 1 if that fails.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

# Without its dependencies: it pins an older LiteLLM than the one that is checked.
aider=aider-chat==0.86.2
node_minor=20

from=tests/targets
wanted=$(cat "$from"/package.json "$from"/package-lock.json "$from"/requirements.txt <(echo "$aider") |
	{ if have sha256sum; then sha256sum; else shasum -a 256; fi; } | cut -c 1-16)
tools=$cache/target-tools-$wanted

node_is_new() { have node && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge "$node_minor" ]; }
python_makes_venvs() { have python3 && python3 -c 'import ensurepip, venv' 2>/dev/null; }

if [ -f "$tools/complete" ]; then
	echo "$tools"
	exit 0
fi

if [ "${CI:-}" != true ]; then
	node_is_new || { echo "Node.js $node_minor or newer is not installed" && exit 3; }
	python_makes_venvs || { echo "python3 with venv is not installed" && exit 3; }
	echo "the programs to check with are not fetched"
	exit 3
fi

node_is_new || apt_install nodejs
have npm || apt_install npm
python_makes_venvs || apt_install python3 python3-venv
node_is_new || die "Node.js $node_minor or newer is needed, this is $(node --version)"

# Built elsewhere and renamed is no way here: a virtual environment knows its own path. The last file tells all is there.
say "fetching what the texts of preferences are checked with, into $tools (about 1 GB, a few minutes)"
rm -rf "$tools"
mkdir -p "$tools/node"
cp "$from"/package.json "$from"/package-lock.json "$from"/.npmrc "$tools/node/"
npm ci --prefix "$tools/node" --ignore-scripts --no-audit --no-fund >&2 </dev/null || die "npm ci of $from failed"
python3 -m venv "$tools/python" >&2 || die "python3 -m venv $tools/python failed"
pip() { "$tools/python/bin/pip" install --quiet --disable-pip-version-check "$@" >&2 </dev/null; }
pip -r "$from/requirements.txt" || die "pip install -r $from/requirements.txt failed"
pip --no-deps "$aider" || die "pip install $aider failed"
touch "$tools/complete"
# Tools of other versions than this checkout's are of no more use to it.
find "$cache" -maxdepth 1 -name 'target-tools-*' ! -path "$tools" -mtime +30 -exec rm -rf {} +
echo "$tools"
