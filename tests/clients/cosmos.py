"""azure-cosmos: items, conditions, queries, paging, batches, patches, change feeds, times to live, throughput, refusals."""

import datetime
import json
import sys
import time
import traceback
import uuid

from azure.core import MatchConditions
from azure.cosmos import CosmosClient, PartitionKey, ThroughputProperties, exceptions

endpoints = json.load(sys.stdin)["cosmos"]
client = CosmosClient(endpoints["endpoint"], endpoints["key"])
database = client.create_database_if_not_exists("python")


def container(paths="/kind", **options):
    key = PartitionKey(path=paths) if isinstance(paths, str) else PartitionKey(path=paths, kind="MultiHash")
    return database.create_container(f"things-{uuid.uuid4()}", partition_key=key, **options)


def filled(count=10, **options):
    things = container(**options)
    for n in range(count):
        things.create_item({"id": f"i{n}", "kind": f"k{n % 3}", "n": n})
    return things


def refused(status, operation, *names, substatus=None):
    """`operation` fails with `status`, and the message names what it is about."""
    try:
        operation()
    except exceptions.CosmosHttpResponseError as error:
        assert error.status_code == status, f"{error.status_code} instead of {status}: {error}"
        assert substatus is None or error.sub_status == substatus, f"{error.sub_status}: {error}"
        for name in names:
            assert name in str(error), f"{name!r} is not in {error}"
        return error
    raise AssertionError(f"not refused with {status}")


def eventually(what, found, seconds=20):
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, what
        time.sleep(0.1)
    return value


def case_databases_and_containers():
    name = f"db-{uuid.uuid4()}"
    made = client.create_database(name)
    refused(409, lambda: client.create_database(name))
    assert name in [found["id"] for found in client.list_databases()]
    things = made.create_container("c", PartitionKey(path="/kind"), default_ttl=60)
    refused(409, lambda: made.create_container("c", PartitionKey(path="/kind")))
    properties = things.read()
    assert properties["defaultTtl"] == 60 and properties["partitionKey"]["paths"] == ["/kind"], properties
    made.replace_container(things, PartitionKey(path="/kind"), default_ttl=120)
    assert things.read()["defaultTtl"] == 120
    assert [found["id"] for found in made.list_containers()] == ["c"]
    made.delete_container("c")
    refused(404, things.read)
    client.delete_database(name)
    refused(404, made.read)
    refused(404, lambda: client.delete_database(name))


def case_items_are_created_read_replaced_and_deleted():
    things = container()
    created = things.create_item({"id": "ä b", "kind": "x", "n": 1, "deep": {"list": [1, 2.5, None, "grüße"]}})
    assert all(created[name] for name in ["_rid", "_self", "_etag", "_ts"]), created
    refused(409, lambda: things.create_item({"id": "ä b", "kind": "x"}))
    assert things.read_item("ä b", "x")["deep"] == {"list": [1, 2.5, None, "grüße"]}
    refused(404, lambda: things.read_item("ä b", "y"))
    assert things.upsert_item({"id": "ä b", "kind": "x", "n": 2})["n"] == 2
    assert things.replace_item("ä b", {"id": "ä b", "kind": "x", "n": 3})["n"] == 3
    refused(404, lambda: things.replace_item("none", {"id": "none", "kind": "x"}))
    things.delete_item("ä b", "x")
    refused(404, lambda: things.delete_item("ä b", "x"))
    made = things.create_item({"kind": "x"}, enable_automatic_id_generation=True)
    assert things.read_item(made["id"], "x")["id"] == made["id"]


def case_ids_are_found_as_they_are_or_refused():
    things = container()
    for name in ("a b", "a%20b", "ä", "i" * 1023):
        things.create_item({"id": name, "kind": "k"})
        assert things.read_item(name, "k")["id"] == name
        things.delete_item(name, "k")
    # The client itself refuses those with a slash or a line break.
    for name in (".", "..", "a\x01b", "i" * 1024):
        refused(400, lambda: things.create_item({"id": name, "kind": "k"}))


def case_items_are_addressed_by_their_self_link():
    things = filled(6)
    # The loop of the client's README.
    for item in things.query_items("SELECT * FROM c WHERE c.n < 3", enable_cross_partition_query=True):
        things.delete_item(item, partition_key=item["kind"])
    left = list(things.read_all_items())
    assert sorted(item["n"] for item in left) == [3, 4, 5], left
    item = left[0]
    assert things.read_item(item, item["kind"])["id"] == item["id"]
    replaced = things.replace_item(item, {**item, "n": 30})
    assert replaced["n"] == 30 and replaced["_rid"] == item["_rid"], replaced
    patched = things.patch_item(item, item["kind"], [{"op": "incr", "path": "/n", "value": 1}])
    assert patched["n"] == 31, patched
    refused(404, lambda: things.read_item(item, "another"))
    things.delete_item(item, item["kind"])
    refused(404, lambda: things.read_item(item, item["kind"]))


def case_change_feed_of_a_range_by_its_id():
    things = filled(6)
    changes = things.query_items_change_feed(partition_key_range_id="0", is_start_from_beginning=True)
    assert sorted(change["n"] for change in changes) == [0, 1, 2, 3, 4, 5]


def case_every_kind_of_partition_key():
    things = container()
    for n, key in enumerate(["text", 1, 1.5, True, None, "ünï/code"]):
        things.create_item({"id": str(n), "kind": key})
        assert things.read_item(str(n), key)["kind"] == key
    assert len(list(things.read_all_items())) == 6


def case_conditions():
    things = container()
    created = things.create_item({"id": "a", "kind": "x", "n": 1})
    unmodified = {"etag": created["_etag"], "match_condition": MatchConditions.IfNotModified}
    things.replace_item("a", {"id": "a", "kind": "x", "n": 2}, **unmodified)
    stale = {"id": "a", "kind": "x", "n": 3}
    refused(412, lambda: things.replace_item("a", stale, **unmodified))
    refused(412, lambda: things.upsert_item(stale, **unmodified))
    refused(412, lambda: things.delete_item("a", "x", **unmodified))
    assert things.read_item("a", "x")["n"] == 2


def case_sizes():
    things = container()
    things.create_item({"id": "big", "kind": "x", "text": "t" * (1 << 20)})
    assert len(things.read_item("big", "x")["text"]) == 1 << 20
    refused(413, lambda: things.create_item({"id": "bigger", "kind": "x", "text": "t" * (2 << 20)}))
    refused(404, lambda: things.read_item("bigger", "x"))


def case_queries():
    things = filled()

    def found(query, **options):
        scope = {} if "partition_key" in options else {"enable_cross_partition_query": True}
        return list(things.query_items(query, **scope, **options))

    assert found("SELECT VALUE c.n FROM c WHERE c.n >= @n ORDER BY c.n DESC",
                 parameters=[{"name": "@n", "value": 7}]) == [9, 8, 7]
    assert found("SELECT VALUE COUNT(1) FROM c") == [10]
    assert found("SELECT VALUE SUM(c.n) FROM c", partition_key="k0") == [18]
    assert sorted(found("SELECT DISTINCT VALUE c.kind FROM c")) == ["k0", "k1", "k2"]
    assert found("SELECT TOP 2 VALUE c.n FROM c ORDER BY c.n") == [0, 1]
    assert found("SELECT VALUE c.n FROM c ORDER BY c.n OFFSET 3 LIMIT 2") == [3, 4]
    groups = found("SELECT c.kind, COUNT(1) AS many FROM c GROUP BY c.kind")
    assert {group["kind"]: group["many"] for group in groups} == {"k0": 4, "k1": 3, "k2": 3}
    assert found("SELECT VALUE c.id FROM c WHERE STARTSWITH(c.id, 'i1') AND IS_DEFINED(c.n)") == ["i1"]
    assert found('SELECT VALUE c["n"] FROM c WHERE c.id = "i4"') == [4]
    refused(400, lambda: found("SELECT FROM WHERE"))


def case_pages():
    things = filled(25)
    pages = things.query_items("SELECT * FROM c", enable_cross_partition_query=True, max_item_count=4).by_page()
    sizes, ids = [], set()
    for page in pages:
        items = list(page)
        sizes.append(len(items))
        ids.update(item["id"] for item in items)
    assert max(sizes) <= 4 and len(ids) == 25, sizes
    # A token leads on where the page before it ended.
    first = things.query_items("SELECT VALUE c.n FROM c", partition_key="k1", max_item_count=3).by_page()
    head = list(next(first))
    rest = things.query_items("SELECT VALUE c.n FROM c", partition_key="k1", max_item_count=3)
    tail = [n for page in rest.by_page(first.continuation_token) for n in page]
    assert sorted(head + tail) == [n for n in range(25) if n % 3 == 1], (head, tail)


def case_deletions_while_paging_hide_nothing():
    for query in ("SELECT * FROM c", "SELECT * FROM c ORDER BY c.n", "SELECT * FROM c ORDER BY c.n DESC"):
        things = container()
        for n in range(40):
            things.create_item({"id": f"i{n}", "kind": "k", "n": n})
        seen = 0
        for page in things.query_items(query, partition_key="k", max_item_count=10).by_page():
            for item in list(page):
                seen += 1
                things.delete_item(item["id"], "k")
        assert seen == 40, (query, seen)


def case_wrong_partition_keys():
    things = container()
    connection = things.client_connection
    options = {"partitionKey": "other"}
    refused(400, lambda: connection.CreateItem(things.container_link, {"id": "a", "kind": "x"}, options), substatus=1001)


def case_a_container_made_anew_is_another():
    things = container()
    things.create_item({"id": "a", "kind": "x"})
    stale = CosmosClient(endpoints["endpoint"], endpoints["key"])
    stale = stale.get_database_client("python").get_container_client(things.id)
    before = stale.create_item({"id": "b", "kind": "x"})
    database.delete_container(things.id)
    database.create_container(things.id, PartitionKey(path="/kind"))
    made = stale.create_item({"id": "c", "kind": "x"})
    assert made["_self"].split("/")[3] != before["_self"].split("/")[3] and stale.read_item("c", "x")["_rid"] == made["_rid"], (made, before)
    refused(404, lambda: stale.read_item("a", "x"))
    database.delete_container(things.id)
    database.create_container(things.id, PartitionKey(path="/other"))
    # The client looks again, and finds that what it took for the key is none.
    refused(400, lambda: stale.create_item({"id": "d", "kind": "x", "other": "y"}), substatus=1001)


def case_batches_are_atomic():
    things = filled()
    results = things.execute_item_batch([
        ("create", ({"id": "new", "kind": "k0", "n": 100},)),
        ("read", ("i0",)),
        ("replace", ("i3", {"id": "i3", "kind": "k0", "n": 103})),
        ("upsert", ({"id": "i6", "kind": "k0", "n": 106},)),
        ("delete", ("i9",)),
    ], "k0")
    assert [result["statusCode"] for result in results] == [201, 200, 200, 200, 204], results
    try:
        things.execute_item_batch([
            ("upsert", ({"id": "i0", "kind": "k0", "n": -1},)),
            ("create", ({"id": "new", "kind": "k0"},)),
            ("delete", ("i3",)),
        ], "k0")
        raise AssertionError("a batch with a conflict must fail")
    except exceptions.CosmosBatchOperationError as error:
        assert error.error_index == 1, error
        assert [response["statusCode"] for response in error.operation_responses] == [424, 409, 424], error
    assert things.read_item("i0", "k0")["n"] == 0 and things.read_item("i3", "k0")["n"] == 103
    etag = things.read_item("i0", "k0")["_etag"]
    replacement = {"id": "i0", "kind": "k0", "n": 1}
    things.execute_item_batch([("replace", ("i0", replacement), {"if_match_etag": etag})], "k0")
    try:
        things.execute_item_batch([("replace", ("i0", replacement), {"if_match_etag": etag})], "k0")
        raise AssertionError("a stale condition must fail")
    except exceptions.CosmosBatchOperationError as error:
        assert error.operation_responses[0]["statusCode"] == 412, error


def case_batches_patch():
    things = filled()
    bump = [{"op": "incr", "path": "/n", "value": 5}]
    things.execute_item_batch([("patch", ("i0", bump)), ("patch", ("i3", bump), {"filter_predicate": "from c where c.n = 3"})],
                              "k0")
    assert [things.read_item(name, "k0")["n"] for name in ("i0", "i3")] == [5, 8]
    try:
        things.execute_item_batch([("patch", ("i0", bump)),
                                   ("patch", ("i3", bump), {"filter_predicate": "from c where c.n = 3"})], "k0")
        raise AssertionError("a condition that is not met must fail")
    except exceptions.CosmosBatchOperationError as error:
        assert error.operation_responses[1]["statusCode"] == 412, error
    assert things.read_item("i0", "k0")["n"] == 5


def case_a_batch_fails_by_the_patch_that_cannot_be_made():
    things = container()
    things.create_item({"id": "a", "kind": "x"})
    views = things.execute_item_batch([("patch", ("a", [{"op": "incr", "path": "/views", "value": 1}]))], "x")
    assert views[0]["resourceBody"]["views"] == 1, views
    try:
        things.execute_item_batch([("create", ({"id": "b", "kind": "x"},)),
                                   ("patch", ("a", [{"op": "remove", "path": "/none"}]))], "x")
        raise AssertionError("a patch of nothing must fail")
    except exceptions.CosmosBatchOperationError as error:
        assert [it["statusCode"] for it in error.operation_responses] == [424, 400], error.operation_responses
    refused(404, lambda: things.read_item("b", "x"))


def case_patches():
    things = container()
    things.create_item({"id": "a", "kind": "x", "n": 1, "list": [1, 3], "old": True})
    patched = things.patch_item("a", "x", [
        {"op": "incr", "path": "/n", "value": 4},
        {"op": "add", "path": "/list/1", "value": 2},
        {"op": "set", "path": "/new", "value": {"deep": "x"}},
        {"op": "replace", "path": "/new/deep", "value": "y"},
        {"op": "remove", "path": "/old"},
    ])
    assert (patched["n"], patched["list"], patched["new"], "old" in patched) == (5, [1, 2, 3], {"deep": "y"}, False)
    bump = [{"op": "incr", "path": "/n", "value": 1}]
    assert things.patch_item("a", "x", bump, filter_predicate="from c where c.n = 5")["n"] == 6
    refused(412, lambda: things.patch_item("a", "x", bump, filter_predicate="from c where c.n = 5"))
    refused(400, lambda: things.patch_item("a", "x", bump, filter_predicate="from c where c.n ="), "condition")
    refused(404, lambda: things.patch_item("none", "x", bump))
    refused(400, lambda: things.patch_item("a", "x", [{"op": "replace", "path": "/none", "value": 1}]))
    assert things.read_item("a", "x")["n"] == 6
    assert things.patch_item("a", "x", [{"op": "incr", "path": "/views", "value": 1}])["views"] == 1
    assert things.patch_item("a", "x", [{"op": "move", "from": "/n", "path": "/new/n"}])["new"] == {"deep": "y", "n": 6}
    assert things.patch_item("a", "x", [{"op": "set", "path": "/list/0", "value": 9}])["list"] == [9, 2, 3]
    refused(400, lambda: things.patch_item("a", "x", bump * 11))


def case_change_feed_from_every_start():
    things = filled()
    everything = {item["id"] for item in things.query_items_change_feed(start_time="Beginning")}
    assert everything == {f"i{n}" for n in range(10)}
    assert list(things.query_items_change_feed(start_time="Now")) == []
    token = things.client_connection.last_response_headers["etag"]
    things.upsert_item({"id": "i4", "kind": "k1", "n": 40})
    things.upsert_item({"id": "i4", "kind": "k1", "n": 41})
    things.delete_item("i5", "k2")
    news = list(things.query_items_change_feed(continuation=token))
    assert [(item["id"], item["n"]) for item in news] == [("i4", 41)], "the latest version, and no deletes"
    of_key = things.query_items_change_feed(start_time="Beginning", partition_key="k1")
    assert {item["id"] for item in of_key} == {"i1", "i4", "i7"}
    ids = set()
    for feed_range in things.read_feed_ranges():
        ids.update(item["id"] for item in things.query_items_change_feed(start_time="Beginning", feed_range=feed_range))
    assert ids == everything - {"i5"}
    pages = [list(page) for page in
             things.query_items_change_feed(start_time="Beginning", partition_key="k0", max_item_count=2).by_page()]
    assert all(len(page) <= 2 for page in pages) and sum(len(page) for page in pages) == 4, pages
    hour = datetime.timedelta(hours=1)
    now = datetime.datetime.now(datetime.timezone.utc)
    assert len(list(things.query_items_change_feed(start_time=now - hour))) == 9
    assert len(list(things.query_items_change_feed(start_time=now + hour))) == 0
    refused(400, lambda: list(things.query_items_change_feed(mode="AllVersionsAndDeletes")), "AllVersionsAndDeletes")


def case_times_to_live():
    things = container(default_ttl=-1)
    things.create_item({"id": "brief", "kind": "x", "ttl": 1})
    things.create_item({"id": "long", "kind": "x", "ttl": 1000})
    things.create_item({"id": "plain", "kind": "x"})
    eventually("the brief item expires",
               lambda: "brief" not in [item["id"] for item in things.query_items("SELECT * FROM c", partition_key="x")])
    refused(404, lambda: things.read_item("brief", "x"))
    assert {item["id"] for item in things.query_items_change_feed(start_time="Beginning")} == {"long", "plain"}
    things.create_item({"id": "brief", "kind": "x"})
    for wrong in (0, None):
        refused(400, lambda: things.create_item({"id": "wrong", "kind": "x", "ttl": wrong}), "ttl")


def case_unique_keys():
    things = container(unique_key_policy={"uniqueKeys": [{"paths": ["/name"]}]})
    things.create_item({"id": "a", "kind": "x", "name": "n"})
    refused(409, lambda: things.create_item({"id": "b", "kind": "x", "name": "n"}))
    things.create_item({"id": "b", "kind": "y", "name": "n"})


def case_hierarchical_keys():
    things = container(["/tenant", "/user"])
    for tenant, user in [("t1", "a"), ("t1", "b"), ("t2", "a")]:
        things.create_item({"id": f"{tenant}{user}", "tenant": tenant, "user": user})
    assert things.read_item("t1b", ["t1", "b"])["user"] == "b"
    refused(404, lambda: things.read_item("t1b", ["t2", "b"]))
    found = things.query_items("SELECT VALUE c.id FROM c", partition_key=["t1"])
    assert sorted(found) == ["t1a", "t1b"]
    changed = things.query_items_change_feed(start_time="Beginning", partition_key=["t1", "a"])
    assert [item["id"] for item in changed] == ["t1a"]


def case_throughput():
    assert container().get_throughput().offer_throughput == 400
    scaled = container(offer_throughput=ThroughputProperties(auto_scale_max_throughput=4000))
    assert scaled.get_throughput().auto_scale_max_throughput == 4000
    growing = ThroughputProperties(auto_scale_max_throughput=4000, auto_scale_increment_percent=10)
    growing = container(offer_throughput=growing)
    assert growing.get_throughput().auto_scale_increment_percent == 10
    growing.replace_throughput(ThroughputProperties(auto_scale_max_throughput=5000, auto_scale_increment_percent=20))
    grown = growing.get_throughput()
    assert (grown.auto_scale_max_throughput, grown.auto_scale_increment_percent) == (5000, 20)
    name = f"db-{uuid.uuid4()}"
    shared = client.create_database(name, offer_throughput=600)
    assert shared.get_throughput().offer_throughput == 600
    assert shared.replace_throughput(700).offer_throughput == 700
    client.delete_database(name)
    things = container(offer_throughput=500)
    assert things.get_throughput().offer_throughput == 500
    assert things.replace_throughput(900).offer_throughput == 900
    assert things.get_throughput().offer_throughput == 900


def case_sessions():
    things = container()
    seen = {}
    things.create_item({"id": "a", "kind": "x"}, response_hook=lambda headers, _: seen.update(headers))
    token = seen["x-ms-session-token"]
    assert things.read_item("a", "x", session_token=token)["id"] == "a"
    other = CosmosClient(endpoints["endpoint"], endpoints["key"])
    same = other.get_database_client("python").get_container_client(things.id)
    assert same.read_item("a", "x", session_token=token)["id"] == "a"


def case_refusals():
    stranger = CosmosClient.__new__(CosmosClient)
    refused(401, lambda: stranger.__init__(endpoints["endpoint"], "bm90IHRoZSBrZXkgb2YgdGhpcyBhY2NvdW50"))
    things = container()
    refused(501, lambda: things.scripts.create_stored_procedure({"id": "s", "body": "function () {}"}), "Stored procedures")
    refused(501, lambda: things.scripts.create_trigger(
        {"id": "t", "body": "function () {}", "triggerType": "Pre", "triggerOperation": "All"}), "Triggers")
    refused(501, lambda: things.scripts.create_user_defined_function({"id": "u", "body": "function () {}"}),
            "User-defined functions")
    refused(501, lambda: list(things.list_conflicts()), "conflict feed")
    refused(501, lambda: things.delete_all_items_by_partition_key("x"), "partition key")
    refused(501, lambda: database.create_user({"id": "somebody"}), "Users")
    refused(404, lambda: database.get_container_client("none").create_item({"id": "a", "kind": "x"}))


failed = []
for name, case in list(globals().items()):
    if name.startswith("case_"):
        try:
            case()
        except Exception:  # The next case may tell more.
            failed.append(name)
            traceback.print_exc()
if failed:
    sys.exit(f"failed: {', '.join(failed)}")
print("ok")
