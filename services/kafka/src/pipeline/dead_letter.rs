//! What happens to a message that Kafka can never accept: a dead letter about it in another topic, including the
//! message when it fits.

use std::borrow::Cow;

use rdkafka::error::KafkaError as ClientError;
use rdkafka::types::RDKafkaErrorCode as Code;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use fanjet_log::Seq;

/// Larger messages are not included: they are in the log, under their seq.
const MAX_ENCLOSED: usize = 512 << 10;

#[derive(Serialize, Deserialize)]
struct DeadLetter<'a> {
    seq: Seq,
    #[serde(borrow)]
    topic: Cow<'a, str>,
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    reason: Cow<'a, str>,
    error: String,
    /// Of the message.
    bytes: usize,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
}

/// The reason of a dead letter: a closed set.
pub(super) fn reason(error: &ClientError) -> &'static str {
    match error.rdkafka_error_code() {
        Some(Code::MessageSizeTooLarge | Code::InvalidMessageSize) => "too_large",
        _ => "refused",
    }
}

/// The dead letter's text. `encloses`: whether it may include the message.
pub(super) fn dead_letter(
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
    let dead_letter = DeadLetter {
        seq,
        topic: Cow::Borrowed(topic),
        key: String::from_utf8_lossy(key),
        reason: Cow::Borrowed(reason(error)),
        error: error.to_string(),
        bytes: payload.len(),
        event,
    };
    // Only a map with keys other than text could fail.
    serde_json::to_vec(&dead_letter).unwrap_or_default()
}

/// The same dead letter without its message; `None` when it has none, or is not a dead letter.
pub(super) fn without_event(text: &[u8]) -> Option<Vec<u8>> {
    let mut dead_letter: DeadLetter<'_> = serde_json::from_slice(text).ok()?;
    dead_letter.event.take()?;
    serde_json::to_vec(&dead_letter).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_dead_letter_without_its_message_keeps_its_other_fields() {
        let error = ClientError::MessageProduction(Code::MessageSizeTooLarge);
        let payload = br#"{"a":"\u00e4"}"#;
        let whole = dead_letter(7, "events.posts", b"did:plc:a", payload, &error, true);
        let mut expected: Value = serde_json::from_slice(&whole).unwrap();
        assert_eq!(expected["event"]["a"], "\u{e4}");
        assert_eq!(expected["bytes"], payload.len());
        let short = without_event(&whole).unwrap();
        expected["event"] = Value::Null;
        assert_eq!(serde_json::from_slice::<Value>(&short).unwrap(), expected);
        assert_eq!(without_event(&short), None);
        assert_eq!(without_event(b"nonsense"), None);
    }
}
