//! Firehose frames: header, body, CAR, operations, record to JSON.
