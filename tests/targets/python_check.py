"""Runs a program of a text with its requests to OpenRouter sent to the upstream on loopback instead.

Usage: python_check.py UPSTREAM PROGRAM ; the libraries have no common setting for the address, but all of them use httpx.
"""

import os
import runpy
import sys

import httpx

upstream, program = sys.argv[1:]
# Some read the address from here; all shall be redirected in the same way.
os.environ.pop("OPENROUTER_API_BASE", None)
API = httpx.URL("https://openrouter.ai/api/v1")


def redirected(request):
    assert request.url.host == API.host, f"a request to {request.url}"
    path = request.url.raw_path.decode().removeprefix(API.raw_path.decode())
    request.url = httpx.URL(upstream + path)
    request.headers["host"] = request.url.netloc.decode()


def patch(client, is_async):
    send = client.send

    def sync_send(self, request, **options):
        redirected(request)
        return send(self, request, **options)

    async def async_send(self, request, **options):
        redirected(request)
        return await send(self, request, **options)

    client.send = async_send if is_async else sync_send


patch(httpx.Client, False)
patch(httpx.AsyncClient, True)
runpy.run_path(program, run_name="__main__")
