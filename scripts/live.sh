#!/usr/bin/env bash
# Checks the receiver of OpenTelemetry with LiteLLM's proxy and the exporter of OpenTelemetry's SDK, on loopback. Installs
# both from PyPI if they are missing.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

read_features
tools=$(CI=true scripts/live-tools.sh) || die "the tools for the live check cannot be installed"
binary=$(built_binary)
[ -n "$binary" ] || die "the binary did not build"
"$tools/python/bin/python" tests/live/check.py "$binary"
