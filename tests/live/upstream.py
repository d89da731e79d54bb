"""A small server in the form of OpenAI's chat completions, on loopback. The model's name decides how it answers, so that
the check knows what was sent: counts of tokens, a rate limit, or no answer within the client's timeout."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# The text of every answer; it must never reach a disk.
ANSWER = "marker-completion-6f1d"

# Usage by model: prompt, read from the cache, written to the cache, output, reasoning.
USAGE = {
    "cached": (1200, 1024, 0, 20, 0),
    "written": (2100, 0, 2048, 30, 0),
    "reasoning": (800, 512, 0, 300, 250),
}
# Seconds that the model `slow` waits before it answers.
SLOW_SECONDS = 8.0


def usage_of(model):
    prompt, read, written, output, reasoning = USAGE[model]
    return {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": written},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served = {}
    lock = threading.Lock()

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        model = body["model"]
        with self.lock:
            number = self.served[model] = self.served.get(model, 0) + 1
        if model == "limited":
            error = {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}
            return self.send_json(429, {"error": error})
        if model == "slow":
            time.sleep(SLOW_SECONDS)
            model = "cached"
        answer_id = f"chatcmpl-{model}-{number}"
        if body.get("stream"):
            return self.stream(answer_id, model, body)
        message = {"role": "assistant", "content": ANSWER}
        self.send_json(200, {
            "id": answer_id, "object": "chat.completion", "created": int(time.time()), "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": usage_of(model),
        })

    def stream(self, answer_id, model, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        base = {"id": answer_id, "object": "chat.completion.chunk", "created": int(time.time()), "model": model}
        deltas = [{"role": "assistant", "content": ""}] + [{"content": part} for part in ANSWER.split("-")]
        chunks = [{**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
        chunks.append({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        if body.get("stream_options", {}).get("include_usage"):
            chunks.append({**base, "choices": [], "usage": usage_of(model)})
        for chunk in chunks:
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.flush()
            time.sleep(0.02)
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def send_json(self, status, value):
        body = json.dumps(value).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # The client gave up.


def start():
    """The running server and the base URL of its API."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}/v1"
