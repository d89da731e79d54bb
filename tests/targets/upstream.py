"""An upstream on loopback that answers chat completions and records the requests."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWER = {
    "id": "answer",
    "object": "chat.completion",
    "created": 1,
    # The two fields that clients of OpenRouter expect besides those of OpenAI.
    "provider": "Loopback",
    "system_fingerprint": None,
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}],
    "usage": {
        "prompt_tokens": 1000,
        "completion_tokens": 10,
        "total_tokens": 1010,
        "prompt_tokens_details": {"cached_tokens": 900},
    },
}


class Upstream:
    """Serves on a free port of 127.0.0.1 until it is closed."""

    def __init__(self):
        self.requests = []
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                text = self.rfile.read(int(self.headers.get("content-length", 0)))
                body = json.loads(text or b"{}")
                upstream.requests.append({"path": self.path, "body": body})
                answer = json.dumps({**ANSWER, "model": body.get("model", "")}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def last(self):
        """Returns the body of the newest request and clears all recorded requests."""
        assert self.requests, "the upstream received no request"
        body = self.requests[-1]["body"]
        self.requests.clear()
        return body

    def close(self):
        self.server.shutdown()
        self.server.server_close()
