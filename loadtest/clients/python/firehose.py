"""The firehose clients of the Python SDK, as its own page shows them. Prints a line per message.

Arguments: `sync` or `async`, and the base URI. The cursor moves with each message, so that reconnects resume. After some messages it
raises, as a program with a bug does: the SDK prints the error and continues.
"""

import asyncio
import json
import sys

from atproto import (
    CAR,
    AsyncFirehoseSubscribeReposClient,
    FirehoseSubscribeReposClient,
    models,
    parse_subscribe_repos_message,
)


def line(message, client) -> None:
    body = parse_subscribe_repos_message(message)
    blocks = 0
    if isinstance(body, models.ComAtprotoSyncSubscribeRepos.Commit):
        blocks = len(CAR.from_bytes(body.blocks).blocks)
    print(json.dumps({'seq': body.seq, 'type': message.type, 'blocks': blocks}), flush=True)
    client.update_params(models.ComAtprotoSyncSubscribeRepos.Params(cursor=body.seq))
    if body.seq % 100 == 0:
        raise ValueError('raised by the callback')


def run_sync(base_uri: str) -> None:
    client = FirehoseSubscribeReposClient(base_uri=base_uri)
    client.start(lambda message: line(message, client))


async def run_async(base_uri: str) -> None:
    client = AsyncFirehoseSubscribeReposClient(base_uri=base_uri)

    async def on_message(message) -> None:
        line(message, client)

    await client.start(on_message)


if __name__ == '__main__':
    kind, base_uri = sys.argv[1:]
    if kind == 'async':
        asyncio.run(run_async(base_uri))
    else:
        run_sync(base_uri)
