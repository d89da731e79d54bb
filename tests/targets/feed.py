"""A LiteLLM proxy that follows the feed: its configuration comes from `/api/v1/preferences`, polled by ETag, and its
requests to the upstream carry exactly these preferences. Everything is on loopback; the server is `hitrate demo`.

Usage: PYTHON feed.py HITRATE, with the Python of the tools (scripts/target-tools.sh fetches them and prints
their directory).
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import yaml

from upstream import Upstream

KEY = "sk-of-the-proxy-in-a-check"
QUERY = "mode=shortlist&target=litellm&no_training=true&quant_floor=fp8"
# Timeout of one step, seconds; only a program that hangs reaches it.
PATIENCE = 240

work = Path(tempfile.mkdtemp(prefix="hitrate-feed-"))


class Feed:
    """Polls a URL and keeps the last body as long as nothing is new."""

    def __init__(self, address):
        self.address, self.etag, self.body = address, None, None

    def poll(self):
        """Returns whether there was anything new."""
        headers = {"If-None-Match": self.etag} if self.etag else {}
        try:
            with urllib.request.urlopen(urllib.request.Request(self.address, headers=headers), timeout=30) as answer:
                assert answer.headers["cache-control"].startswith("public, max-age="), answer.headers
                self.etag, self.body = answer.headers["etag"], json.load(answer)
                return True
        except urllib.error.HTTPError as error:
            assert error.code == 304, error.code
            return False


def configuration(preferences):
    """The proxy's configuration: the text from the feed for each model."""
    deployments = []
    for one in preferences:
        for file in one["rendered"]["files"]:
            deployments += yaml.safe_load(file["text"])["model_list"]
    return {"model_list": deployments}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ask(address, body, key):
    request = urllib.request.Request(
        address, data=json.dumps(body).encode(), headers={"authorization": f"Bearer {key}", "content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def wait_for(address, process, log):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()[-2000:]
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.3)
    raise AssertionError(f"{address} does not answer: {log.read_text()[-2000:]}")


def stop(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def served(binary):
    """Starts the demo with a short record and a stopped clock; returns it with its URL."""
    command = [binary, "--data-dir", work / "data", "demo", "--days", "4", "--hour-every", "86400", "--listen", "127.0.0.1:0"]
    log = open(work / "demo.log", "w", encoding="utf-8")
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True)
    for line in server.stdout:
        if line.startswith("listening "):
            return server, line.split()[1]
    raise AssertionError((work / "demo.log").read_text()[-2000:])


def proxy_of(config, upstream):
    path, port, log = work / "config.yaml", free_port(), work / "proxy.log"
    path.write_text(yaml.safe_dump(config))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(work),
        "OPENROUTER_API_KEY": "key",
        "OPENROUTER_API_BASE": upstream.url,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MASTER_KEY": KEY,
        # The proxy may only reach loopback, whatever it looks up at startup.
        **dict.fromkeys(["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"], "http://127.0.0.1:9"),
        **dict.fromkeys(["NO_PROXY", "no_proxy"], "127.0.0.1,localhost"),
    }
    command = [Path(sys.executable).parent / "litellm", "--config", path, "--host", "127.0.0.1", "--port", str(port)]
    with open(log, "w", encoding="utf-8") as out:
        process = subprocess.Popen(command, env=environment, cwd=work, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    return process, f"http://127.0.0.1:{port}", log


def main(binary):
    upstream = Upstream()
    server, base = served(binary)
    proxy = None
    try:
        feed = Feed(f"{base}/api/v1/preferences?{QUERY}")
        assert feed.poll(), "the first answer is new"
        preferences = feed.body["data"]["preferences"]
        given = {one["model"]: one["provider"] for one in preferences if one["provider"]}
        without = [one for one in preferences if not one["provider"]]
        assert len(given) > 5, f"{len(given)} of {len(preferences)} models have a preference"
        assert all(one["why"] for one in without), "a missing preference has a reason"
        # Without a preference the limits still apply: the router gets only those, if an endpoint meets them and the
        # router keeps all of them.
        filed = [one for one in preferences if one["rendered"]["files"]]
        unmet = [one for one in preferences if not one["rendered"]["files"]]
        assert all(not one["provider"] for one in unmet), unmet
        refused = ("no endpoint is known to meet", "only a part of your limits")
        assert all(any(why in " ".join(one["rendered"]["notes"]) for why in refused) for one in unmet), unmet
        written = {one["model"]: one["provider"] or one["router_limits"] for one in filed}
        config = configuration(preferences)
        assert [one["model_name"] for one in config["model_list"]] == list(written)

        proxy, address, log = proxy_of(config, upstream)
        wait_for(f"{address}/health/liveliness", proxy, log)
        asked = list(given)[:3] + [one["model"] for one in without if one in filed][:1]
        for model, provider in ((model, written[model]) for model in asked):
            body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
            answer = ask(f"{address}/v1/chat/completions", body, KEY)
            assert answer["choices"][0]["message"]["content"] == "hello", answer
            sent = upstream.last()
            assert (sent["model"], sent["provider"]) == (model, provider), (sent, provider)
            assert provider["data_collection"] == "deny" and "fp4" not in provider["quantizations"], provider
            assert ("only" in provider) == (model in given), provider

        assert not feed.poll(), "nothing is new while the snapshot stays"
        since = feed.body["meta"]["snapshot"]
        changes = Feed(f"{base}/api/v1/preferences/changes?{QUERY}&since={since}")
        assert changes.poll()
        told = changes.body["data"]
        assert (told["changed"], told["complete"], told["unchanged"]) == ([], False, len(preferences)), told
        print(f"a LiteLLM proxy followed the feed: {len(written)} models configured, {len(asked)} requested")
    finally:
        for process in (proxy, server):
            if process:
                stop(process)
        upstream.close()


main(sys.argv[1])
