#!/usr/bin/env bash
# Installs what the API is checked with (tests/api/requirements.txt, from PyPI) into the user's cache folder, and prints
# that folder. Nothing is fetched when all is there.
# Exit 0: all there. Exit 3: something is missing (named on standard output), and this is no CI run.
# With CI=true it installs what is missing by name; exit 1 if that fails.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

wanted=tests/api/requirements.txt
tools=$cache/api-tools-$(sha256_of "$wanted" | cut -c 1-16)

python_makes_venvs() { have python3 && python3 -c 'import ensurepip, venv' 2>/dev/null; }

if [ -f "$tools/complete" ]; then
	echo "$tools"
	exit 0
fi

if [ "${CI:-}" != true ]; then
	python_makes_venvs || { echo "python3 with venv is not installed" && exit 3; }
	echo "schemathesis is not fetched"
	exit 3
fi

python_makes_venvs || apt_install python3 python3-venv

# A virtual environment knows its own path, so it is made in its place. The last file tells that all is there.
say "fetching what the API is checked with, into $tools (about 100 MB)"
rm -rf "$tools"
mkdir -p "$tools"
python3 -m venv "$tools/python" >&2 || die "python3 -m venv $tools/python failed"
"$tools/python/bin/pip" install --quiet --disable-pip-version-check -r "$wanted" >&2 </dev/null \
	|| die "pip install -r $wanted failed"
touch "$tools/complete"
find "$cache" -maxdepth 1 -name 'api-tools-*' ! -path "$tools" -mtime +30 -exec rm -rf {} +
echo "$tools"
