"""Reads examples by generated bindings, as bindings.mjs does."""

import importlib.util
import json
import sys

given = json.load(sys.stdin)
spec = importlib.util.spec_from_file_location("bindings_under_test", given["module"])
bindings = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bindings)
for case in given["cases"]:
    parse, value = getattr(bindings, case["parse"]), json.loads(case["text"])
    if case["valid"]:
        assert parse(value) == json.loads(case["text"]), case
        continue
    try:
        parse(value)
    except bindings.InvalidData as error:
        assert (case.get("says") or "") in str(error), (case, str(error))
    else:
        raise AssertionError(f"it was taken: {case}")
print(len(given["cases"]), "cases")
