#!/usr/bin/env python3
"""Stored versions of schemas (schemas/<aggregate>/versions/<event>/), for register-schemas.sh.

schema-versions.py list             a line for each version to register, oldest first: full name, a tab, file
schema-versions.py numbers          the numbers in a registry's list of versions, which comes on standard input
schema-versions.py knows NAME FILE  fails unless FILE, as a registry gave it, is a version of NAME but for documentation and order
"""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent / "schemas"


def full_name(text):
    record = json.loads(text)
    name, namespace = record["name"], record.get("namespace")
    return name if "." in name or not namespace else f"{namespace}.{name}"


def stored():
    """Name and file of each version since the last break on purpose."""
    for listed in sorted(ROOT.glob("*/versions/*/versions.json")):
        versions = json.loads(listed.read_text())
        breaks = [index for index, version in enumerate(versions) if version.get("breaking")]
        for version in versions[breaks[-1] if breaks else 0 :]:
            file = listed.parent / f"{version['version']}.avsc"
            yield full_name(file.read_text()), file


def meaning(schema):
    """The schema without documentation; members are compared without order anyway."""
    if isinstance(schema, dict):
        return {name: value if name == "default" else meaning(value) for name, value in schema.items() if name != "doc"}
    if isinstance(schema, list):
        return [meaning(part) for part in schema]
    return schema


def main(command, *rest):
    if command == "list":
        for name, file in stored():
            print(name, file, sep="\t")
    elif command == "numbers":
        answer = json.load(sys.stdin)
        for number in answer.get("schemaVersions", answer.get("Value", [])):
            print(int(number))
    elif command == "knows":
        wanted, given = rest
        text = meaning(json.loads(pathlib.Path(given).read_text()))
        return 0 if any(name == wanted and meaning(json.loads(file.read_text())) == text for name, file in stored()) else 1
    else:
        sys.exit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(main(*(sys.argv[1:] or ["help"])))
