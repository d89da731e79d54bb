#!/usr/bin/env bash
# Runs the target checks against the newest versions of the programs, for a weekly job: it shows which formats changed
# before users report it. Downloads everything into the user's cache folder (about 1.5 GB, several minutes), prints the
# installed versions and the result. Exit 0: all checks passed. Exit 1: a check failed, or a program could be installed
# neither in its newest nor in its pinned version.
# The pinned versions stay as they are: raise them in tests/targets after a fix.
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/target-install.sh
. "$(dirname "$0")/target-install.sh"

from=tests/targets
tools=$cache/target-newest
for program in node npm python3; do
	have "$program" || die "$program is not installed"
done

rm -rf "$tools"
mkdir -p "$tools/node"
say "downloading the newest programs for the checks of preference texts into $tools"

# One by one: a package whose newest version cannot be installed, for example because one of its dependencies is in no
# registry, is installed in its pinned version. pip chooses such a version by itself.
cp "$from/.npmrc" "$tools/node/"
echo '{"name": "hitrate-targets-newest", "private": true}' >"$tools/node/package.json"
add() { npm install --prefix "$tools/node" --ignore-scripts --no-audit --no-fund "$1" >&2 </dev/null; }
while read -r name version; do
	add "$name@latest" && continue
	say "the newest version of $name cannot be installed; its pinned version is $version"
	add "$name@$version" || die "npm install $name@$version failed"
done < <(node -p "Object.entries(require('./$from/package.json').dependencies).map((one) => one.join(' ')).join('\n')")
sed -E 's/==[^ ]+$//' "$from/requirements.txt" >"$tools/requirements.txt"
n8n_tools "$tools" "${n8n%@*}@latest"
python_tools "$tools" "$tools/requirements.txt" "${aider%%==*}" "${hermes%%==*}"

npm ls --prefix "$tools/node" --depth=0 >&2 || true
"$tools/python/bin/pip" freeze --disable-pip-version-check |
	grep -iE "^($(sed -nE 's/^([a-z0-9-]+).*/\1/p' "$tools/requirements.txt" | paste -sd '|')|${aider%%==*})==" >&2
"$tools/python/bin/python" "$from/run.py" "$tools"
