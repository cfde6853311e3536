//! Firehose to log.
