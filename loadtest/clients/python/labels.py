"""The label clients of the Python SDK, as its own page shows the firehose's. Prints a line per message.

Arguments: `sync` or `async`, and the base URI. The cursor moves with each message, so that reconnects resume.
"""

import asyncio
import json
import sys

from atproto import (
    AsyncFirehoseSubscribeLabelsClient,
    FirehoseSubscribeLabelsClient,
    models,
    parse_subscribe_labels_message,
)

START = models.ComAtprotoLabelSubscribeLabels.Params(cursor=0)


def line(message, client) -> None:
    body = parse_subscribe_labels_message(message)
    if not isinstance(body, models.ComAtprotoLabelSubscribeLabels.Labels):
        return
    labels = [[label.src, label.uri, label.val, bool(label.neg)] for label in body.labels]
    print(json.dumps({'seq': body.seq, 'labels': labels}), flush=True)
    client.update_params(models.ComAtprotoLabelSubscribeLabels.Params(cursor=body.seq))


def run_sync(base_uri: str) -> None:
    client = FirehoseSubscribeLabelsClient(START, base_uri)
    client.start(lambda message: line(message, client))


async def run_async(base_uri: str) -> None:
    client = AsyncFirehoseSubscribeLabelsClient(START, base_uri)

    async def on_message(message) -> None:
        line(message, client)

    await client.start(on_message)


if __name__ == '__main__':
    kind, base_uri = sys.argv[1:]
    if kind == 'async':
        asyncio.run(run_async(base_uri))
    else:
        run_sync(base_uri)
