"""Checks the receiver with the real programs that send to it, on loopback: the exporter of OpenTelemetry's SDK, and
LiteLLM's proxy in front of a server in OpenAI's form (tests/live/upstream.py), with both of its OpenTelemetry integrations.
What hitrate reports must be what was sent: calls, failures, tokens. The text of prompts and answers must not be in any
file of the data folder.

Usage: PYTHON check.py HITRATE, with the Python from the folder that scripts/live-tools.sh prints.
"""

import atexit
import contextlib
import json
import logging
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Status, StatusCode

import upstream

KEY = "sk-of-the-proxy-in-a-live-check"
PROMPT = "marker-prompt-9c2e"
# Timeout of one step, seconds, long enough for a machine that is busy; only a program that hangs reaches it.
PATIENCE = 120
# Timeout of the whole check, seconds.
WHOLE = 600
# How often a proxy is started whose port was taken in the meantime.
STARTS = 3
# What is sent through LiteLLM: model, whether it is streamed, how often.
SENT = [("cached", False, 2), ("cached", True, 2), ("written", False, 1), ("reasoning", True, 1)]
FAILED = ["limited", "slow"]

work = Path(tempfile.mkdtemp(prefix="hitrate-live-"))
started = []


def fail(what):
    sys.exit(f"live check: {what}\nlogs and data: {work}")


def end_of(log):
    return Path(log).read_text(encoding="utf-8", errors="replace")[-2000:]


def spawn(*arguments, **options):
    """A program that is stopped with the check, however the check ends."""
    process = subprocess.Popen(*arguments, stdin=subprocess.DEVNULL, **options)
    started.append(process)
    return process


@atexit.register
def stop_all():
    for process in started:
        stop(process, signal.SIGKILL)


def same(what, found, expected):
    if found != expected:
        fail(f"{what}: {json.dumps(found)[:3000]}, expected {json.dumps(expected)[:3000]}")


def stop(process, how=signal.SIGTERM):
    if process.poll() is None:
        process.send_signal(how)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Hitrate:
    """A server over a data folder of its own, without collecting."""

    def __init__(self, binary, data):
        self.binary, self.data = binary, data
        data.mkdir(parents=True, exist_ok=True)
        (data / "hitrate.toml").write_text("[private]\nimport_seconds = 1\n")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("HITRATE_", "OTEL_"))}
        self.start()

    def start(self):
        command = [self.binary, "--data-dir", self.data, "serve", "--no-collect", "--listen", "127.0.0.1:0"]
        self.log = open(work / f"{self.data.name}.log", "a", encoding="utf-8")
        self.process = spawn(
            [*command, "--private-listen", "127.0.0.1:0"], env=self.environment, stdout=subprocess.PIPE, stderr=self.log,
            text=True,
        )
        lines = queue.Queue()
        threading.Thread(target=lambda: [lines.put(line) for line in self.process.stdout], daemon=True).start()
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(queue.Empty):
                line = lines.get(timeout=0.5)
                if line.startswith("private "):
                    self.base = line.split()[1]
                    self.token = (self.data / "private-token").read_text().strip()
                    return
        fail(f"the server did not start within {PATIENCE} s: {end_of(self.log.name)}")

    def get(self, path):
        request = urllib.request.Request(self.base + path, headers={"authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def status(self):
        return self.get("/own/v1/status")

    def traffic(self, *words):
        command = [self.binary, "--data-dir", self.data, "traffic", *words, "--json"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode != 0:
            fail(f"traffic {' '.join(words)}: {done.stderr}")
        return json.loads(done.stdout)

    def report(self):
        return {one["model"]: one for one in self.traffic("models")["models"]}

    def why_missing(self):
        """What the server received, and why the readers left records out."""
        unread = [file["unread"] for file in self.traffic("files") if file["unread"]]
        return f"{json.dumps(self.status())}; left out by the reader: {json.dumps(unread)}; {end_of(self.log.name)}"

    def report_of(self, calls):
        """The report once that many calls are imported. LiteLLM and the SDK send in batches."""
        end = time.monotonic() + PATIENCE
        while self.status()["imported_calls"] < calls:
            if time.monotonic() > end:
                fail(f"{calls} calls were sent, but within {PATIENCE} s not all are imported: {self.why_missing()}")
            time.sleep(0.5)
        status = self.status()
        same("imported calls", status["imported_calls"], calls)
        same("the last error", status["last_error"], None)
        same("quarantined segments", status["quarantined_segments"], 0)
        found = self.report()
        same("reported calls", sum(one["calls"] for one in found.values()), calls)
        return found

    def has_no_contents(self):
        stop(self.process)
        for path in [*self.data.rglob("*"), Path(self.log.name)]:
            if path.is_file():
                content = path.read_bytes()
                for marker in [PROMPT, upstream.ANSWER]:
                    if marker.encode() in content:
                        fail(f"{path.name} contains the text of a prompt or an answer")


def counts(line):
    tokens = line["tokens"]
    return [line["calls"], line["failures"]["all"], *(tokens[name] for name in ["prompt", "read", "written", "output"])]


def sdk(binary):
    """The exporter of the SDK: what it reports as sent survives a kill of the server right after."""
    hitrate = Hitrate(binary, work / "sdk")
    exporter = OTLPSpanExporter(
        endpoint=f"{hitrate.base}/otlp/v1/traces", headers={"authorization": f"Bearer {hitrate.token}"},
        compression=Compression.Gzip,
    )
    provider = TracerProvider(resource=Resource.create({"service.name": "live-check"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("live-check")
    for number in range(20):
        with tracer.start_as_current_span("chat maple-2") as span:
            span.set_attributes({
                "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "maple-2",
                "gen_ai.response.model": "maple-2", "gen_ai.response.id": f"answer-{number}",
                "gen_ai.conversation.id": f"conversation-{number // 5}", "gen_ai.usage.input_tokens": 1000 + number,
                "gen_ai.usage.cache_read.input_tokens": 900, "gen_ai.usage.output_tokens": 10,
                "gen_ai.response.finish_reasons": ["stop"],
                "gen_ai.input.messages": json.dumps([{"role": "user", "content": PROMPT}]),
            })
            if number == 19:
                span.set_attribute("error.type", "timeout")
                span.set_status(Status(StatusCode.ERROR, f"timed out after {PROMPT}"))
    if not provider.force_flush(30_000):
        fail("the exporter could not send its spans")
    stop(hitrate.process, signal.SIGKILL)
    hitrate.start()
    found = hitrate.report_of(20)["maple-2"]
    prompt = sum(1000 + number for number in range(20))
    same("the SDK's calls", counts(found)[:2], [20, 1])
    # A failed call states its counts as well; whether they belong to the sums is the report's rule.
    if found["tokens"]["read"] not in (20 * 900, 19 * 900):
        fail(f"tokens read: {found['tokens']}")
    if found["tokens"]["prompt"] not in (prompt, prompt - 1019):
        fail(f"prompt tokens: {found['tokens']}")
    # The exporter logs the 401 that is expected here.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    wrong = OTLPSpanExporter(endpoint=f"{hitrate.base}/otlp/v1/traces", headers={"authorization": "Bearer wrong"})
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(wrong))
    with provider.get_tracer("live-check").start_as_current_span("chat") as span:
        span.set_attribute("gen_ai.operation.name", "chat")
    provider.shutdown()
    same("calls with a wrong token", hitrate.status()["accepted"], 0)
    hitrate.has_no_contents()
    print("live check: 20 spans of OpenTelemetry's exporter, gzip and protobuf, are reported as sent, after a kill")


class Proxy:
    """A LiteLLM proxy that sends its spans to a receiver. The second version of its integration is opt-in."""

    def __init__(self, receiver, base, is_second):
        self.name = "second" if is_second else "first"
        deployment = lambda model: {  # noqa: E731
            "model_name": model,
            "litellm_params": {"model": f"openai/{model}", "api_base": base, "api_key": "of-the-check", "timeout": 3},
        }
        config = {
            "model_list": [deployment(model) for model in [*upstream.USAGE, *FAILED]],
            "litellm_settings": {"callbacks": ["otel"], "num_retries": 0, "request_timeout": 3},
            "router_settings": {"num_retries": 0, "disable_cooldowns": True},
            "general_settings": {"master_key": KEY},
        }
        self.config, self.log = work / f"proxy-{self.name}.yaml", work / f"proxy-{self.name}.log"
        # JSON is YAML.
        self.config.write_text(json.dumps(config))
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(work),
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "OTEL_EXPORTER": "otlp_http",
            "OTEL_ENDPOINT": f"{receiver.base}/otlp",
            "OTEL_HEADERS": f"Authorization=Bearer {receiver.token}",
            "LITELLM_OTEL_V2": "true" if is_second else "false",
            # The proxy may only reach loopback, whatever it looks up at startup.
            **dict.fromkeys(["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"], "http://127.0.0.1:9"),
            **dict.fromkeys(["NO_PROXY", "no_proxy"], "127.0.0.1,localhost"),
        }
        self.starts = 0
        self.start()

    def start(self):
        self.starts += 1
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        litellm = Path(sys.executable).parent / "litellm"
        command = [litellm, "--config", self.config, "--host", "127.0.0.1", "--port", str(port)]
        with open(self.log, "w", encoding="utf-8") as out:
            self.process = spawn(command, env=self.environment, cwd=work, stdout=out, stderr=out)

    def wait(self):
        """Waits until it answers. If another program took the port, it starts on another one."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.process.poll() is not None:
                if self.starts == STARTS or "address already in use" not in end_of(self.log):
                    fail(f"LiteLLM's proxy ended: {end_of(self.log)}")
                self.start()
            with contextlib.suppress(OSError):
                with urllib.request.urlopen(f"{self.address}/health/liveliness", timeout=5):
                    return self.address
            time.sleep(0.5)
        fail(f"LiteLLM's proxy does not answer after {PATIENCE} s: {end_of(self.log)}")


def call(proxy, model, is_streamed=False):
    body = {"model": model, "messages": [{"role": "user", "content": PROMPT}], "stream": is_streamed}
    headers = {
        "authorization": f"Bearer {KEY}", "content-type": "application/json", "x-litellm-session-id": "session-of-the-check",
    }
    request = urllib.request.Request(f"{proxy}/v1/chat/completions", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            answer.read()
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def litellm(hitrate, proxy):
    address = proxy.wait()
    try:
        for model, is_streamed, times in SENT:
            for _ in range(times):
                same(f"the status of {model}", call(address, model, is_streamed), 200)
        same("the status of the limited call", call(address, "limited"), 429)
        same("the status of the slow call", call(address, "slow"), 408)
        calls = sum(times for _, _, times in SENT) + len(FAILED)
        found = hitrate.report_of(calls)
        for model, (prompt, read, written, output, _) in upstream.USAGE.items():
            times = sum(times for name, _, times in SENT if name == model)
            expected = [times, 0, *(times * count for count in [prompt, read, written, output])]
            line = counts(found[model])
            # A count that is zero in every call may be absent: the integration leaves it out.
            line = [0 if count is None and wanted == 0 else count for count, wanted in zip(line, expected)]
            same(f"what was sent to {model}", line, expected)
        for model in FAILED:
            same(f"the failures of {model}", counts(found[model])[:2], [1, 1])
        classes = [one["class"] for model in FAILED for one in found[model]["failures"]["classes"]]
        same("the classes of the failures", classes, ["rate_limited", "timeout"])
    finally:
        stop(proxy.process)
    hitrate.has_no_contents()
    print(f"live check: {calls} calls through LiteLLM's proxy ({proxy.name} version of its integration) are reported as sent")


def give_up():
    print(f"live check: not done after {WHOLE} s; logs and data: {work}", file=sys.stderr, flush=True)
    stop_all()
    os._exit(1)


def main(binary):
    limit = threading.Timer(WHOLE, give_up)
    limit.daemon = True
    limit.start()
    _, base = upstream.start()
    # The proxies take long to start, so they do it while the exporter of the SDK is checked.
    pairs = []
    for is_second in [True, False]:
        receiver = Hitrate(binary, work / f"litellm-{'second' if is_second else 'first'}")
        pairs.append((receiver, Proxy(receiver, base, is_second)))
    sdk(binary)
    for receiver, proxy in pairs:
        litellm(receiver, proxy)
    stop_all()
    shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
