#!/usr/bin/env bash
# Installs the tools for the live check of the receiver (tests/live/requirements.txt, from PyPI) into the user's cache folder, and prints
# that folder. Downloads nothing if everything is installed.
# Exit 0: everything is installed. Exit 3: something is missing (named on standard output), and this is not a CI run.
# With CI=true, the script installs what is missing; exit 1 if that fails.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

wanted=tests/live/requirements.txt
tools=$cache/live-tools-$(sha256_of "$wanted" | cut -c 1-16)

python_makes_venvs() { have python3 && python3 -c 'import ensurepip, venv' 2>/dev/null; }

if [ -f "$tools/complete" ]; then
	echo "$tools"
	exit 0
fi

if [ "${CI:-}" != true ]; then
	python_makes_venvs || { echo "python3 with venv is not installed" && exit 3; }
	echo "LiteLLM and the exporter of OpenTelemetry are not installed"
	exit 3
fi

python_makes_venvs || apt_install python3 python3-venv

# A virtual environment contains its own path, so it is created in its final place. The last file marks it as complete.
say "downloading the tools for the live check of the receiver into $tools (about 800 MB)"
rm -rf "$tools"
mkdir -p "$tools"
python3 -m venv "$tools/python" >&2 || die "python3 -m venv $tools/python failed"
"$tools/python/bin/pip" install --quiet --disable-pip-version-check -r "$wanted" >&2 </dev/null \
	|| die "pip install -r $wanted failed"
touch "$tools/complete"
find "$cache" -maxdepth 1 -name 'live-tools-*' ! -path "$tools" -mtime +30 -exec rm -rf {} +
echo "$tools"
