"""Reads Jetstream v2 with the Python SDK, and prints every event as a line of JSON.

    python3 atproto_driver.py atproto|atproto-async SPEC

SPEC is a JSON object: urls (one), wantedCollections, wantedDids, compress, and perhaps kinds, and replay: to start with
everything that the server has. The SDK tracks the cursor, reconnects and drops what it has seen; this program adds only time_us,
the event's time as a number.
"""

import asyncio
import json
import sys
from datetime import datetime, timedelta, timezone

from atproto_client.models.utils import get_model_as_dict
from atproto_jetstream import AsyncJetstreamClient, JetstreamClient

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def show(message):
    event = get_model_as_dict(message)
    time = datetime.fromisoformat(event["time"].replace("Z", "+00:00"))
    event["time_us"] = (time - EPOCH) // timedelta(microseconds=1)
    print(json.dumps(event), flush=True)


def client_of(kind, spec):
    # Its models cannot read sync events.
    params = {"kinds": spec.get("kinds", ["commit", "identity", "account"])}
    if spec["wantedCollections"]:
        params["collections"] = spec["wantedCollections"]
    if spec["wantedDids"]:
        params["dids"] = spec["wantedDids"]
    return kind(params, base_uri=f"{spec['urls'][0]}/xrpc", compress=spec["compress"], api_key="any")


def run(spec):
    client = client_of(JetstreamClient, spec)
    if spec.get("replay"):
        for message in client.replay():
            show(message)
    else:
        client.start(show)


async def run_async(spec):
    client = client_of(AsyncJetstreamClient, spec)

    async def show_async(message):
        show(message)

    if spec.get("replay"):
        async for message in client.replay():
            show(message)
    else:
        await client.start(show_async)


if __name__ == "__main__":
    _, name, text = sys.argv
    if name == "atproto":
        run(json.loads(text))
    else:
        asyncio.run(run_async(json.loads(text)))
