//! Control messages in the form of each encoding.

use std::time::Duration;

use bytes::Bytes;
use fanjet_event::TimeUs;
use fanjet_filter::Encoding;
use fanjet_wire::close::CloseReason;
use fanjet_wire::websocket::{binary_frame, ping_frame, text_frame};
use fanjet_wire::zstd::stored_message;
use fanjet_wire::{heartbeat as json, stream, v2};

/// A sign that the connection is alive; `None` where every message must be an event.
pub(super) fn ping(encoding: Encoding) -> Option<Bytes> {
    match encoding {
        Encoding::Sse => Some(stream::sse_ping()),
        Encoding::Ndjson => None,
        _ => Some(ping_frame(b"")),
    }
}

/// The message after a long quiet time.
pub(super) fn heartbeat(encoding: Encoding, time: TimeUs) -> Bytes {
    let json = json::json(time);
    match encoding {
        Encoding::Json | Encoding::V0 | Encoding::V2c => text_frame(&json),
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
        Encoding::V2 | Encoding::V2Zstd | Encoding::V2ZstdPrevious => Bytes::new(),
    }
}

/// The close message; `None` where the end of the connection replaces it, or none can be delivered.
pub(super) fn close(
    encoding: Encoding,
    reason: &CloseReason,
    resume: Option<u64>,
) -> Option<Bytes> {
    match encoding {
        Encoding::Json | Encoding::Zstd | Encoding::V0 | Encoding::V2c => reason.frame(resume),
        Encoding::V2 | Encoding::V2Zstd | Encoding::V2ZstdPrevious => v2::close(reason, resume),
        Encoding::Sse => stream::sse_close(reason, resume),
        Encoding::Ndjson => None,
    }
}

/// How long a reader of server-sent events waits before it reconnects: long enough for a load balancer to remove the node,
/// short enough to go unnoticed.
const RETRY: Duration = Duration::from_secs(1);

/// The first bytes of a stream. A reader of server-sent events that disconnects before the first event reconnects to its
/// start. If its request does not name a start, `resume` is the cursor for it.
pub(crate) fn stream_start(encoding: Encoding, resume: Option<u64>) -> Option<Bytes> {
    if encoding != Encoding::Sse {
        return None;
    }
    // An id names the last event received, a cursor the next one.
    let has = resume.and_then(|next| TimeUs::new(next.checked_sub(1)?));
    Some(stream::sse_start(RETRY, has))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_start_names_the_last_event_id() {
        let cursor = Some(1_779_719_010_267_528);
        let text = |cursor| {
            let stream_start = stream_start(Encoding::Sse, cursor).unwrap();
            String::from_utf8(stream_start.to_vec()).unwrap()
        };
        assert!(text(cursor).contains("\nid: 1779719010267527\n"));
        // A seq is not a time.
        for nothing in [None, Some(0), Some(7)] {
            assert_eq!(text(nothing), "retry: 1000\n");
        }
        assert_eq!(stream_start(Encoding::Ndjson, cursor), None);
    }

    #[test]
    fn ndjson_has_no_control_lines() {
        assert_eq!(ping(Encoding::Ndjson), None);
        assert_eq!(close(Encoding::Ndjson, &CloseReason::Draining, None), None);
        for encoding in Encoding::ALL {
            assert_eq!(close(encoding, &CloseReason::ClientGone, Some(1)), None);
        }
    }
}
