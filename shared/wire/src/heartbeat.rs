//! The message that breaks a long silence: an extension, sent only to clients that ask for it.
//!
//! It has an event's beginning (`did`, `time_us`, `kind`) and nothing else, so that a client of Jetstream v1 reads it
//! as an event of a kind that it does not know. Its `did` is empty: it is about no repo.

use fanjet_event::TimeUs;

/// Longest heartbeat in bytes.
const LEN: usize = 64;

/// The JSON of a heartbeat. `time` is a cursor: connecting anew with it misses nothing.
pub fn json(time: TimeUs) -> Vec<u8> {
    let mut json = Vec::with_capacity(LEN);
    json.extend_from_slice(br#"{"did":"","time_us":"#);
    fanjet_json::write_u64(&mut json, time.get());
    json.extend_from_slice(br#","kind":"heartbeat"}"#);
    json
}

#[cfg(test)]
mod tests;
