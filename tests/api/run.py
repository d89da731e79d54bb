"""Checks the API of a running server against its own description with schemathesis, on loopback with simulated data.

Usage: PYTHON run.py HITRATE, with the Python from the folder that scripts/api-tools.sh prints.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Seconds: time budget of schemathesis (a fast machine gets through more cases in it), and timeout for programs that
# hang.
BUDGET = int(os.environ.get("HITRATE_API_SECONDS", "60"))
PATIENCE = 300
DAYS = "3"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def data_of(address):
    with urllib.request.urlopen(address, timeout=60) as answer:
        return json.load(answer)["data"]


def wait_for(base, server):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if server.poll() is not None:
            sys.exit(f"the server ended with exit code {server.returncode}")
        try:
            with urllib.request.urlopen(f"{base}/readyz", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    sys.exit(f"the server was not ready within {PATIENCE} s")


def known(base):
    """Names that exist on the server, for cases that should find something."""
    models = [model["model_id"] for model in data_of(f"{base}/api/v1/models?limit=20")]
    providers = [one["provider"] for one in data_of(f"{base}/api/v1/providers")]
    workloads = [one["name"] for one in data_of(f"{base}/api/v1/workloads")]
    endpoints = [
        {"model": one["model_id"], "tag": one["tag"], "id": one["endpoint_id"]}
        for one in data_of(f"{base}/api/v1/endpoints?limit=20")
    ]
    return {"models": models, "providers": providers, "workloads": workloads, "endpoints": endpoints}


def check(base, work):
    # No proxy and no user settings: all requests go to the local server.
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment |= {"HITRATE_KNOWN": json.dumps(known(base))}
    # Runs in the work folder, so that its files are removed with it; hooks are loaded from there.
    shutil.copy(HERE / "hooks.py", work)
    program = Path(sys.executable).parent / "schemathesis"
    command = [program, "--config-file", HERE / "schemathesis.toml", "run", f"{base}/api/v1/openapi.json"]
    command += ["--max-time", str(BUDGET), "--request-timeout", "30", "--no-color"]
    return subprocess.run(command, cwd=work, env=environment, timeout=BUDGET * 2, check=False).returncode


@contextlib.contextmanager
def served(binary):
    """A work folder, the data folder in it with a simulated record, and the address of a server over it."""
    with tempfile.TemporaryDirectory(prefix="hitrate-api-") as folder:
        work = Path(folder)
        data = work / "data"
        data.mkdir()
        # The rate limit is tested elsewhere; here it would only cause 429 responses.
        (data / "hitrate.toml").write_text("[serve]\nrequests_per_minute = 0\n")
        log = (work / "server.log").open("w")
        made = [binary, "demo", "--once", "--days", DAYS, "--data-dir", data, "--listen", f"127.0.0.1:{free_port()}"]
        subprocess.run(made, stdout=log, stderr=log, timeout=PATIENCE, check=True)
        base = f"http://127.0.0.1:{free_port()}"
        serve = [binary, "serve", "--no-collect", "--data-dir", data, "--listen", base.removeprefix("http://")]
        server = subprocess.Popen(serve, stdout=log, stderr=log)
        try:
            wait_for(base, server)
            yield work, data, base
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=60)


def main():
    with served(Path(sys.argv[1]).resolve()) as (work, _, base):
        return check(base, work)


if __name__ == "__main__":
    sys.exit(main())
