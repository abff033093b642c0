"""azure-schemaregistry and its Avro encoder: registering, finding, versions, compatibility, roles, encoding."""

import json
import uuid

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.eventhub import EventData
from azure.schemaregistry import SchemaFormat, SchemaRegistryClient
from azure.schemaregistry.encoder.avroencoder import AvroEncoder, InvalidContentError, InvalidSchemaError

from suite import Identity, case, endpoints, refused, run

HOST = endpoints["eventHubs"]["schemaRegistryNamespace"]


def client(name="writer"):
    return SchemaRegistryClient(HOST, Identity(name))


def schema(*fields):
    """A record with a name of its own."""
    name = f"R{uuid.uuid4().hex}"
    fields = [dict(name=field, type=kind, **more) for field, kind, more in fields]
    return f"suite.{name}", {"type": "record", "namespace": "suite", "name": name, "fields": fields}


registry = client()


def register(group, name, definition):
    return registry.register_schema(group, name, json.dumps(definition), "Avro")


@case
def a_schema_is_registered_and_found():
    """a schema is registered once, and found by id, content and version"""
    name, definition = schema(("a", "string", {}))
    made = register("suites", name, definition)
    assert len(made.id) == 32 and made.version == 1 and made.name == name and made.group_name == "suites"
    assert made.format == SchemaFormat.AVRO
    again = register("suites", name, definition)
    assert (again.id, again.version) == (made.id, 1)
    assert registry.get_schema_properties("suites", name, json.dumps(definition), "Avro").id == made.id
    read = registry.get_schema(made.id)
    assert json.loads(read.definition) == definition
    assert (read.properties.id, read.properties.version, read.properties.name) == (made.id, 1, name)
    assert json.loads(registry.get_schema(group_name="suites", name=name, version=1).definition) == definition


@case
def versions_count():
    """a changed definition is the next version, under an id of its own"""
    name, definition = schema(("a", "string", {}))
    first = register("suites", name, definition)
    definition["fields"].append({"name": "b", "type": "int", "default": 0})
    second = register("suites", name, definition)
    assert second.version == 2 and second.id != first.id
    assert len(json.loads(registry.get_schema(first.id).definition)["fields"]) == 1
    assert len(json.loads(registry.get_schema(group_name="suites", name=name, version=2).definition)["fields"]) == 2


@case
def compatibility_is_checked():
    """what cannot read old data is refused in a backward group and taken in one without checks"""
    for group, compatible in [("suites", False), ("loose", True)]:
        name, definition = schema(("a", "string", {}))
        register(group, name, definition)
        definition["fields"].append({"name": "b", "type": "int"})
        if compatible:
            assert register(group, name, definition).version == 2
        else:
            error = refused(HttpResponseError, lambda: register(group, name, definition))
            assert 400 <= error.status_code < 500, error
            assert "b" in str(error), error


@case
def what_is_missing_is_not_found():
    """unknown ids, names, versions and groups are 404"""
    name, definition = schema(("a", "string", {}))
    text = json.dumps(definition)
    refused(ResourceNotFoundError, lambda: registry.get_schema("0" * 32), 404)
    refused(ResourceNotFoundError, lambda: registry.get_schema_properties("suites", name, text, "Avro"), 404)
    refused(ResourceNotFoundError, lambda: registry.get_schema(group_name="suites", name=name, version=1), 404)
    refused(ResourceNotFoundError, lambda: register("nowhere", name, definition), 404)
    made = register("suites", name, definition)
    assert made.version == 1
    refused(ResourceNotFoundError, lambda: registry.get_schema(group_name="suites", name=name, version=2), 404)


@case
def what_is_no_schema_is_refused():
    """text that is no Avro schema is refused"""
    for text in ["", "{", '{"type":"record"}', '{"type":"nothing"}']:
        refused(HttpResponseError, lambda: registry.register_schema("suites", "suite.Bad", text or " ", "Avro"), 400)


@case
def roles_count():
    """a reader does not register, and an identity without a role does not even read"""
    name, definition = schema(("a", "string", {}))
    made = register("suites", name, definition)
    text = json.dumps(definition)
    assert client("reader").get_schema(made.id).properties.id == made.id
    refused(HttpResponseError, lambda: client("reader").register_schema("suites", name, text, "Avro"), 403)
    refused(HttpResponseError, lambda: client("stranger").get_schema(made.id), 403)


@case
def tokens_count():
    """a token for another service, and one that nobody signed, are refused"""

    class Elsewhere(Identity):
        def get_token(self, *scopes, **more):
            return super().get_token("https://vault.azure.net/.default", **more)

    class Forged(Identity):
        def get_token(self, *scopes, **more):
            token = super().get_token(*scopes, **more)
            head, body, _ = token.token.split(".")
            return token._replace(token=f"{head}.{body}.{'A' * 43}")

    for credential in [Elsewhere("writer"), Forged("writer")]:
        stranger = SchemaRegistryClient(HOST, credential)
        refused(ClientAuthenticationError, lambda: stranger.get_schema("0" * 32), 401)


@case
def the_encoder_registers_and_round_trips():
    """the Avro encoder registers where it is told to, and what it wrote it reads"""
    name, definition = schema(("text", "string", {}), ("count", "long", {}))
    text = json.dumps(definition)
    content = {"text": "grüße", "count": 7}
    with AvroEncoder(client=client(), group_name="suites", auto_register=True) as encoder:
        event = encoder.encode(content, schema=text, message_type=EventData)
        media, schema_id = event.content_type.split("+")
        assert media == "avro/binary" and registry.get_schema(schema_id).properties.name == name
        assert encoder.decode(event) == content
        refused(InvalidContentError, lambda: encoder.encode({"text": 1}, schema=text))
    with AvroEncoder(client=client("reader"), group_name="suites") as encoder:
        assert encoder.encode(content, schema=text)["content_type"] == event.content_type, "found, not registered"
        assert encoder.decode(event) == content


@case
def the_encoder_refuses_what_is_not_registered():
    """without auto registration an unknown schema is an error"""
    _, definition = schema(("a", "string", {}))
    with AvroEncoder(client=client(), group_name="suites") as encoder:
        refused(ResourceNotFoundError, lambda: encoder.encode({"a": "x"}, schema=json.dumps(definition)), 404)
        refused(InvalidSchemaError, lambda: encoder.encode({"a": "x"}, schema="{"))


@case
def a_reader_schema_resolves():
    """an old event is read by a newer reader schema"""
    name, definition = schema(("a", "string", {}))
    with AvroEncoder(client=client(), group_name="suites", auto_register=True) as encoder:
        old = encoder.encode({"a": "x"}, schema=json.dumps(definition), message_type=EventData)
        definition["fields"].append({"name": "b", "type": "int", "default": 5})
        register("suites", name, definition)
        assert encoder.decode(old, readers_schema=json.dumps(definition)) == {"a": "x", "b": 5}


run()
