//! What is sent beside events, in the words of each encoding.

use std::time::Duration;

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

/// How long a reader of server-sent events that lost its connection waits before it comes back: long enough for a node to
/// be out of the balancer, short enough that nobody notices.
const RETRY: Duration = Duration::from_secs(1);

/// What is sent first. A reader of server-sent events that loses its connection before the first event comes back to its
/// start. Where its request does not name it, `resume` is the cursor that stands for it.
pub(crate) fn greeting(encoding: Encoding, resume: Option<u64>) -> Option<Bytes> {
    if encoding != Encoding::Sse {
        return None;
    }
    // An id names what the reader has, a cursor what comes next.
    let has = resume.and_then(|next| TimeUs::new(next.checked_sub(1)?));
    Some(stream::sse_start(RETRY, has))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_names_what_the_reader_has() {
        let cursor = Some(1_779_719_010_267_528);
        let text = |cursor| {
            let greeting = greeting(Encoding::Sse, cursor).unwrap();
            String::from_utf8(greeting.to_vec()).unwrap()
        };
        assert!(text(cursor).contains("\nid: 1779719010267527\n"));
        // A seq has no time.
        for nothing in [None, Some(0), Some(7)] {
            assert_eq!(text(nothing), "retry: 1000\n");
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
