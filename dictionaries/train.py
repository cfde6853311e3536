"""Trains v2.zdict, the dictionary of Jetstream v2's frames, from simulated events.

    fanjet-simulator --rate max --limit 30000 --accounts 300 --records-per-repo 100 --expect-out events.jsonl
    pip install zstandard==0.25.0
    python3 train.py events.jsonl v2.zdict

The simulator's accounts, texts and addresses are made up, so the dictionary contains no one's words. Its id is outside
the reserved ranges (below 32,768, and from 2^31 on). A changed dictionary needs another id: clients cache it by its id.
"""

import json
import sys

import zstandard

ID = 0x66616E32
SIZE = 16_384
# One time per event, so that no time in particular is worth an entry.
START_US, STEP_US = 1_783_175_887_000_000, 1_250_000


def frame(number, line):
    """One event as v2 sends it."""
    event = json.loads(line["v1"])
    kind = event["kind"]
    payload = {"did": event["did"], "seq": 3_600_000_000_000 + number * 7919, "time": time_of(number)}
    payload.update(event["commit"] if kind == "commit" else {kind: event[kind]})
    payload = {"$type": f"network.bsky.jetstream.subscribeEvents#{kind}", **dict(sorted(payload.items()))}
    message = {"$type": "message", "payload": payload}
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()


def time_of(number):
    from datetime import datetime, timedelta, timezone

    time = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=START_US + number * STEP_US)
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def main(source, target):
    with open(source, encoding="utf-8") as lines:
        events = [line for line in map(json.loads, lines) if line["v1"]]
    samples = [frame(number, line) for number, line in enumerate(events)]
    dictionary = zstandard.train_dictionary(SIZE, samples, dict_id=ID, level=1)
    with open(target, "wb") as out:
        out.write(dictionary.as_bytes())


if __name__ == "__main__":
    main(*sys.argv[1:])
