"""Compares the figures in docs/dependencies.md (version, licence, number of crates) with cargo's own.

Usage: dependencies.py [--update]   --update writes the figures of the rows that are there; new rows need a reason, so
they are written by hand."""

import json
import re
import subprocess
import sys

DOCUMENT = "docs/dependencies.md"
PLATFORM = "x86_64-unknown-linux-gnu"


def metadata() -> dict:
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", PLATFORM]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def reached(nodes: dict, start: str) -> set:
    """All packages that one needs to be built and run, itself included."""
    found, left = set(), [start]
    while left:
        package = left.pop()
        if package not in found:
            found.add(package)
            left += [d["pkg"] for d in nodes[package]["deps"] if any(k["kind"] != "dev" for k in d["dep_kinds"])]
    return found


def figures() -> dict:
    """The cells of each direct dependency: version, licence, crates with itself, those of them that nothing else needs."""
    data = metadata()
    packages = {package["id"]: package for package in data["packages"]}
    nodes = {node["id"]: node for node in data["resolve"]["nodes"]}
    direct = {dep["pkg"] for dep in nodes[data["resolve"]["root"]]["deps"]}
    trees = {package: reached(nodes, package) for package in direct}
    cells = {}
    for package, tree in trees.items():
        others = set().union(*(trees[other] for other in direct if other != package))
        licence = packages[package]["license"].replace("/", " OR ").replace("  ", " ")
        version = packages[package]["version"].split("+")[0]
        cells[packages[package]["name"]] = [version, licence, str(len(tree)), str(len(tree - others))]
    return cells


def main() -> int:
    with open(DOCUMENT, encoding="utf-8") as file:
        text = file.read()
    real, problems, lines = figures(), 0, []
    for line in text.splitlines():
        row = re.match(r"\| `([^`]+)` \|", line)
        if row and row[1] in real:
            cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
            if cells[1:5] != real[row[1]]:
                problems += 1
                print(f"{DOCUMENT}: {row[1]}: {cells[1:5]}, but cargo has {real[row[1]]}", file=sys.stderr)
                cells[1:5] = real[row[1]]
                line = "| " + " | ".join(cells) + " |"
        lines.append(line)
    if problems and "--update" in sys.argv:
        with open(DOCUMENT, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        return 0
    if problems:
        print("run: python3 tests/supply/dependencies.py --update", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
