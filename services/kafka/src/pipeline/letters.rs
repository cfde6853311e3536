//! What becomes of a message that Kafka will never take: a letter about it in another topic, with the message when it
//! fits.

use rdkafka::error::KafkaError as ClientError;
use rdkafka::types::RDKafkaErrorCode as Code;
use serde::Serialize;
use serde_json::value::RawValue;

use fanjet_log::Seq;

/// Larger messages are left out of their letters: they stand in the log, under their seq.
const MAX_ENCLOSED: usize = 512 << 10;

#[derive(Serialize)]
struct Letter<'a> {
    seq: Seq,
    topic: &'a str,
    key: &'a str,
    reason: &'static str,
    error: String,
    bytes: usize,
    event: Option<&'a RawValue>,
}

/// Why there is a letter: a closed set.
pub(super) fn reason(error: &ClientError) -> &'static str {
    match error.rdkafka_error_code() {
        Some(Code::MessageSizeTooLarge | Code::InvalidMessageSize) => "too_large",
        _ => "refused",
    }
}

/// The letter's text. `encloses` says whether the message may be in it.
pub(super) fn letter(
    seq: Seq,
    topic: &str,
    key: &[u8],
    payload: &[u8],
    error: &ClientError,
    encloses: bool,
) -> Vec<u8> {
    let event = (encloses && payload.len() <= MAX_ENCLOSED)
        .then(|| serde_json::from_slice(payload).ok())
        .flatten();
    let letter = Letter {
        seq,
        topic,
        key: std::str::from_utf8(key).unwrap_or(""),
        reason: reason(error),
        error: error.to_string(),
        bytes: payload.len(),
        event,
    };
    // Only a map with keys that are no text could fail.
    serde_json::to_vec(&letter).unwrap_or_default()
}
