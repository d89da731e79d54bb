#!/bin/sh
# Checks the alerting rules and runs their unit tests with promtool (Debian: the package `prometheus`). Skipped if it is
# missing: `make test` compares the names of the metrics in any case.
set -eu
cd "$(dirname "$0")/../deploy/prometheus"
if ! command -v promtool >/dev/null 2>&1; then
    echo "skipped: promtool is not installed (package prometheus)"
    exit 0
fi
promtool check rules alerts.yml
promtool test rules alerts_test.yml
