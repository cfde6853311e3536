"""Prints the events of a Jetstream server, one JSON object per line, across reconnects and restarts.

    python3 jetstream.py ws://localhost:6008 likes.cursor app.bsky.feed.like

The file holds the time_us of the last event that was handled. A crash between handling an event and writing the file
repeats that one event, so handling must be repeat-safe.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from urllib.parse import urlencode

import websockets

FIRST_PAUSE, LAST_PAUSE = 0.5, 30
MAX_EVENT_BYTES = 4 << 20


async def events(server, cursor, collections):
    """Yields every event once, in order. Reconnects forever."""
    pause = FIRST_PAUSE
    while True:
        query = [("wantedCollections", collection) for collection in collections]
        if cursor:
            query.append(("cursor", cursor))
        try:
            url = f"{server}/subscribe?{urlencode(query)}"
            async with websockets.connect(url, max_size=MAX_EVENT_BYTES) as socket:
                async for message in socket:
                    time_us = json.loads(message)["time_us"]
                    # Cursors are inclusive: a reconnect repeats the event at the cursor.
                    if time_us <= cursor:
                        continue
                    cursor, pause = time_us, FIRST_PAUSE
                    yield message, cursor
                reason = socket.close_reason
        except websockets.InvalidStatus as refusal:
            status, body = refusal.response.status_code, refusal.response.body
            if status == 400:
                raise SystemExit(f"the server refuses the request: {body.decode()}")
            reason = f"HTTP {status}"
        except (OSError, websockets.WebSocketException) as error:
            reason = error
        print(f"disconnected: {reason}; reconnecting in {pause} s", file=sys.stderr)
        await asyncio.sleep(pause)
        pause = min(2 * pause, LAST_PAUSE)


def load(path):
    return int(path.read_text()) if path.exists() else 0


def save(path, cursor):
    """Replaces the file in one step: a crash leaves the old cursor or the new one."""
    new = path.with_suffix(".new")
    new.write_text(str(cursor))
    os.replace(new, path)


async def main(server, file, *collections):
    path = Path(file)
    async for event, cursor in events(server, load(path), collections):
        print(event, flush=True)
        save(path, cursor)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit("usage: jetstream.py SERVER CURSOR_FILE [COLLECTION...]")
    try:
        asyncio.run(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        pass
