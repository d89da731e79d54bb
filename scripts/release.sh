#!/usr/bin/env bash
# Builds the archive of a release for this machine: target/release-archives/hitrate-VERSION-TARGET.tar.gz and its sha256.
# The same commit gives the same archive, byte for byte. Compiling DuckDB and the optimized program takes over an hour on
# two cores.
#
#   HITRATE_RELEASE_LINKED=1  links the prebuilt DuckDB library: for trying the script; the name ends in -linked
#   HITRATE_BIN=PATH          packs a program that is there; if it links the library, the name ends in -linked
#   SOURCE_DATE_EPOCH         time of all files, seconds since 1970 [default: the time of the commit]
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/release-build.sh
. scripts/release-build.sh

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
target=$(rustc -vV | sed -n 's/^host: //p')
out=target/release-archives
release_environment "$root/target"

program=${HITRATE_BIN:-}
if [ -z "$program" ]; then
	release_flags
	cargo build "${flags[@]}" </dev/null
	program=$CARGO_TARGET_DIR/dist/hitrate
fi
[ -x "$program" ] || die "there is no program at $program"
name=hitrate-$version-$target
# In one step: `grep -q` in a pipe would end ldd with a signal, which pipefail reports.
libraries=$(ldd "$program" 2>/dev/null || true)
if [[ $libraries == *libduckdb* ]]; then
	name=$name-linked
	say "warning: the program links the prebuilt DuckDB library, so it runs on this machine only"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stage=$work/$name
mkdir -p "$stage/completions" "$stage/docs" "$stage/deploy"
install -m 755 "$program" "$stage/hitrate"
strip --strip-all "$stage/hitrate"
cp README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE "$stage/"
cp docs/*.md docs/*.png docs/openapi.json "$stage/docs/"
cp -R deploy/. "$stage/deploy/"
for shell in bash fish zsh; do
	"$program" completions $shell >"$stage/completions/hitrate.$shell"
	[ -s "$stage/completions/hitrate.$shell" ] || die "completions for $shell are empty"
done
scripts/sbom.sh "$stage/hitrate.cdx.json"
python3 tests/supply/notices.py "$target" >"$stage/LICENSES-THIRD-PARTY.txt"
(cd "$stage" && find . -type f ! -name SHA256SUMS -print0 | sort -z | xargs -0 sha256sum >SHA256SUMS)

mkdir -p "$out"
tar -C "$work" --format=gnu --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
	--mode=u+rwX,go+rX,go-w -cf "$work/archive.tar" "$name"
gzip -9 --no-name <"$work/archive.tar" >"$out/$name.tar.gz.new"
mv "$out/$name.tar.gz.new" "$out/$name.tar.gz"
sum_of "$out/$name.tar.gz" >"$out/$name.tar.gz.sha256"

# The archive as a user gets it: whole, and its program runs.
mkdir "$work/unpacked"
tar -C "$work/unpacked" -xzf "$out/$name.tar.gz"
(cd "$work/unpacked/$name" && sha256sum --check --quiet --strict SHA256SUMS) || die "$out/$name.tar.gz is damaged"
found=$("$work/unpacked/$name/hitrate" --version)
[ "${found#*"$version"}" != "$found" ] || die "the program in the archive reports '$found', expected version $version"
say "wrote $out/$name.tar.gz ($(wc -c <"$out/$name.tar.gz") bytes), sha256 $(cut -d ' ' -f 1 "$out/$name.tar.gz.sha256")"
