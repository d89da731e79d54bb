#!/usr/bin/env bash
# Checks the receiver of OpenTelemetry with LiteLLM's proxy and the exporter of OpenTelemetry's SDK, on loopback. Installs
# both from PyPI if they are missing.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

read_features
tools=$(CI=true scripts/live-tools.sh) || die "the tools for the live check cannot be installed"
binary=$(cargo build --locked --bin hitrate ${features[@]+"${features[@]}"} --message-format=json-render-diagnostics </dev/null |
	sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
[ -n "$binary" ] || die "the binary did not build"
"$tools/python/bin/python" tests/live/check.py "$binary"
