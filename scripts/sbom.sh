#!/usr/bin/env bash
# Writes the CycloneDX bill of materials of a release: every crate that the program contains. Installs cargo-cyclonedx
# from crates.io and the validator from PyPI into the user's cache folder if they are missing (a few minutes, once).
#
#   scripts/sbom.sh [OUT]   OUT is the file to write [default: target/hitrate.cdx.json]
#
#   SOURCE_DATE_EPOCH       time in the document, seconds since 1970 [default: the time of the commit]
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

cyclonedx_version=0.5.9
out=${1:-target/hitrate.cdx.json}
target=$(rustc -vV | sed -n 's/^host: //p')
tools=$(CI=true scripts/supply-tools.sh) || die "the validator of the bill of materials cannot be installed"
cyclonedx=$cache/cargo-cyclonedx-$cyclonedx_version
if [ ! -x "$cyclonedx/bin/cargo-cyclonedx" ]; then
	say "compiling cargo-cyclonedx $cyclonedx_version into $cyclonedx (a few minutes, once)"
	env -u RUSTFLAGS -u CARGO_TARGET_DIR cargo install --quiet --locked --root "$cyclonedx" \
		--target-dir "$cyclonedx/build" "cargo-cyclonedx@$cyclonedx_version" </dev/null >&2
	rm -rf "$cyclonedx/build"
fi
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH

# cargo-cyclonedx writes beside Cargo.toml.
raw=.sbom-$$
trap 'rm -f "$raw.json"' EXIT
"$cyclonedx/bin/cargo-cyclonedx" cyclonedx --quiet --format json --spec-version 1.5 --features bundled --target "$target" \
	--no-build-deps --all --override-filename "$raw" </dev/null >&2
mkdir -p "$(dirname "$out")"
"$tools/python/bin/python" tests/supply/sbom.py "$raw.json" "$out" "$target"
