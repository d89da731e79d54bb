#!/usr/bin/env bash
# Checks that DuckDB, Polars and pandas read the dataset as it is. Installs them from PyPI if they are missing.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

read_features
tools=$(CI=true scripts/data-tools.sh) || die "the libraries for the data check cannot be installed"
binary=$(built_binary)
[ -n "$binary" ] || die "the binary did not build"
"$tools/python/bin/python" tests/data/check.py "$binary"
