"""The OpenAPI document by itself: whether it is one, and what fits its schemas."""

import functools
import json
import pathlib
import sys
import tomllib

import jsonschema
import openapi_spec_validator
import referencing
import referencing.jsonschema

HERE = pathlib.Path(__file__).parent
PROJECT = HERE.parent.parent
FILE = PROJECT / "schemas" / "openapi.json"
PAGE = PROJECT / "docs" / "http-api.md"

# What examples have for a partner's endpoint.
ENDPOINT = "https://hooks.example.com/contoso"


def fail(text):
    sys.exit(f"{FILE.name}: {text}")


def read():
    return json.loads(FILE.read_text())


def operations(document):
    """Path, method and operation, of every operation."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield path, method, operation


def places(value, at=""):
    """Every object of a document with its JSON pointer."""
    if isinstance(value, dict):
        yield at, value
        for name, member in value.items():
            yield from places(member, f"{at}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from places(member, f"{at}/{index}")


class Schemas:
    """Schemas of the document, by JSON pointer."""

    def __init__(self, document):
        resource = referencing.jsonschema.DRAFT202012.create_resource(document)
        self.registry = referencing.Registry().with_resource("urn:document", resource)

    def errors(self, pointer, instance):
        validator = jsonschema.Draft202012Validator(
            {"$ref": f"urn:document#{pointer}"}, registry=self.registry, format_checker=jsonschema.FormatChecker()
        )
        return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:400]}" for error in validator.iter_errors(instance)]


def check(document, schemas):
    openapi_spec_validator.validate(document)
    for at, place in places(document):
        # OpenAPI 3.1 has no such word; validators pass it over, and it means nothing.
        if "nullable" in place:
            fail(f"{at} says nullable")
        examples = place.get("examples")
        if isinstance(examples, list) and at.startswith("/components/schemas"):
            for example in examples:
                if wrong := schemas.errors(at, example):
                    fail(f"{at}: the example {example} does not fit: {wrong}")


def check_false_alarms(document):
    """What is not counted is about operations that there are, and stands on the page."""
    known, page = {operation["operationId"] for _, _, operation in operations(document)}, PAGE.read_text()
    for entry in tomllib.loads((HERE / "schemathesis.toml").read_text())["operations"]:
        named = entry["include-operation-id"]
        for name in [named] if isinstance(named, str) else named:
            if name not in known or f"`{name}`" not in page:
                sys.exit(f"schemathesis.toml names {name}, which is no operation, or {PAGE.name} does not name it")


def resolved(document, schema):
    """A schema behind its reference, and without the null that it may be."""
    while True:
        if "$ref" in schema:
            schema = functools.reduce(lambda at, name: at[name], schema["$ref"].split("/")[1:], document)
        elif "anyOf" in schema:
            schema = next(one for one in schema["anyOf"] if one.get("type") != "null")
        else:
            return schema


def integers(document, schema):
    """Members of an object that are integers, as paths of names."""
    for name, member in resolved(document, schema).get("properties", {}).items():
        member = resolved(document, member)
        types = member.get("type", [])
        if "integer" in ([types] if isinstance(types, str) else types):
            yield [name]
        else:
            yield from ([name, *below] for below in integers(document, member))
