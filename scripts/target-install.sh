# shellcheck shell=bash
# Installs what the target checks run into a folder; sourced by target-tools.sh (pinned versions) and newest-targets.sh
# (newest versions). Needs lib.sh.

# Installed without its dependencies: it pins an older LiteLLM than the one to check.
aider=aider-chat==0.86.2
# Only unpacked: its own file of the OpenRouter node is checked, not the libraries that it is built on (hundreds of MB).
n8n=@n8n/n8n-nodes-langchain@2.41.1

# Only unpacked, for the same reason.
hermes=hermes-agent==0.19.0

# python_tools FOLDER REQUIREMENTS AIDER HERMES: a virtual environment, which contains its own path, so it cannot be built
# elsewhere and renamed.
python_tools() {
	python3 -m venv "$1/python" >&2 || die "python3 -m venv $1/python failed"
	local pip=("$1/python/bin/pip" install --quiet --disable-pip-version-check)
	"${pip[@]}" -r "$2" >&2 </dev/null || die "pip install -r $2 failed"
	"${pip[@]}" --no-deps "$3" >&2 </dev/null || die "pip install $3 failed"
	"${pip[@]}" --no-deps --target "$1/hermes" "$4" >&2 </dev/null || die "pip install $4 failed"
}

# n8n_tools FOLDER PACKAGE: n8n's nodes, unpacked.
n8n_tools() {
	mkdir -p "$1/node/n8n"
	(cd "$1/node/n8n" && npm pack --silent "$2" >&2 </dev/null && tar -xzf ./*.tgz) || die "npm pack $2 failed"
}
