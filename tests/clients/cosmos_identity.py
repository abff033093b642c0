"""azure-cosmos with tokens of identities: what roles allow, and what no token does."""

import json
import sys
import time

from azure.core.credentials import AccessToken
from azure.cosmos import CosmosClient, PartitionKey, exceptions

given = json.load(sys.stdin)["cosmos"]


class Identity:
    """A credential as azure-identity has them: asked for a scope, answers with a token."""

    def __init__(self, name):
        self.token = given["tokens"][name]

    def get_token(self, *scopes, **_):
        assert scopes[0] in ("https://127.0.0.1/.default", "https://cosmos.azure.com/.default"), scopes
        return AccessToken(self.token, int(time.time()) + 600)


def client(name):
    return CosmosClient(given["endpoint"], Identity(name), connection_verify=given["certificate"])


def refused(status, operation, *names, substatus=None):
    try:
        operation()
    except exceptions.CosmosHttpResponseError as error:
        assert (error.status_code, error.sub_status) == (status, substatus or error.sub_status), error
        for name in names:
            assert name in str(error), f"{name!r} is not in {error}"
        return
    raise AssertionError(f"not refused with {status}")


writer = client("writer").get_database_client("catalog").get_container_client("products")
writer.upsert_item({"id": "a", "n": 1})
assert writer.read_item("a", "a")["n"] == 1
refused(403, lambda: client("writer").create_database("mine"), "POST /dbs", substatus=5300)
refused(403, lambda: client("writer").get_database_client("catalog").create_container("c", PartitionKey(path="/id")),
        substatus=5300)
reader = client("reader").get_database_client("catalog").get_container_client("products")
assert [item["id"] for item in reader.query_items("SELECT * FROM c", partition_key="a")] == ["a"]
assert [item["id"] for item in reader.query_items_change_feed(start_time="Beginning")] == ["a"]
refused(403, lambda: reader.upsert_item({"id": "a", "n": 2}), "Cosmos DB Built-in Data Contributor", substatus=5301)
elsewhere = client("reader").get_database_client("site").get_container_client("products")
refused(403, lambda: elsewhere.read_item("a", "a"), "cosmos/site/products", substatus=5301)
refused(401, lambda: client("forger").get_database_client("catalog").read())
assert reader.read_item("a", "a")["n"] == 1
print("ok")
