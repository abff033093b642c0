"""Two processors of one consumer group share the partitions of a hub through checkpoints in blobs; one is killed, the
other takes over, and no event is lost."""

import json
import subprocess
import sys
import threading
import time

from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient
from azure.eventhub.extensions.checkpointstoreblob import BlobCheckpointStore
from azure.storage.blob import ContainerClient

HUB, GROUP, CONTAINER = "shared", "processors", "python-checkpoints"
# The client serves its partitions in turn, on one thread (`EventProcessor.start`). A turn reads up to `prefetch` frames, ends early only
# where none comes for `socket_timeout` (`Connection.listen`), and hands over one event (`EventHubConsumer.receive`). With the defaults,
# 300 and 0.2 s, a turn at a partition whose events come singly takes up to a minute, and a quiet partition makes 300 events held of
# another take as long. Meanwhile a link that opens makes no step, and events of the others lie unread in the client's sockets: 47 s in
# one turn were measured. The hub did not pause: in 300 take-overs by kill, stop, theft, higher level and close, in plain text and over
# TLS, 0.12 s at most lay between credit and first event. These two bound a turn to a fifth of a second.
FRAMES_A_TURN, SILENCE = 10, 0.02
EXPIRATION = 5
# A new owner waits for the expiration, a round of claims and the ten turns that a link takes to open, each beside three others: 13 s.
# The rest is for machines with much else to do.
PATIENCE = 60
text = sys.stdin.read()
endpoints = json.loads(text)
CONNECTION, BLOB = endpoints["eventHubs"]["connectionString"], endpoints["blob"]["connectionString"]


def process(name):
    """A processor: tells each event, and only then sets the checkpoint."""
    store = BlobCheckpointStore.from_connection_string(BLOB, CONTAINER)
    client = EventHubConsumerClient.from_connection_string(
        CONNECTION, consumer_group=GROUP, eventhub_name=HUB, checkpoint_store=store, load_balancing_interval=1,
        partition_ownership_expiration_interval=EXPIRATION, socket_timeout=SILENCE)

    def on_event(context, event):
        print(json.dumps([name, context.partition_id, event.sequence_number, event.body_as_str()]), flush=True)
        context.update_checkpoint(event)

    client.receive(on_event=on_event, starting_position="-1", prefetch=FRAMES_A_TURN)


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
                stop.wait(0.05)

        loading = threading.Thread(target=load)
        loading.start()
        processors.update({name: Processor(name, told) for name in ["first", "second"]})

        def owners(since=0):
            """Who told of each partition last, of the events from number `since` on."""
            return {partition: name for name, partition, _, body in told if int(body) >= since}

        until("both have partitions", lambda: len(set(owners().values())) == 2)
        processors.pop("first").kill()
        killed = len(sent)
        until("the other has all", lambda: owners(killed) == dict.fromkeys(partitions, "second"))
        # A newcomer gets its share again.
        processors["third"] = Processor("third", told)
        until("the newcomer has a share", lambda: "third" in owners(killed).values())
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
