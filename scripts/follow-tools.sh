#!/usr/bin/env bash
# Installs the receivers for the check of alerts (tests/follow/requirements.txt, from PyPI) into the user's cache folder, and
# prints that folder. Exit codes as `python_tools` in lib.sh: 0 installed, 1 failed, 3 missing and not a CI run.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

python_tools follow-tools tests/follow/requirements.txt "aiosmtpd and the verifier of Standard Webhooks" "about 5 MB"
