"""Prints events of collections from Fanjet's log in NATS, one per line: the stream sequence, a tab, the JSON.

    export NATS_URL=nats://localhost:4222 NATS_USER=reader NATS_PASSWORD=... NATS_DOMAIN=fanjet
    python3 nats_log.py likes 0 app.bsky.feed.like

The consumer ("likes") is durable: NATS keeps its position, and several processes with the same name share the work. The
number is a time_us to begin at when the consumer is new; 0 is the oldest event. After a crash, events that were not
acknowledged come again, so handling must be repeat-safe: the stream sequence identifies an event forever.
"""

import asyncio
import json
import os
import sys
from datetime import datetime, timedelta, timezone

import nats
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

STREAM, RETENTION_S, CLOCK_SLACK = "ATP", 72 * 3600, timedelta(seconds=5)


def config(name, since, collections):
    start = datetime.fromtimestamp(since / 1e6, timezone.utc) - CLOCK_SLACK if since else None
    return ConsumerConfig(
        name=name,
        durable_name=name,
        # Rare collections share subjects: see docs/use/nats.md.
        filter_subjects=["atp.commit._.*", *(f"atp.commit.{nsid}" for nsid in collections)],
        deliver_policy=DeliverPolicy.BY_START_TIME if since else DeliverPolicy.ALL,
        opt_start_time=start and start.isoformat().replace("+00:00", "Z"),
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=10,
        inactive_threshold=RETENTION_S,
    )


def is_wanted(message, since, collections):
    """Excludes messages that are not events, other collections on shared subjects, and events before the start."""
    headers = message.headers or {}
    collection = headers.get("Fanjet-Collection")
    return (
        "Fanjet-Origin" in headers
        and (collection is None or collection in collections)
        and json.loads(message.data)["time_us"] >= since
    )


async def main(name, since, *collections):
    since = int(since)
    env = os.environ.get
    login = {"user": env("NATS_USER"), "password": env("NATS_PASSWORD")}
    connection = await nats.connect(os.environ["NATS_URL"], **login, max_reconnect_attempts=-1)
    jetstream = connection.jetstream(domain=env("NATS_DOMAIN"))
    try:
        await jetstream.consumer_info(STREAM, name)
    except NotFoundError:
        await jetstream.add_consumer(STREAM, config(name, since, collections))
    messages = await jetstream.pull_subscribe_bind(durable=name, stream=STREAM)
    while True:
        try:
            batch = await messages.fetch(100, timeout=5)
        except nats.errors.Error as error:
            # No new events, or no connection: the client reconnects by itself.
            if not isinstance(error, nats.errors.TimeoutError):
                print(f"fetch failed: {error}", file=sys.stderr)
                await asyncio.sleep(1)
            continue
        for message in batch:
            if is_wanted(message, since, collections):
                print(message.metadata.sequence.stream, message.data.decode(), sep="\t", flush=True)
            await message.ack()


if __name__ == "__main__":
    if len(sys.argv) < 4:
        raise SystemExit("usage: nats_log.py CONSUMER SINCE_TIME_US COLLECTION...")
    asyncio.run(main(*sys.argv[1:]))
