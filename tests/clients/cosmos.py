"""azure-cosmos: items, conditions, a query, a batch and the change feed."""

import json
import sys

from azure.core import MatchConditions
from azure.cosmos import CosmosClient, PartitionKey, exceptions

endpoints = json.load(sys.stdin)["cosmos"]
client = CosmosClient(endpoints["endpoint"], endpoints["key"])
database = client.create_database_if_not_exists("python")
container = database.create_container_if_not_exists("things", partition_key=PartitionKey(path="/kind"))

created = container.create_item({"id": "a", "kind": "x", "n": 1})
try:
    container.create_item({"id": "a", "kind": "x", "n": 1})
    raise AssertionError("a second create must conflict")
except exceptions.CosmosResourceExistsError:
    pass

replaced = container.replace_item("a", {"id": "a", "kind": "x", "n": 2}, etag=created["_etag"],
                                  match_condition=MatchConditions.IfNotModified)
assert replaced["n"] == 2
try:
    container.replace_item("a", {"id": "a", "kind": "x", "n": 3}, etag=created["_etag"],
                           match_condition=MatchConditions.IfNotModified)
    raise AssertionError("a stale condition must fail")
except exceptions.CosmosAccessConditionFailedError:
    pass

container.execute_item_batch([("create", ({"id": "b", "kind": "x", "n": 5},)),
                              ("upsert", ({"id": "c", "kind": "x", "n": 9},))], "x")
found = container.query_items("SELECT VALUE c.id FROM c WHERE c.n > @least ORDER BY c.n",
                              parameters=[{"name": "@least", "value": 3}], partition_key="x")
assert list(found) == ["b", "c"]

feed = {item["id"]: item["n"] for item in container.query_items_change_feed(start_time="Beginning")}
assert feed == {"a": 2, "b": 5, "c": 9}, feed
print("ok")
