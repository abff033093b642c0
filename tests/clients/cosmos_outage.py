"""azure-cosmos on an account that throttles it, and whose regions go away while it writes and reads."""

import json
import sys

from azure.cosmos import CosmosClient, PartitionKey

endpoints = json.load(sys.stdin)["cosmos"]
client = CosmosClient(endpoints["endpoint"], endpoints["key"], preferred_locations=["East US", "West US"])
database = client.create_database_if_not_exists("outage")
things = database.create_container_if_not_exists("things", PartitionKey(path="/kind"))
for n in range(40):
    things.upsert_item({"id": f"i{n}", "kind": "x", "n": n})
    assert things.read_item(f"i{n}", "x")["n"] == n
found = list(things.query_items("SELECT VALUE c.n FROM c ORDER BY c.n", partition_key="x"))
assert found == list(range(40)), found
print("ok")
