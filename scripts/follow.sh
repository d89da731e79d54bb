#!/usr/bin/env bash
# Checks the receivers of alerts with an SMTP server and the verifier of Standard Webhooks, on loopback. Installs both from
# PyPI if they are missing.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

read_features
tools=$(CI=true scripts/follow-tools.sh) || die "the tools for the check of alerts cannot be installed"
binary=$(built_binary)
[ -n "$binary" ] || die "the binary did not build"
"$tools/python/bin/python" tests/follow/check.py "$binary"
