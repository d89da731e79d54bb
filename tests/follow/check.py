"""Checks the receivers of alerts: what `hitrate alerts test` sends arrives at real receivers on loopback. The verifier of
Standard Webhooks checks the signatures, an SMTP server takes the email, and the bodies for Slack, Discord, Teams and ntfy
stay within the documented limits of each.

Usage: PYTHON check.py HITRATE, with the Python from the folder that scripts/follow-tools.sh prints.
"""

import base64
import email
import email.policy
import json
import logging
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

# Timeout of one command, seconds, long enough for a machine that is busy.
PATIENCE = 120
NEW = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OLD = "whsec_" + base64.b64encode(bytes(range(100, 124))).decode()
PASSWORD = "password-of-the-mail-4711"
MARKERS = ["path-secret-81", "topic-secret-82", "token-secret-83", PASSWORD, NEW[6:], OLD[6:]]

# The server warns that a login without TLS is insecure; it listens on loopback only.
warnings.simplefilter("ignore")
logging.getLogger("mail").setLevel(logging.CRITICAL)

work = Path(tempfile.mkdtemp(prefix="hitrate-follow-"))


def fail(what):
    sys.exit(f"alert check: {what}\ndata: {work}")


def same(what, found, expected):
    if found != expected:
        fail(f"{what}: {found!r}, expected {expected!r}")


def at_most(what, found, limit):
    if not 0 < found <= limit:
        fail(f"{what}: {found}, expected 1 to {limit}")


class Receiver(BaseHTTPRequestHandler):
    """Keeps every POST by the first word of its path; the server of ntfy is the root."""

    got = {}
    # The status that each real service responds with.
    status = {"hook": 204, "slack": 200, "discord": 204, "teams": 202, "": 200}

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        name = self.path.strip("/").split("/")[0]
        self.got.setdefault(name, []).append((self.path, dict(self.headers.items()), body))
        self.send_response(self.status.get(name, 404))
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Mail:
    """Keeps every email, and admits one user."""

    def __init__(self):
        self.got = []
        self.users = []

    async def handle_DATA(self, _server, session, envelope):
        self.got.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        self.users.append(session.authenticated)
        return "250 OK"

    def authenticate(self, _server, _session, _envelope, _mechanism, data):
        is_right = isinstance(data, LoginPassword) and data.password == PASSWORD.encode() and data.login == b"hitrate"
        # `handled=False`: the server sends the reply 535 itself.
        return AuthResult(success=is_right, handled=False)


http = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=http.serve_forever, daemon=True).start()
web = f"http://127.0.0.1:{http.server_port}"
mail = Mail()
with socket.create_server(("127.0.0.1", 0)) as free:
    mail_port = free.getsockname()[1]
smtp = Controller(mail, hostname="127.0.0.1", port=mail_port, authenticator=mail.authenticate, auth_required=True,
                  auth_require_tls=False)
smtp.start()


def receiver(name, kind, **keys):
    lines = ["[[alerts.receivers]]", f"name = {json.dumps(name)}", f"kind = {json.dumps(kind)}", "allow_private = true"]
    return "\n".join(lines + [f"{key} = {json.dumps(value)}" for key, value in keys.items()]) + "\n"


settings = "\n".join([
    receiver("hook", "webhook", url=f"{web}/hook/path-secret-81", secret_file="secrets"),
    receiver("slack", "slack", url_env="SLACK_URL"),
    receiver("discord", "discord", url_file="discord-url"),
    receiver("teams", "teams", url=f"{web}/teams/path-secret-81?sig=path-secret-81"),
    receiver("phone", "ntfy", server=web, topic="topic-secret-82", token_env="NTFY_TOKEN"),
    receiver("mail", "email", host="127.0.0.1", port=mail_port, tls="none", user="hitrate", password_file="password",
             **{"from": "hitrate <alerts@example.org>", "to": ["ops@example.org", "Second <two@example.org>"]}),
])
(work / "hitrate.toml").write_text(settings)
(work / "secrets").write_text(f"{NEW}\n{OLD}\n")
(work / "discord-url").write_text(f"{web}/discord/path-secret-81\n")
(work / "password").write_text(PASSWORD + "\n")
printed = []


def hitrate(*arguments, code=0):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HITRATE_")}
    environment |= {"SLACK_URL": f"{web}/slack/path-secret-81", "NTFY_TOKEN": "token-secret-83"}
    done = subprocess.run([sys.argv[1], "--data-dir", str(work), *arguments], env=environment, capture_output=True,
                          text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
    printed.append(done.stdout + done.stderr)
    if done.returncode != code:
        fail(f"{' '.join(arguments)} exited with {done.returncode}: {printed[-1]}")
    return done.stdout


def arrived(name):
    got = Receiver.got.get(name, [])
    same(f"messages to {name or 'ntfy'}", len(got), 1)
    return got[0]


deliveries = json.loads(hitrate("alerts", "test", "--json"))
same("outcomes", {one["receiver"]: (one["outcome"], one["status"]) for one in deliveries}, {
    "hook": ("delivered", 204), "slack": ("delivered", 200), "discord": ("delivered", 204),
    "teams": ("delivered", 202), "phone": ("delivered", 200), "mail": ("delivered", 250),
})

# Standard Webhooks: either secret verifies, another one and a changed body do not.
_, headers, body = arrived("hook")
for secret in (NEW, OLD):
    payload = Webhook(secret).verify(body, headers)
    same("type of the webhook", payload["type"], "alert.test")
    same("keys of the webhook", sorted(payload), ["data", "timestamp", "type"])
for secret, changed in ((NEW, body + b" "), ("whsec_" + base64.b64encode(bytes(32)).decode(), body)):
    try:
        Webhook(secret).verify(changed, headers)
        fail("a wrong signature verifies")
    except WebhookVerificationError:
        pass
at_most("bytes of the webhook", len(body), 20_000)

# Slack: at most 50 blocks, 150 characters in a header, 3,000 in a text; `text` is the notification.
_, headers, body = arrived("slack")
message = json.loads(body)
at_most("blocks of Slack", len(message["blocks"]), 50)
at_most("notification of Slack", len(message["text"]), 3000)
for block in message["blocks"]:
    at_most("text of Slack", len(block["text"]["text"]), 150 if block["type"] == "header" else 3000)
    same("kind of text", block["text"]["type"], "plain_text")

# Discord: at most 10 embeds, 256 and 4,096 characters, 6,000 together; no mention is parsed.
_, headers, body = arrived("discord")
message = json.loads(body)
at_most("embeds of Discord", len(message["embeds"]), 10)
same("mentions of Discord", message["allowed_mentions"], {"parse": []})
for embed in message["embeds"]:
    at_most("title of Discord", len(embed["title"]), 256)
    at_most("description of Discord", len(embed["description"]), 4096)
at_most("text of Discord", sum(len(one["title"]) + len(one["description"]) for one in message["embeds"]), 6000)

# Teams: an Adaptive Card in the envelope of the Workflows app, at most 28 KB.
_, headers, body = arrived("teams")
message = json.loads(body)
at_most("bytes of Teams", len(body), 28 * 1024)
same("type of Teams", message["type"], "message")
card = message["attachments"][0]
same("content type of Teams", card["contentType"], "application/vnd.microsoft.card.adaptive")
same("card of Teams", (card["content"]["type"], card["content"]["version"]), ("AdaptiveCard", "1.4"))

# ntfy: JSON to the root of the server, a message of at most 4,096 bytes, a priority of 1 to 5.
path, headers, body = arrived("")
message = json.loads(body)
same("path of ntfy", path, "/")
same("topic of ntfy", message["topic"], "topic-secret-82")
same("token of ntfy", {name.lower(): value for name, value in headers.items()}["authorization"], "Bearer token-secret-83")
at_most("message of ntfy", len(message["message"].encode()), 4096)
at_most("priority of ntfy", message["priority"], 5)

# Email: one message for all recipients, with text and HTML, from a program.
same("emails", len(mail.got), 1)
sender, recipients, content = mail.got[0]
same("sender", sender, "alerts@example.org")
same("recipients", recipients, ["ops@example.org", "two@example.org"])
same("login", mail.users, [True])
message = email.message_from_bytes(content, policy=email.policy.default)
same("defects of the email", list(message.defects), [])
same("subject", message["subject"], "[hitrate] Test message of hitrate")
same("automatic", message["auto-submitted"], "auto-generated")
same("parts", [part.get_content_type() for part in message.iter_parts()], ["text/plain", "text/html"])
sent = {one["receiver"]: one["message_id"] for one in deliveries}
same("id of the email", message["message-id"], f"<{sent['mail']}@example.org>")
if "The receiver mail works" not in message.get_body(("plain",)).get_content():
    fail("the text of the email is incomplete")

# A wrong password is a failure that names no secret.
(work / "password").write_text("wrong-" + PASSWORD)
hitrate("alerts", "test", "mail", code=1)
same("emails after a wrong password", len(mail.got), 1)

# Certificates are always verified: nothing is sent to servers that certify themselves.
if shutil.which("openssl"):
    certificate, key = work / "certificate.pem", work / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True, timeout=PATIENCE)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    https = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    https.socket = context.wrap_socket(https.socket, server_side=True)
    threading.Thread(target=https.serve_forever, daemon=True).start()
    secure_mail = Mail()
    with socket.create_server(("127.0.0.1", 0)) as free:
        secure_port = free.getsockname()[1]
    secure_smtp = Controller(secure_mail, hostname="127.0.0.1", port=secure_port, tls_context=context)
    secure_smtp.start()
    (work / "hitrate.toml").write_text(settings + receiver(
        "false-hook", "slack", url=f"https://127.0.0.1:{https.server_port}/false/path-secret-81",
    ) + receiver(
        "false-mail", "email", host="127.0.0.1", port=secure_port, tls="starttls",
        **{"from": "alerts@example.org", "to": ["ops@example.org"]},
    ))
    for name in ("false-hook", "false-mail"):
        refused = json.loads(hitrate("alerts", "test", name, "--json", code=1))[0]
        same(f"status of {name}", refused["status"], None)
        if "certificate" not in refused["detail"].lower():
            fail(f"{name} failed for another reason: {refused['detail']}")
    same("messages to servers with a false certificate", (secure_mail.got, "false" in Receiver.got), ([], False))
    secure_smtp.stop()
    https.shutdown()
else:
    print("alert check: skipped the check of certificates (openssl is not installed)")

# A dry run sends nothing, and nothing printed or kept is secret.
hitrate("alerts", "test", "--dry-run")
hitrate("alerts", "list")
hitrate("alerts", "log")
hitrate("config")
same("webhooks after a dry run", len(Receiver.got["hook"]), 1)
kept = (work / "alerts" / "deliveries.json").read_text()
for marker in MARKERS:
    if marker in "".join(printed) or marker in kept:
        fail(f"{marker} is printed or kept")

smtp.stop()
http.shutdown()
print("alert check: 6 kinds of receivers, passed")
