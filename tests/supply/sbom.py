"""Finishes and checks a bill of materials: no folder of this machine in it, valid for the schema of CycloneDX, and
exactly the crates that Cargo.lock puts into the program.

Usage: sbom.py RAW OUT TARGET"""

import json
import os
import pathlib
import re
import sys
import tomllib

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from crates import in_program


def without_folders(text: str) -> str:
    """The names of this package contain the folder of the checkout; replaced, they are the same everywhere. Cargo leaves
    the name of the package out if the folder has the same one."""
    folder = re.escape("file://" + os.getcwd())
    return re.sub(folder, "file:///hitrate", re.sub(rf"path\+{folder}#(?=\d)", "path+file:///hitrate#hitrate@", text))


def main() -> int:
    raw, out, target = sys.argv[1:]
    document = json.loads(without_folders(pathlib.Path(raw).read_text(encoding="utf-8")))
    document["components"].sort(key=lambda component: component["bom-ref"])
    document["dependencies"].sort(key=lambda dependency: dependency["ref"])
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    problems = []
    for folder in [os.getcwd(), os.path.expanduser("~")]:
        if folder != "/" and folder in text:
            problems.append(f"it contains {folder}")
    if (document.get("bomFormat"), document.get("specVersion")) != ("CycloneDX", "1.5"):
        problems.append(f"it is {document.get('bomFormat')} {document.get('specVersion')}, expected CycloneDX 1.5")
    if document.get("serialNumber"):
        problems.append("it has a serial number, which is random")
    invalid = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text)
    if invalid:
        problems.append(f"it is invalid: {invalid}")

    lock = tomllib.loads(pathlib.Path("Cargo.lock").read_text(encoding="utf-8"))
    sums = {(package["name"], package["version"]): package.get("checksum") for package in lock["package"]}
    listed = {(component["name"], component["version"]): component for component in document["components"]}
    expected = {(crate["name"], crate["version"]) for crate in in_program(target)}
    problems += [f"{name} {version} is missing" for name, version in sorted(expected - set(listed))]
    problems += [f"{name} {version} is not in the program" for name, version in sorted(set(listed) - expected)]
    for key, component in sorted(listed.items()):
        hashes = [one["content"] for one in component.get("hashes", []) if one["alg"] == "SHA-256"]
        if hashes != [sums.get(key)]:
            problems.append(f"{key[0]} {key[1]} has the sha256 {hashes}, but Cargo.lock has {sums.get(key)}")
        if not component.get("licenses") or not component.get("purl"):
            problems.append(f"{key[0]} {key[1]} has no licence or no package URL")
    refs = {component["bom-ref"] for component in document["components"]}
    refs.add(document["metadata"]["component"]["bom-ref"])
    for dependency in document["dependencies"]:
        for ref in [dependency["ref"], *dependency.get("dependsOn", [])]:
            if ref not in refs:
                problems.append(f"the dependency {ref} is not a component")

    for problem in problems:
        print(f"error: {raw}: {problem}", file=sys.stderr)
    if problems:
        return 1
    pathlib.Path(out).write_text(text, encoding="utf-8")
    print(f"wrote {out}: {len(listed)} crates, valid CycloneDX 1.5", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
