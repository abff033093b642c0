#!/usr/bin/env python3
"""What-if changes that must not pass unseen: what-if-gate.py CHANGES [ACCEPTED]

CHANGES is the JSON that `az deployment sub what-if --no-pretty-print` prints. Every change is listed, in Markdown. The exit code is 1 where a
resource would be deleted, or a partition key, SKU or network property of one modified: each of those loses data, cuts somebody off, or is
refused halfway. What-if also reports changes that it makes up (defaults, diagnostics, system topics), so a finding whose line stands in ACCEPTED
passes; lines that begin with # are comments.
"""

import json
import re
import sys

# Parts of a property's path, in any case.
GUARDED = re.compile(
    r"(^|\.)(partitionkey|sku|network\w*|publicnetworkaccess|virtualnetwork\w*|subnets?|addressprefix\w*|addressspace"
    r"|private\w*connections?|ipsecurityrestrictions\w*|bypass)(\.|$)",
    re.IGNORECASE,
)


def paths(delta, prefix=""):
    """Every changed property, as `properties.sku.name`; items of lists by their index."""
    for change in delta or []:
        if change.get("propertyChangeType") == "NoEffect":
            continue
        path = f"{prefix}.{change['path']}" if prefix else str(change["path"])
        yield path
        yield from paths(change.get("children"), path)


def resource(identifier):
    """Type and names of a resource, without subscription and group: `Microsoft.Web/sites/func-a`."""
    return re.sub(r"^/subscriptions/[^/]+(/resourceGroups/[^/]+)?(/providers)?/?", "", identifier, flags=re.IGNORECASE) or identifier


def main(changes, accepted=None):
    with open(changes, encoding="utf-8") as file:
        answer = json.load(file)
    if str(answer.get("status", "")).lower() != "succeeded" or not isinstance(answer.get("changes"), list):
        sys.exit(f"{changes}: no answer of a what-if that succeeded")
    allowed = set()
    if accepted:
        with open(accepted, encoding="utf-8") as file:
            allowed = {line.strip() for line in file if line.strip() and not line.startswith("#")}

    counts, findings = {}, []
    for change in answer["changes"]:
        kind, name = change["changeType"], resource(change["resourceId"])
        counts[kind] = counts.get(kind, 0) + 1
        if kind not in ("Ignore", "NoChange", "NoEffect"):
            print(f"- {kind} `{name}`")
        if kind == "Delete":
            findings.append(f"Delete {name}")
        for path in paths(change.get("delta")) if kind == "Modify" else ():
            print(f"  - `{path}`")
            if GUARDED.search(path):
                findings.append(f"Modify {name} {path}")
    print("\n" + (", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "no changes"))

    refused = [finding for finding in findings if finding not in allowed]
    for finding in findings:
        print(f"{'REFUSED' if finding in refused else 'accepted'}: {finding}")
    if refused:
        sys.exit(f"{len(refused)} changes cannot be undone; a line that is meant goes into deploy/what-if-accepted.txt, for review")


if __name__ == "__main__":
    main(*sys.argv[1:])
