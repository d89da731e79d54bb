"""Runs a program of a text with its requests to OpenRouter sent to the upstream on loopback instead.

Usage: python_check.py UPSTREAM PROGRAM ; the libraries have no common setting for the address, but all of them use httpx
or its successor.
"""

import importlib
import importlib.util
import os
import runpy
import sys

upstream, program = sys.argv[1:]
# Some read the address from here; all shall be redirected in the same way.
os.environ.pop("OPENROUTER_API_BASE", None)
API, HOST = "/api/v1", "openrouter.ai"


def redirected(httpx, request):
    assert request.url.host == HOST, f"a request to {request.url}"
    request.url = httpx.URL(upstream + request.url.raw_path.decode().removeprefix(API))
    request.headers["host"] = request.url.netloc.decode()


def patch(httpx):
    sync_send, async_send = httpx.Client.send, httpx.AsyncClient.send

    def send(self, request, **options):
        redirected(httpx, request)
        return sync_send(self, request, **options)

    async def send_later(self, request, **options):
        redirected(httpx, request)
        return await async_send(self, request, **options)

    httpx.Client.send, httpx.AsyncClient.send = send, send_later


for name in ("httpx", "httpx2"):
    if importlib.util.find_spec(name):
        patch(importlib.import_module(name))
runpy.run_path(program, run_name="__main__")
