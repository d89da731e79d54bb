"""Checks the tools of the Model Context Protocol with the protocol's official client, on loopback with simulated data:
on standard input and output, from the saved snapshot and from a server, and under `/mcp` of that server.

Usage: PYTHON check.py HITRATE, with the Python from the folder that scripts/api-tools.sh prints.
"""

import asyncio
import json
import os
import sys
import urllib.parse
import urllib.request
from pathlib import Path

from mcp import Client, StdioServerParameters

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "api"))
from run import served  # noqa: E402

TOOLS = ["find_model", "recommend_host", "compare_endpoints", "history", "session_cost", "what_changed"]


def fail(what):
    sys.exit(f"MCP check: {what}")


def same(what, one, other):
    if one != other:
        fail(f"{what} differs:\n{json.dumps(one)[:2000]}\n{json.dumps(other)[:2000]}")


def part(what, some, whole):
    """Every field of `some` has the same value in `whole`."""
    same(what, some, {field: whole[field] for field in some})


def answer_of(base, path):
    with urllib.request.urlopen(f"{base}{path}", timeout=60) as answer:
        return json.load(answer)


async def called(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    if result.is_error:
        fail(f"{tool} {arguments}: {result.content[0].text}")
    same(f"the text of {tool}", json.loads(result.content[0].text), result.structured_content)
    return result.structured_content


async def failed(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    if not result.is_error:
        fail(f"{tool} {arguments} is not an error")
    return result.content[0].text


async def check(client, base):
    """Calls every tool and compares its answer with the API's. Returns the number of comparisons."""
    tools = (await client.list_tools()).tools
    same("the list of tools", [tool.name for tool in tools], TOOLS)
    for tool in tools:
        if not (tool.annotations and tool.annotations.read_only_hint):
            fail(f"{tool.name} is not marked as read-only")
    models = answer_of(base, "/api/v1/models?limit=500")
    model = next(one for one in models["data"] if one["variant"] == "standard" and one["endpoints"] > 2)["model_id"]
    path = urllib.parse.quote(model, safe="")

    found = await called(client, "find_model", query=model)
    part("find_model", next(one for one in found["data"] if one["model_id"] == model),
         next(one for one in models["data"] if one["model_id"] == model))
    same("meta", found["meta"], {name: value for name, value in models["meta"].items() if name != "next_cursor"})

    for mode in ("shortlist", "avoid", "pin"):
        advised = await called(client, "recommend_host", model=model, mode=mode, target="opencode")
        api = answer_of(base, f"/api/v1/preferences/{path}?mode={mode}&target=opencode")["data"]
        for field in ("model", "mode", "target", "provider", "why", "saving", "valid_until", "warnings"):
            same(f"recommend_host {field}", advised["data"][field], api[field])
        same("the hosts", advised["data"]["avoid" if mode == "avoid" else "hosts"], api["evidence"])
        if api["provider"] is None:
            same("a withheld configuration", advised["data"]["rendered"]["files"], [])
        else:
            same("the configuration", advised["data"]["rendered"], api["rendered"])

    compared = await called(client, "compare_endpoints", model=model, limit=3)
    costs = answer_of(base, f"/api/v1/cost/{path}")["data"]
    entry = answer_of(base, f"/api/v1/models/{path}")["data"]
    endpoints = {one["endpoint_id"]: one for one in entry["endpoints"]}
    for row, cost in zip(compared["data"]["endpoints"], costs["endpoints"]):
        part("a session", row["session"], cost)
        own = {field: value for field, value in row.items() if field not in ("session", "flags")}
        part("an endpoint", own, endpoints[cost["endpoint_id"]])
    shown = len(compared["data"]["endpoints"])
    same("left_off", compared["left_off"].get("endpoints", 0), len(costs["endpoints"]) - shown)

    tag = costs["endpoints"][0]["tag"]
    days = await called(client, "history", model=model, endpoint=tag, last=30)
    same("days", days["data"]["endpoints"][0]["days"], endpoints[costs["endpoints"][0]["endpoint_id"]]["days"])
    hours = await called(client, "history", model=model, endpoint=tag, every="hour", last=200)
    hourly = answer_of(base, f"/api/v1/hourly/{path}")["data"]
    same("hours", hours["data"]["endpoints"][0]["hours"],
         next(one for one in hourly["endpoints"] if one["tag"] == tag)["hours"])

    priced = await called(client, "session_cost", model=model, turns=4, output=500, limit=50)
    api = answer_of(base, f"/api/v1/cost/{path}?turns=4&output=500")["data"]
    for row, cost in zip(priced["data"]["endpoints"], api["endpoints"]):
        part("a cost", row, cost)

    changed = await called(client, "what_changed", limit=5)
    same("changes", changed["data"], answer_of(base, "/api/v1/changes?limit=5")["data"])

    message = await failed(client, "recommend_host", model=f"{model}-x")
    if model not in message or "find_model" not in message:
        fail(f"an unknown model is not explained: {message}")
    await failed(client, "session_cost", model=model, turns=0)
    await failed(client, "find_model", query=model, colour="red")


async def check_all(binary, data, base):
    ways = {
        "saved snapshot": StdioServerParameters(command=str(binary), args=["--data-dir", str(data), "mcp"]),
        "server": StdioServerParameters(command=str(binary), args=["mcp", "--url", base]),
        "/mcp": f"{base}/mcp",
    }
    for name, server in ways.items():
        # `legacy` is the handshake of the protocol's versions before 2026-07-28.
        for mode in ("auto", "legacy"):
            async with Client(server, mode=mode, read_timeout_seconds=120) as client:
                await check(client, base)
                print(f"passed: {name}, {mode} (protocol {client.protocol_version})")


def main():
    binary = Path(sys.argv[1]).resolve()
    # No proxy: all requests go to the local server.
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    with served(binary) as (_, data, base):
        asyncio.run(check_all(binary, data, base))


if __name__ == "__main__":
    main()
