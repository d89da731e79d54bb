"""Adds what the description of the API cannot express: which names exist, and which values are incompatible.

Valid cases get names that exist on the server, half of them also in the path, so that not every answer is 404.
Cases that are meant to be invalid stay unchanged.
"""

import json
import os
import zlib

import schemathesis

KNOWN = json.loads(os.environ["HITRATE_KNOWN"])


def pick(names, seed):
    return names[zlib.crc32(str(seed).encode()) % len(names)]


def put_in_order(query):
    """Makes bounds consistent, and makes sure that prompts have tokens."""
    if query.get("from") is not None and query.get("to") is not None:
        query["from"], query["to"] = "2020-01-01T00:00:00Z", query["to"]
        if query["to"] <= query["from"]:
            del query["from"]
    for name in ("first_prompt", "new_input"):
        if name in query and float(query[name]) == 0:
            query[name] = 1
    # Which hosts exist depends on the model; `at` has tests of its own.
    query.pop("at", None)
    if "parameters" in query:
        query["parameters"] = pick(["tools", "tools,temperature", "response_format"], query["parameters"])


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    query = case.query or {}
    if "workload" in query:
        query["workload"] = pick(KNOWN["workloads"], query["workload"])
    # A cursor identifies an entry of the previous page; a made-up cursor matches nothing.
    query.pop("cursor", None)
    put_in_order(query)
    path = case.path_parameters or {}
    if "id" in path and zlib.crc32(str(path["id"]).encode()) % 2:
        path["id"] = pick(KNOWN["endpoints"], path["id"])["id"]
    if "tag" in path and zlib.crc32(str(path["tag"]).encode()) % 2:
        one = pick(KNOWN["endpoints"], path["tag"])
        path["tag"] = one["tag"]
        path["author"], path["slug"] = one["model"].split("/", 1)
        return
    if "file" in path:
        path["file"] = pick(["opencode.json", "litellm.yaml", "codex.toml", "curl.sh"], path["file"])
    if "slug" in path and zlib.crc32(str(path["slug"]).encode()) % 2:
        if "author" in path:
            path["author"], path["slug"] = pick(KNOWN["models"], path["slug"]).split("/", 1)
        else:
            path["slug"] = pick(KNOWN["providers"], path["slug"])
