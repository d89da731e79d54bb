#!/usr/bin/env bash
# Installs the tools for the live check of the receiver (tests/live/requirements.txt, from PyPI) into the user's cache folder, and prints
# that folder. Exit codes as `python_tools` in lib.sh: 0 installed, 1 failed, 3 missing and not a CI run.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

python_tools live-tools tests/live/requirements.txt "LiteLLM and the exporter of OpenTelemetry" "about 800 MB"
