"""Checks the texts in tests/targets/texts against the programs they are for: the real programs on loopback if a package
registry has them, otherwise published types and schemas. docs/targets.md lists which is which.

Usage: PYTHON run.py TOOLS, with the Python of the tools (scripts/target-tools.sh fetches them and prints
their directory).
The last line on standard output is `N passed, N failed`.
"""

import ast
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import traceback
import types as types_module
import typing
import urllib.request
from pathlib import Path

import json5
import yaml

from upstream import Upstream

HERE = Path(__file__).resolve().parent
TEXTS = HERE / "texts"
TOOLS = Path(sys.argv[1])
CASES = sorted(folder.name for folder in TEXTS.iterdir())
API = "https://openrouter.ai/api/v1"
KEY = "sk-of-the-proxy-in-a-check"
# Timeout of one program, seconds; only a program that hangs reaches it.
PATIENCE = 240

upstream = Upstream()
work = Path(tempfile.mkdtemp(prefix="hitrate-targets-"))
environment = {
    "PATH": os.environ["PATH"],
    "HOME": str(work),
    "OPENROUTER_API_KEY": "key",
    "OPENROUTER_API_BASE": upstream.url,
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_MASTER_KEY": KEY,
    # Programs may only reach loopback, whatever they look up at startup.
    **dict.fromkeys(["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"], "http://127.0.0.1:9"),
    **dict.fromkeys(["NO_PROXY", "no_proxy"], "127.0.0.1,localhost"),
}


def run(*command):
    """Standard output of a program that must succeed."""
    done = subprocess.run(
        [str(word) for word in command],
        env=environment, cwd=work, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
    )
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def facts(case):
    return json.loads((TEXTS / case / "case.json").read_text())


def sent_as_asked(case):
    """Checks that the newest request has the model and exactly the preferences of the case."""
    sent, wanted = upstream.last(), facts(case)
    assert sent["model"] == wanted["model"], sent
    assert sent["provider"] == wanted["provider"], (sent["provider"], wanted["provider"])
    return sent


def redirected(path, name):
    """A copy of a text that sends its requests to the upstream on loopback."""
    text = path.read_text()
    assert text.count(API) == 1, path
    copy = work / name
    copy.write_text(text.replace(API, upstream.url))
    return copy


def has(case, file):
    return (TEXTS / case / file).is_file()


def types():
    told = json.loads(run("node", HERE / "types.mjs", TEXTS, TOOLS / "node", work / "types").splitlines()[-1])
    assert told["checked"] > 25 and told["snippets"] == 2 * len(CASES), told


def typescript(case):
    compiled = work / "types" / f"{case}-typescript.js"
    copy = redirected(compiled, "types/run.js")
    assert run("node", copy) == "hello\n"
    assert sent_as_asked(case)["session_id"]


def langchain_js(case):
    environment["UPSTREAM"] = upstream.url
    compiled = work / "types" / f"{case}-langchain-js.js"
    assert run("node", "--import", (HERE / "redirect.mjs").as_uri(), compiled) == "hello\n"
    assert sent_as_asked(case)["session_id"]


def framework(target, case):
    """A program in Python that sends one request through a library."""
    answer = run(sys.executable, HERE / "python_check.py", upstream.url, TEXTS / case / f"{target}.py")
    assert answer == "hello\n", answer
    assert sent_as_asked(case)["session_id"]


def openhands(case):
    """No registry has the SDK for this Python: the program is compiled, and its one call is read."""
    tree = ast.parse((TEXTS / case / "openhands.py").read_text())
    call = next(node for node in ast.walk(tree) if isinstance(node, ast.Call))
    fields = {one.arg: one.value for one in call.keywords}
    wanted = facts(case)
    assert ast.literal_eval(fields["model"]) == f"openrouter/{wanted['model']}"
    assert ast.literal_eval(fields["litellm_extra_body"]) == {"provider": wanted["provider"]}


def preset(case):
    answer = json.loads(run("sh", redirected(TEXTS / case / "preset.sh", "preset.sh")))
    assert answer["choices"][0]["message"]["content"] == "hello"
    path = upstream.requests[-1]["path"]
    assert re.fullmatch(r"/api/v1/presets/[a-z0-9-]{1,80}/chat/completions", path), path
    sent_as_asked(case)


def preset_of(case):
    """The name that a tool gives as its model to use the preset of a case."""
    address = re.search(r"/presets/([a-z0-9-]+)/chat/completions", (TEXTS / case / "preset.sh").read_text())
    return f"{facts(case)['model']}@preset/{address[1]}"


def naming(case):
    """The settings of tools that name a preset; JSON and TOML are read by their own parsers."""
    name = preset_of(case)
    claude = json.loads((TEXTS / case / "claude-code.json").read_text())["env"]
    models = {value for variable, value in claude.items() if variable.endswith("_MODEL")}
    assert models == {name}, claude
    assert claude["ANTHROPIC_BASE_URL"] + "/v1" == API and claude["ANTHROPIC_API_KEY"] == "", claude
    codex = tomllib.loads((TEXTS / case / "codex.toml").read_text())
    provider = codex["model_providers"][codex["model_provider"]]
    assert (codex["model"], provider["base_url"], provider["wire_api"]) == (name, API, "responses"), codex
    tavern = json.loads((TEXTS / case / "sillytavern.json").read_text())
    assert tavern["openrouter_model"] == name and tavern["chat_completion_source"] == "openrouter", tavern
    assert tavern["openrouter_providers"] == [], tavern


def settings(case):
    """Settings that contain the whole object, by the rules of the documentation in their packages."""
    wanted = facts(case)
    openclaw = json5.loads((TEXTS / case / "openclaw.json").read_text())["agents"]["defaults"]["models"]
    assert openclaw == {f"openrouter/{wanted['model']}": {"params": {"provider": wanted["provider"]}}}, openclaw
    qwen = json.loads((TEXTS / case / "qwen-code.json").read_text())["modelProviders"]["openai"][0]
    assert (qwen["id"], qwen["baseUrl"], qwen["envKey"]) == (wanted["model"], API, "OPENROUTER_API_KEY"), qwen
    assert qwen["generationConfig"]["extra_body"] == {"provider": wanted["provider"]}, qwen
    crush = json.loads((TEXTS / case / "crush.json").read_text())["providers"]["openrouter"]
    assert crush["extra_body"] == {"provider": wanted["provider"]}, crush


def python(case):
    assert run(sys.executable, redirected(TEXTS / case / "python.py", "request.py")) == "hello\n"
    assert sent_as_asked(case)["session_id"]


def curl(case):
    answer = json.loads(run("sh", redirected(TEXTS / case / "curl.sh", "request.sh")))
    assert answer["choices"][0]["message"]["content"] == "hello"
    assert sent_as_asked(case)["session_id"]


def bifrost(case):
    environment["BIFROST_URL"] = upstream.url.removesuffix("/v1")
    run("sh", TEXTS / case / "bifrost.sh")
    sent, wanted = upstream.last(), facts(case)
    assert sent["model"] == f"openrouter/{wanted['model']}", sent
    assert sent["extra_params"] == {"provider": wanted["provider"]}, sent


def litellm_router():
    """Every configuration in LiteLLM's Router: what it sends, which deployment it chooses, and the cost it reports."""
    paths = [TEXTS / case / f"{target}.yaml" for case in CASES for target in ("litellm", "litellm-cost")]
    upstream.requests.clear()
    told = json.loads(run(sys.executable, HERE / "litellm_check.py", *paths).splitlines()[-1])
    sent = [request["body"] for request in upstream.requests]
    assert len(told) == len(sent) == len(paths)
    for path, answer, body in zip(paths, told, sent):
        wanted = facts(path.parent.name)
        config = yaml.safe_load(path.read_text())
        first = config["model_list"][0]
        price = first["litellm_params"]
        assert body["model"] == wanted["model"], path
        assert body["provider"] == price["extra_body"]["provider"], path
        if path.stem == "litellm":
            assert body["provider"] == wanted["provider"], path
        else:
            # The cheapest session is first; the Router must find it by price.
            assert answer["deployment"] == first["model_info"]["id"], (path, answer)
        # 1000 prompt tokens, 900 of them cached, at the mean effective price: no discount is applied twice.
        cost = 1000 * price["input_cost_per_token"] + 10 * price["output_cost_per_token"]
        assert abs(answer["cost"] / cost - 1) < 1e-6, (path, answer, cost)


def litellm_proxy():
    """The proxy itself, with a request like a client's."""
    case = "shortlist"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = TEXTS / case / "litellm.yaml"
    log = open(work / "proxy.log", "w", encoding="utf-8")
    command = [Path(sys.executable).with_name("litellm"), "--config", config, "--host", "127.0.0.1", "--port", str(port)]
    proxy = subprocess.Popen(command, env=environment, cwd=work, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/health/liveliness", proxy)
        body = {"model": facts(case)["model"], "messages": [{"role": "user", "content": "hello"}], "session_id": "one"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/chat/completions",
            json.dumps(body).encode(),
            {"content-type": "application/json", "authorization": f"Bearer {KEY}"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            assert json.load(answer)["choices"][0]["message"]["content"] == "hello"
        assert sent_as_asked(case)["session_id"] == "one"
    finally:
        proxy.terminate()
        proxy.wait()
        log.close()


def wait_for(url, process):
    until = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            assert process.poll() is None, (work / "proxy.log").read_text()[-2000:]
            assert time.monotonic() < until, f"{url} does not answer"
            time.sleep(0.2)


def aider(case):
    run(sys.executable, HERE / "aider_check.py", TEXTS / case / "aider.yaml", facts(case)["model"])
    sent_as_asked(case)


def program(name, case):
    run("node", HERE / "programs.mjs", TEXTS, TOOLS / "node", upstream.url, work, name, case)


def sending(name, case):
    program(name, case)
    sent_as_asked(case)


def vercel(case):
    program("vercel-ai-gateway", case)
    text = json.loads((TEXTS / case / "vercel-ai-gateway.json").read_text())
    assert upstream.last()["providerOptions"] == text["providerOptions"]


# The fields that Hermes and Zed read, according to their source code.
HERMES = {"only", "ignore", "order", "sort", "require_parameters", "data_collection"}
ZED = HERMES | {"allow_fallbacks", "quantizations"}


def hermes_preferences(routing):
    """The object that Hermes sends for a section of its settings: its gateway passes the fields to an agent, whose own
    function makes the object. Both are taken from the package's files, because the program has many dependencies."""
    passed = dict(re.findall(r'(\w+)=pr\.get\("(\w+)"', (TOOLS / "hermes/gateway/run.py").read_text()))
    tree = ast.parse((TOOLS / "hermes/agent/chat_completion_helpers.py").read_text())
    names = {"_OPENROUTER_PROVIDER_SORT_VALUES", "_validated_openrouter_provider_sort", "_provider_preferences_for_agent"}

    def defined(node):
        targets = getattr(node, "targets", []) + [getattr(node, "target", None)]
        return {getattr(node, "name", None)} | {getattr(target, "id", None) for target in targets}

    own = [node for node in tree.body if defined(node) & names]
    assert len(own) == len(names), own
    module = dict(vars(typing))
    exec(compile(ast.Module(own, []), "hermes", "exec"), module)
    agent = types_module.SimpleNamespace(**{field: routing.get(name) for field, name in passed.items()})
    return module["_provider_preferences_for_agent"](agent)


def hermes(case):
    routing = yaml.safe_load((TEXTS / case / "hermes.yaml").read_text())["provider_routing"]
    assert hermes_preferences(routing) == routing
    wanted = facts(case)["provider"]
    assert routing == {field: value for field, value in wanted.items() if field in HERMES}, routing


def zed(case):
    models = json.loads((TEXTS / case / "zed.json").read_text())["language_models"]["open_router"]["available_models"]
    wanted = facts(case)
    assert models[0]["name"] == wanted["model"] and models[0]["max_tokens"] > 0, models
    provider = {field: value for field, value in wanted["provider"].items() if field in ZED}
    if provider.get("data_collection") == "deny":
        provider["data_collection"] = "disallow"
    assert models[0]["provider"] == provider, models


def of_cases(check, *names, cases=CASES):
    """One check per case; the first name is the target's, the rest are passed to the check."""
    return [(f"{names[0]} {case}", lambda case=case: check(*names[1:], case)) for case in cases]


def all_checks():
    few = ["avoid", "limits", "hostile"]
    yield "published types", types
    yield "litellm router", litellm_router
    yield "litellm proxy", litellm_proxy
    yield from of_cases(typescript, "typescript")
    yield from of_cases(python, "python", cases=["limits", "hostile"])
    yield from of_cases(langchain_js, "langchain-js", cases=["limits", "hostile"])
    for target in ("langchain", "pydantic-ai", "llamaindex"):
        yield from of_cases(framework, target, target, cases=["limits", "hostile"])
    yield from of_cases(openhands, "openhands")
    yield from of_cases(curl, "curl")
    yield from of_cases(preset, "preset")
    yield from of_cases(naming, "tools with a preset")
    yield from of_cases(settings, "settings")
    yield from of_cases(program, "n8n", "n8n", cases=[case for case in CASES if has(case, "n8n.json")])
    yield from of_cases(aider, "aider", cases=["limits", "hostile"])
    yield from of_cases(sending, "opencode", "opencode", cases=few)
    yield from of_cases(sending, "claude-code-router", "claude-code-router", cases=few)
    yield from of_cases(program, "continue", "continue")
    yield from of_cases(program, "pi", "pi", cases=few)
    yield from of_cases(program, "roo", "roo", cases=[case for case in CASES if has(case, "roo.json")])
    yield from of_cases(vercel, "vercel", cases=[case for case in CASES if has(case, "vercel-ai-gateway.json")])
    yield from of_cases(bifrost, "bifrost")
    yield from of_cases(hermes, "hermes")
    yield from of_cases(zed, "zed")


def main():
    passed, failed = 0, 0
    try:
        for name, check in all_checks():
            upstream.requests.clear()
            started = time.monotonic()
            try:
                check()
                passed += 1
                print(f"ok     {name} ({time.monotonic() - started:.1f} s)", file=sys.stderr)
            except Exception:
                failed += 1
                print(f"FAILED {name}: {re.sub(r'(?m)^', '  ', traceback.format_exc())}", file=sys.stderr)
    finally:
        upstream.close()
        shutil.rmtree(work, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
