"""Runs checkov's Bicep rules over a folder and prints, as JSON, what it could not read, what it saw and what it found.

The command of checkov exits with 0 on a file that it cannot parse, and prints no resource that no rule is about; so its runner is
asked itself. Nothing is downloaded.
"""

import json
import sys

import checkov.arm.checks  # noqa: F401  rules for templates of either language, which register themselves
from checkov.bicep.runner import Runner
from checkov.runner_filter import RunnerFilter

folder = sys.argv[1]
report = Runner().run(root_folder=folder, runner_filter=RunnerFilter(framework=["bicep"]))
if isinstance(report, list):
    report = report[0]


def below(path):
    """A path from the folder."""
    return path.removeprefix(folder).lstrip("/")


def seen():
    """Every resource as path:Type.symbol; parameters, which checkov counts too, have a type without a slash."""
    names = {below(name) for name in report.resources}
    names |= {f"{below(extra.file_path)}:{extra.resource}" for extra in report.extra_resources}
    return sorted(name for name in names if "/" in name.split(":", 1)[1])


found = [
    {"rule": record.check_id, "name": record.check_name, "resource": f"{below(record.file_path)}:{record.resource}"}
    for record in report.failed_checks
]
print(
    json.dumps(
        {
            "unread": sorted(below(str(path)) for path in report.parsing_errors),
            "resources": seen(),
            "passed": len(report.passed_checks),
            "found": found,
        }
    )
)
