//! The message that interrupts a long silence: an extension, sent only to clients that ask for it.
//!
//! It has the first fields of an event (`did`, `time_us`, `kind`) and no others, so a client of Jetstream v1 reads it
//! as an event of an unknown kind. Its `did` is empty: it concerns no repo.

use fanjet_event::TimeUs;

/// Longest heartbeat in bytes.
const LEN: usize = 64;

/// The JSON of a heartbeat. `time` is a cursor: reconnecting with it misses nothing.
pub fn json(time: TimeUs) -> Vec<u8> {
    let mut json = Vec::with_capacity(LEN);
    json.extend_from_slice(br#"{"did":"","time_us":"#);
    fanjet_json::write_u64(&mut json, time.get());
    json.extend_from_slice(br#","kind":"heartbeat"}"#);
    json
}

#[cfg(test)]
mod tests;
