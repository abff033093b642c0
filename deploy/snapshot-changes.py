#!/usr/bin/env python3
"""What a change of the templates changes in each environment: snapshot-changes.py BEFORE AFTER

Both are folders of snapshots as deploy/bicep-check.sh writes them. Printed, in Markdown, are the resources that come and go and the properties
that become others; it judges none of them, as what-if does against what is deployed.
"""

import json
import pathlib
import sys


def resources(file):
    """Resources of a snapshot by their ids."""
    if not file.is_file():
        return {}
    listed = json.loads(file.read_text(encoding="utf-8")).get("predictedResources", [])
    return {str(it.get("id") or f"{it.get('type')} {it.get('name')}"): it for it in listed}


def leaves(value, path=""):
    """Every value by its path, as `properties.sku.name`; items of lists by their index."""
    if isinstance(value, (dict, list)) and value:
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, f"{path}.{key}" if path else str(key))
    else:
        yield path, json.dumps(value)


def changes(before, after):
    for name in sorted(before.keys() | after.keys()):
        short = name.partition("/providers/")[2] if "/resourceGroups/" in name else name
        if name not in after:
            yield f"- gone: `{short or name}`"
        elif name not in before:
            yield f"- new: `{short or name}`"
        elif before[name] != after[name]:
            old, new = dict(leaves(before[name])), dict(leaves(after[name]))
            yield f"- other: `{short or name}`"
            for path in sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path)):
                yield f"  - `{path}`: `{old.get(path, 'not there')}`, now `{new.get(path, 'not there')}`"


def main(before, after):
    names = {file.name for folder in (before, after) for file in pathlib.Path(folder).glob("*.snapshot.json")}
    if not names:
        sys.exit(f"no snapshots in {before} and {after}")
    for name in sorted(names):
        lines = list(changes(*(resources(pathlib.Path(folder) / name) for folder in (before, after))))
        print(f"### {name.partition('.')[0]}\n")
        print("\n".join(lines[:500]) or "Nothing changes.")
        if len(lines) > 500:
            print(f"\n… and {len(lines) - 500} lines more, in the snapshots")
        print()


if __name__ == "__main__":
    main(*sys.argv[1:])
