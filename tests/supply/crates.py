"""The crates that the program of a release contains."""

import json
import subprocess


def in_program(target: str) -> list:
    """What cargo says of each crate (name, version, licence, manifest), without hitrate itself, for a platform such as
    x86_64-unknown-linux-gnu. Crates that only tests or builds need are not in it."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--features", "bundled"]
    output = subprocess.run(command + ["--filter-platform", target], check=True, stdout=subprocess.PIPE).stdout
    data = json.loads(output)
    nodes = {node["id"]: node for node in data["resolve"]["nodes"]}
    root = data["resolve"]["root"]
    found, left = set(), [root]
    while left:
        package = left.pop()
        if package not in found:
            found.add(package)
            deps = nodes[package]["deps"]
            left += [dep["pkg"] for dep in deps if any(kind["kind"] is None for kind in dep["dep_kinds"])]
    crates = [package for package in data["packages"] if package["id"] in found - {root}]
    return sorted(crates, key=lambda crate: (crate["name"], crate["version"]))
