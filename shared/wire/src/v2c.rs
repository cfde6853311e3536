//! The JSON of v1's successor on `/subscribe`: v1's with the seq as `cursor` between `time_us` and `kind`.

use fanjet_event::TimeUs;
use fanjet_json::write_u64;

use crate::v1;
use crate::websocket::{header_len, put_text_header};

const KEY: &[u8] = br#","cursor":"#;

/// The length of an event's frame, from that of its v1 JSON.
pub fn message_len(event_len: usize, seq: u64) -> usize {
    let len = json_len(event_len, seq);
    header_len(len) + len
}

/// Appends the finished frame of one text message. An event that does not begin as v1 does is sent as it is.
pub fn put_text_message(out: &mut Vec<u8>, event: &[u8], seq: u64) {
    let at = v1::time_offset(event).map_or(0, |at| at + TimeUs::DIGITS);
    match event.split_at_checked(at).filter(|_| at > 0) {
        Some((head, tail)) => {
            put_text_header(out, json_len(event.len(), seq));
            out.extend_from_slice(head);
            out.extend_from_slice(KEY);
            write_u64(out, seq);
            out.extend_from_slice(tail);
        }
        None => {
            put_text_header(out, event.len());
            out.extend_from_slice(event);
        }
    }
}

fn json_len(event_len: usize, seq: u64) -> usize {
    event_len + KEY.len() + seq.checked_ilog10().unwrap_or(0) as usize + 1
}

#[cfg(test)]
mod tests;
