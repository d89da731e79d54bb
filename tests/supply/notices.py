"""Prints the licence texts of all crates that the program contains, for release archives. Always the same text for the
same Cargo.lock.

Usage: notices.py TARGET   TARGET is a platform such as x86_64-unknown-linux-gnu"""

import pathlib
import sys

from crates import in_program

NAMES = ("license", "licence", "copying", "notice", "unlicense", "copyright")


def texts(package: dict) -> list:
    """The licence files in the sources of a crate."""
    folder = pathlib.Path(package["manifest_path"]).parent
    files = [path for path in folder.iterdir() if path.is_file() and path.name.lower().startswith(NAMES)]
    return [path.read_text(encoding="utf-8", errors="replace").strip() for path in sorted(files)]


def main() -> None:
    crates = in_program(sys.argv[1])
    # Most texts are the same: each is printed once, with the crates that it belongs to.
    users = {}
    for crate in crates:
        for text in texts(crate):
            users.setdefault(text, []).append(f"{crate['name']} {crate['version']}")
    print(f"hitrate contains {len(crates)} crates of others. Their licences:\n")
    for crate in crates:
        print(f"  {crate['name']} {crate['version']}: {crate['license'] or 'see its text below'}")
    for text, names in users.items():
        print(f"\n{'=' * 100}\n{', '.join(names)}\n{'-' * 100}\n{text}")


if __name__ == "__main__":
    main()
