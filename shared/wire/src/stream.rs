//! Events as lines of text over plain HTTP: server-sent events (WHATWG HTML, section 9.2) and NDJSON.
//!
//! The bytes around an event's JSON, which never contains a line break.
//!
//! Many readers of server-sent events treat every block as an event, including one without data, which the standard
//! ignores. So a block here always has data, and everything else is a line of the next block: comments, and `retry`,
//! which takes effect as soon as it is read.

use std::time::Duration;

use bytes::Bytes;
use fanjet_event::TimeUs;

use crate::close::CloseReason;
use crate::heartbeat;

/// Bytes of a server-sent event around its JSON.
pub const SSE_AROUND: usize = SSE_ID.len() + TimeUs::DIGITS + SSE_DATA.len() + SSE_END.len();

/// Bytes of an NDJSON line around its JSON.
pub const LINE_AROUND: usize = 1;

const SSE_ID: &[u8] = b"id: ";
const SSE_DATA: &[u8] = b"\ndata: ";
const SSE_END: &[u8] = b"\n\n";

/// Appends an event. Its id is its time: a reader that sends it in `Last-Event-ID` has received this event.
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

/// A comment, which readers ignore: it only shows that the connection is alive.
pub fn sse_ping() -> Bytes {
    Bytes::from_static(b": ping\n")
}

/// The start of a stream: how long a reader waits before it reconnects. With a position, also an event `start` with
/// that position as its id: the reader has everything up to there, so reconnecting with the id resumes there. Its data
/// is a heartbeat, for readers that ignore event names.
pub fn sse_start(retry: Duration, has: Option<TimeUs>) -> Bytes {
    let mut out = Vec::new();
    put_retry(&mut out, retry);
    if let Some(time) = has {
        out.extend_from_slice(b"event: start\n");
        put_sse(&mut out, time, &heartbeat::json(time));
    }
    out.into()
}

/// The last event of a stream: `close`, with the label and the text of the reason, and the cursor (inclusive) with
/// which a new connection misses nothing, if it is known. `None` if no client can receive it.
pub fn sse_close(reason: &CloseReason, resume: Option<u64>) -> Option<Bytes> {
    if !reason.is_deliverable() {
        return None;
    }
    let mut out = Vec::new();
    put_close(&mut out, reason.label(), &reason.text(resume), resume);
    Some(out.into())
}

/// A whole stream that reports why none is available, and when to retry: the event `close`, as at the end of any other.
pub fn sse_refusal(retry: Duration, reason: &str, message: &str) -> Bytes {
    let mut out = Vec::new();
    put_retry(&mut out, retry);
    put_close(&mut out, reason, message, None);
    out.into()
}

fn put_retry(out: &mut Vec<u8>, retry: Duration) {
    out.extend_from_slice(b"retry: ");
    let millis = u64::try_from(retry.as_millis()).unwrap_or(u64::MAX);
    fanjet_json::write_u64(out, millis);
    out.push(b'\n');
}

fn put_close(out: &mut Vec<u8>, reason: &str, message: &str, cursor: Option<u64>) {
    out.extend_from_slice(b"event: close\ndata: {\"reason\":");
    fanjet_json::write_str(out, reason);
    out.extend_from_slice(b",\"message\":");
    fanjet_json::write_str(out, message);
    if let Some(cursor) = cursor {
        out.extend_from_slice(b",\"cursor\":");
        fanjet_json::write_u64(out, cursor);
    }
    out.push(b'}');
    out.extend_from_slice(SSE_END);
}

#[cfg(test)]
mod tests;
