"""Loads LiteLLM's configurations in its own Router and sends a request through each; prints the results as JSON.

Usage: litellm_check.py CONFIG... ; the upstream is OPENROUTER_API_BASE.
"""

import asyncio
import json
import sys

import yaml
from litellm import Router


async def ask(path):
    with open(path, encoding="utf-8") as file:
        config = yaml.safe_load(file)
    router = Router(model_list=config["model_list"], **config.get("router_settings", {}))
    model = config["model_list"][0]["model_name"]
    answer = await router.acompletion(model=model, messages=[{"role": "user", "content": "hello"}])
    hidden = answer._hidden_params
    return {"path": path, "deployment": hidden.get("model_id"), "cost": hidden.get("response_cost")}


async def main():
    print(json.dumps([await ask(path) for path in sys.argv[1:]]))


asyncio.run(main())
