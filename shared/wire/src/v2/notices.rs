//! Messages that are not events: the information at the start of a stream, and the error at its end.

use bytes::Bytes;
use fanjet_json::{write_str, write_u64};

use super::template::head;
use crate::close::CloseReason;
use crate::websocket::{close_frame, text_frame};

/// Errors that end a stream. Clients treat every other error as final, so internal failures close the connection
/// without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// The client reads more slowly than events expire.
    ConsumerTooSlow,
}

impl ErrorCode {
    fn name(self) -> &'static str {
        match self {
            Self::ConsumerTooSlow => "ConsumerTooSlow",
        }
    }
}

/// The frame of the error that ends a stream. An empty message is left out.
pub fn error(code: ErrorCode, message: &str) -> Bytes {
    let mut json = br#"{"$type":"error","error":""#.to_vec();
    json.extend_from_slice(code.name().as_bytes());
    json.push(b'"');
    if !message.is_empty() {
        json.extend_from_slice(br#","message":"#);
        write_str(&mut json, message);
    }
    json.push(b'}');
    text_frame(&json)
}

/// What ends a stream: the close frame, and before it the error of a client that reads too slowly, which makes clients
/// reconnect with their cursor. `None` if no client can receive it.
pub fn close(reason: &CloseReason, resume: Option<u64>) -> Option<Bytes> {
    if *reason != CloseReason::FellBehind {
        return reason.frame(resume);
    }
    let message = match resume {
        Some(cursor) => &format!(
            "reading too slowly, events no longer retained; reconnect with cursor={cursor}"
        ),
        None => "reading too slowly, events no longer retained; reconnect",
    };
    let frames = [
        error(ErrorCode::ConsumerTooSlow, message),
        close_frame(Some(1008), &reason.text(resume)),
    ];
    Some(frames.concat().into())
}

/// The JSON of the information that a time cursor is older than everything kept, and that the stream starts at `seq`.
/// It has no seq of its own and does not move a client's cursor.
pub fn outdated_cursor(seq: u64) -> Vec<u8> {
    let mut json = head!("info").as_bytes().to_vec();
    json.extend_from_slice(
        br#""message":"requested timestamp cursor below retention floor; starting at seq "#,
    );
    write_u64(&mut json, seq);
    json.extend_from_slice(br#"","name":"OutdatedCursor"}}"#);
    json
}
