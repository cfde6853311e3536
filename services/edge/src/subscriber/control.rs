//! What is sent beside events, in the words of each encoding.

use bytes::Bytes;
use fanjet_event::TimeUs;
use fanjet_filter::Encoding;
use fanjet_wire::close::CloseReason;
use fanjet_wire::websocket::{binary_frame, ping_frame, text_frame};
use fanjet_wire::zstd::stored_message;
use fanjet_wire::{heartbeat as json, stream};

/// What shows that the connection lives; `None` where everything that is sent must be an event.
pub(super) fn ping(encoding: Encoding) -> Option<Bytes> {
    match encoding {
        Encoding::Json | Encoding::Zstd | Encoding::V0 => Some(ping_frame(b"")),
        Encoding::Sse => Some(stream::sse_ping()),
        Encoding::Ndjson => None,
    }
}

/// The message that breaks a long silence.
pub(super) fn heartbeat(encoding: Encoding, time: TimeUs) -> Bytes {
    let json = json::json(time);
    match encoding {
        Encoding::Json | Encoding::V0 => text_frame(&json),
        Encoding::Zstd => binary_frame(&stored_message(&json)),
        Encoding::Sse => {
            let mut out = Vec::with_capacity(json.len() + stream::SSE_AROUND);
            stream::put_sse(&mut out, time, &json);
            out.into()
        }
        Encoding::Ndjson => {
            let mut out = Vec::with_capacity(json.len() + stream::LINE_AROUND);
            stream::put_line(&mut out, &json);
            out.into()
        }
    }
}

/// The end; `None` where the end of the connection says it, or there is nobody to tell.
pub(super) fn close(
    encoding: Encoding,
    reason: &CloseReason,
    resume: Option<u64>,
) -> Option<Bytes> {
    match encoding {
        Encoding::Json | Encoding::Zstd | Encoding::V0 => reason.frame(resume),
        Encoding::Sse => stream::sse_close(reason, resume),
        Encoding::Ndjson => None,
    }
}

/// What is sent first: a reader of server-sent events that loses its connection before the first event has a place to
/// come back to as well. `resume` is the cursor that stands for its start.
pub(crate) fn greeting(encoding: Encoding, resume: Option<u64>) -> Option<Bytes> {
    if encoding != Encoding::Sse {
        return None;
    }
    // An id names what the reader has, a cursor what comes next.
    let has = TimeUs::new(resume?.checked_sub(1)?)?;
    Some(stream::sse_position(has))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_names_what_the_reader_has() {
        let cursor = Some(1_779_719_010_267_528);
        let greeting = |encoding, cursor| greeting(encoding, cursor);
        assert_eq!(
            greeting(Encoding::Sse, cursor).as_deref(),
            Some(&b"id: 1779719010267527\n\n"[..])
        );
        // A seq has no time.
        for nothing in [None, Some(0), Some(7)] {
            assert_eq!(greeting(Encoding::Sse, nothing), None);
        }
        assert_eq!(greeting(Encoding::Ndjson, cursor), None);
    }

    #[test]
    fn only_events_are_lines() {
        assert_eq!(ping(Encoding::Ndjson), None);
        assert_eq!(close(Encoding::Ndjson, &CloseReason::Draining, None), None);
        for encoding in Encoding::ALL {
            assert_eq!(close(encoding, &CloseReason::ClientGone, Some(1)), None);
        }
    }
}
