#!/usr/bin/env bash
# Installs the libraries that read the dataset (tests/data/requirements.txt, from PyPI) into the user's cache folder, and
# prints that folder. Exit codes as `python_tools` in lib.sh: 0 installed, 1 failed, 3 missing and not a CI run.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

python_tools data-tools tests/data/requirements.txt "DuckDB, Polars, pandas and pyarrow" "about 250 MB"
