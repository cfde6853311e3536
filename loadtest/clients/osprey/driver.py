"""Reads a topic as Osprey's worker does, and prints what it takes of each message as one line of JSON.

Osprey takes four things and ignores the rest: `send_time` as the action's time, `data.action_id` by int(),
`data.action_name`, and `data.data`. What it cannot take ends this program with an error.
"""

import json
import sys
from datetime import datetime

from confluent_kafka import Consumer, KafkaError, TopicPartition

PATIENCE = 60.0


def take(value: bytes) -> dict:
    message = json.loads(value)
    details = message["data"]
    sent = datetime.fromisoformat(message["send_time"].replace("Z", "+00:00"))
    if sent.tzinfo is None:
        raise ValueError("send_time has no zone")
    data = details["data"]
    if not isinstance(data, dict):
        raise ValueError("data is no object")
    return {
        "action_id": int(details["action_id"]),
        "action_name": str(details["action_name"]),
        "sent": int(sent.timestamp()),
        "did": data["did"],
        "data": data,
    }


def main(servers: str, topic: str) -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "osprey",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }
    )
    partitions = consumer.list_topics(topic, timeout=PATIENCE).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    left = len(partitions)
    while left:
        message = consumer.poll(PATIENCE)
        if message is None:
            raise TimeoutError(f"{left} partitions do not end")
        error = message.error()
        if error is None:
            print(json.dumps(take(message.value())))
        elif error.code() == KafkaError._PARTITION_EOF:
            left -= 1
        else:
            raise RuntimeError(error)
    consumer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
