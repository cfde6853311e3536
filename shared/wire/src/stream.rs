//! Events as lines of text over plain HTTP: server-sent events (WHATWG HTML, section 9.2) and NDJSON.
//!
//! What stands around an event's JSON, which never holds a line break.

use bytes::Bytes;
use fanjet_event::TimeUs;

use crate::close::CloseReason;

/// Bytes of a server-sent event beside its JSON.
pub const SSE_AROUND: usize = SSE_ID.len() + TimeUs::DIGITS + SSE_DATA.len() + SSE_END.len();

/// Bytes of a line of NDJSON beside its JSON.
pub const LINE_AROUND: usize = 1;

const SSE_ID: &[u8] = b"id: ";
const SSE_DATA: &[u8] = b"\ndata: ";
const SSE_END: &[u8] = b"\n\n";

/// Appends an event. Its id is its time: a reader that names it in `Last-Event-ID` has this event.
pub fn put_sse(out: &mut Vec<u8>, time: TimeUs, json: &[u8]) {
    out.extend_from_slice(SSE_ID);
    fanjet_json::write_u64(out, time.get());
    out.extend_from_slice(SSE_DATA);
    out.extend_from_slice(json);
    out.extend_from_slice(SSE_END);
}

/// Appends an event as one line.
pub fn put_line(out: &mut Vec<u8>, json: &[u8]) {
    out.extend_from_slice(json);
    out.push(b'\n');
}

/// A comment, which readers pass over: it only shows that the connection lives.
pub fn sse_ping() -> Bytes {
    Bytes::from_static(b": ping\n\n")
}

/// Sets the id that a reader names when it comes back, without an event (an event without data is not dispatched).
pub fn sse_position(time: TimeUs) -> Bytes {
    let mut out = SSE_ID.to_vec();
    fanjet_json::write_u64(&mut out, time.get());
    out.extend_from_slice(SSE_END);
    out.into()
}

/// The last event of a stream: `close`, with the label and the words of the reason, and the cursor (inclusive) with
/// which a new connection misses nothing, if one is known. `None` when there is nobody to send it to.
pub fn sse_close(reason: &CloseReason, resume: Option<u64>) -> Option<Bytes> {
    if !reason.is_told() {
        return None;
    }
    let mut out = b"event: close\ndata: {\"reason\":".to_vec();
    fanjet_json::write_str(&mut out, reason.label());
    out.extend_from_slice(b",\"message\":");
    fanjet_json::write_str(&mut out, &reason.text(resume));
    if let Some(cursor) = resume {
        out.extend_from_slice(b",\"cursor\":");
        fanjet_json::write_u64(&mut out, cursor);
    }
    out.push(b'}');
    out.extend_from_slice(SSE_END);
    Some(out.into())
}

#[cfg(test)]
mod tests;
