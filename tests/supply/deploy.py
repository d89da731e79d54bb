"""Checks the compose file: valid for the Compose specification, and as locked down as docs/operations.md says.

Usage: deploy.py COMPOSE_FILE"""

import sys

from compose_spec import PyCompose

# What the container must not lose, with the value in the normal form of the specification.
REQUIRED = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "restart": "unless-stopped",
}
# Keys that would undo it.
FORBIDDEN = ["privileged", "cap_add", "devices", "network_mode", "pid", "ipc", "user"]


def main() -> int:
    path = sys.argv[1]
    with open(path, encoding="utf-8") as file:
        compose = PyCompose.from_yaml(file.read())
    compose.validate()
    problems = []
    services = compose.to_dict()["services"]
    for name, service in services.items():
        for key, value in REQUIRED.items():
            if service.get(key) != value:
                problems.append(f"{name}: {key} is {service.get(key)!r}, not {value!r}")
        problems += [f"{name}: {key} is set" for key in FORBIDDEN if service.get(key)]
        for key in ["healthcheck", "mem_limit", "pids_limit", "stop_grace_period", "tmpfs", "volumes", "logging"]:
            if not service.get(key):
                problems.append(f"{name}: {key} is missing")
        for port in service.get("ports", []):
            if not str(port if isinstance(port, str) else port.get("host_ip", "")).startswith("127.0.0.1"):
                problems.append(f"{name}: port {port} is published beyond this machine")
    if not services:
        problems.append("no service")
    for problem in problems:
        print(f"error: {path}: {problem}", file=sys.stderr)
    if not problems:
        print(f"{path}: {len(services)} service, valid and locked down", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
