#!/usr/bin/env bash
# Installs the tools for the API and MCP checks (tests/api/requirements.txt, from PyPI) into the user's cache folder, and prints
# that folder. Exit codes as `python_tools` in lib.sh: 0 installed, 1 failed, 3 missing and not a CI run.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

python_tools api-tools tests/api/requirements.txt "schemathesis and the MCP client" "about 100 MB"
