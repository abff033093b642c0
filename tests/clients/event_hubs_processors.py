"""Two processors of one consumer group share the partitions of a hub through checkpoints in blobs; one is killed, the
other takes over, and no event is lost."""

import collections
import json
import subprocess
import sys
import threading
import time

from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient
from azure.eventhub.extensions.checkpointstoreblob import BlobCheckpointStore
from azure.storage.blob import ContainerClient

HUB, GROUP, CONTAINER = "shared", "processors", "python-checkpoints"
# A new owner of a partition has been seen to read nothing for a minute before it went on; why is not known yet.
PATIENCE = 180
text = sys.stdin.read()
endpoints = json.loads(text)
CONNECTION, BLOB = endpoints["eventHubs"]["connectionString"], endpoints["blob"]["connectionString"]


def process(name):
    """A processor: tells each event, and only then sets the checkpoint."""
    store = BlobCheckpointStore.from_connection_string(BLOB, CONTAINER)
    client = EventHubConsumerClient.from_connection_string(
        CONNECTION, consumer_group=GROUP, eventhub_name=HUB, checkpoint_store=store, load_balancing_interval=1,
        partition_ownership_expiration_interval=5)

    def on_event(context, event):
        print(json.dumps([name, context.partition_id, event.sequence_number, event.body_as_str()]), flush=True)
        context.update_checkpoint(event)

    client.receive(on_event=on_event, starting_position="-1")


class Processor:
    def __init__(self, name, told):
        self.child = subprocess.Popen([sys.executable, __file__, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      text=True)
        self.child.stdin.write(text)
        self.child.stdin.close()
        self.thread = threading.Thread(target=self.read, args=(told,), daemon=True)
        self.thread.start()

    def read(self, told):
        for line in self.child.stdout:
            # A killed process may leave half a line, which counts as not told.
            if line.endswith("\n"):
                told.append(json.loads(line))

    def kill(self):
        self.child.kill()
        self.child.wait()
        self.thread.join(PATIENCE)


def until(what, condition, state=lambda: ""):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what} {state()}"
        time.sleep(0.05)


def main():
    ContainerClient.from_connection_string(BLOB, CONTAINER).create_container()
    processors, stop = {}, threading.Event()
    try:
        share(processors, stop)
    finally:
        # Whatever went wrong: who waits for the end of our output waits for theirs too.
        stop.set()
        for processor in processors.values():
            processor.kill()


def share(processors, stop):
    told, sent = [], []
    with EventHubProducerClient.from_connection_string(CONNECTION, eventhub_name=HUB) as client:
        partitions = client.get_partition_ids()

        def load():
            while not stop.is_set():
                for partition in partitions:
                    body = str(len(sent))
                    client.send_event(EventData(body), partition_id=partition)
                    sent.append((partition, body))
                stop.wait(0.02)

        loading = threading.Thread(target=load)
        loading.start()
        processors.update({name: Processor(name, told) for name in ["first", "second"]})

        def owners(since):
            owners = collections.defaultdict(set)
            for name, partition, _, _ in told[since:]:
                owners[name].add(partition)
            return owners

        until("both have partitions", lambda: len(owners(-200)) == 2)
        processors.pop("first").kill()
        killed = len(told)
        until("the other has all", lambda: owners(killed)["second"] == set(partitions))
        # A newcomer gets its share again.
        processors["third"] = Processor("third", told)
        until("the newcomer has a share", lambda: len(owners(killed)["third"]) >= 1)
        stop.set()
        loading.join(PATIENCE)

        def missing():
            return sorted(set(sent) - {(partition, body) for _, partition, _, body in told})

        until("everything is told", lambda: not missing(), lambda: (missing()[:10], len(sent), told[-4:]))
        for processor in processors.values():
            processor.kill()

    # No gap in any partition, each number always the same event; repeats only around a change of hands.
    for partition in partitions:
        bodies = {}
        for _, where, number, body in told:
            if where == partition:
                assert bodies.setdefault(number, body) == body
        assert sorted(bodies) == list(range(len(bodies))), partition
        assert [bodies[number] for number in sorted(bodies)] == [body for where, body in sent if where == partition]
    store = BlobCheckpointStore.from_connection_string(BLOB, CONTAINER)
    assert {entry["partition_id"] for entry in store.list_ownership("127.0.0.1", HUB, GROUP)} <= set(partitions)
    repeats = len(told) - len(sent)
    print(f"{len(sent)} events, {repeats} told twice")
    print("ok")


if len(sys.argv) > 1:
    process(sys.argv[1])
else:
    main()
