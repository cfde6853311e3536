"""Reads /subscribe with the websockets library, and prints every event as a line of JSON.

    python3 driver.py websockets SPEC

SPEC is a JSON object: urls, wantedCollections, wantedDids, compress, dictionary (a file), and perhaps update
{after, wantedCollections}: the filter to request after this many events.

The library knows WebSockets, not Jetstream: cursor, choice of the URL and decompression are what its users write
around it. This one goes to the next URL of the list after every end of a connection, and resumes with the time_us of
the last event it has seen. The library offers permessage-deflate by default, and that is left on.
"""

import asyncio
import itertools
import json
import sys
from urllib.parse import urlencode

import websockets
import zstandard

PAUSE_S = 0.5


class Subscription:
    """A stream of events over as many connections as it takes."""

    def __init__(self, spec):
        self.spec = spec
        self.cursor = None
        self.count = 0
        self.decompressor = None
        if spec.get("compress"):
            with open(spec["dictionary"], "rb") as file:
                dictionary = zstandard.ZstdCompressionDict(file.read())
            self.decompressor = zstandard.ZstdDecompressor(dict_data=dictionary)

    async def run(self):
        for url in itertools.cycle(self.spec["urls"]):
            try:
                async with websockets.connect(self.address(url)) as websocket:
                    await self.read(websocket)
            except (OSError, websockets.WebSocketException) as error:
                print(f"{url}: {error!r}", file=sys.stderr)
            await asyncio.sleep(PAUSE_S)

    async def read(self, websocket):
        async for message in websocket:
            if self.decompressor:
                message = self.decompressor.decompress(message)
            event = json.loads(message)
            self.cursor = event["time_us"]
            print(json.dumps(event), flush=True)
            self.count += 1
            update = self.spec.get("update")
            if update and self.count == update["after"]:
                payload = {"wantedCollections": update["wantedCollections"]}
                await websocket.send(json.dumps({"type": "options_update", "payload": payload}))

    def address(self, url):
        query = [("wantedCollections", value) for value in self.spec["wantedCollections"]]
        query += [("wantedDids", value) for value in self.spec["wantedDids"]]
        if self.decompressor:
            query.append(("compress", "true"))
        if self.cursor is not None:
            query.append(("cursor", self.cursor))
        return f"{url}/subscribe?{urlencode(query)}"


if __name__ == "__main__":
    asyncio.run(Subscription(json.loads(sys.argv[2])).run())
