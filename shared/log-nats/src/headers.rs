//! The headers of a message.

use std::fmt::Write;

use async_nats::header::{HeaderName, NATS_EXPECTED_LAST_SEQUENCE};
use async_nats::{HeaderMap, HeaderValue};
use fanjet_event::{Datetime, Did, FrameStamp, FrameTopic, LabelStamp, TimeUs, Topic};
use fanjet_log::{NewEvent, Origin, Seq, TraceParent, UpstreamId};

/// `<upstream>;<relay seq>;<op index>;<op count>;<time>`. None of the parts can hold a `;`.
const ORIGIN: HeaderName = HeaderName::from_static("Fanjet-Origin");

/// The collection of a commit whose subject does not say it.
const COLLECTION: HeaderName = HeaderName::from_static("Fanjet-Collection");

/// `<wire seq>;<log time>` of a raw frame, which says neither at its beginning.
const STAMP: HeaderName = HeaderName::from_static("Fanjet-Frame");

/// What a raw frame is about, as [`FrameTopic`] writes it. Absent if that is unknown.
const ABOUT: HeaderName = HeaderName::from_static("Fanjet-About");

/// `<start>;<length>;<log time>` of a labeler's frame: where its number is in its bytes, and when it was appended.
const LABELS: HeaderName = HeaderName::from_static("Fanjet-Labels");

/// W3C trace context: other programs that read the stream continue the trace with their own libraries.
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

/// Bytes that all headers of one message may take, with their names: the upstream's 255, the collection's 317 or what a frame is
/// about, 512, the time's 64, numbers, the trace's 55, which frames do not have.
pub(crate) const MAX_HEADERS: usize = 1024;

/// The headers of an event that must land directly behind `after`.
pub(crate) fn headers(event: &NewEvent, after: Seq) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_EXPECTED_LAST_SEQUENCE, HeaderValue::from(after));
    headers.insert(ORIGIN, write_origin(&event.origin));
    if let Topic::Frame(stamp) = &event.topic {
        headers.insert(STAMP, format!("{};{}", stamp.wire_seq, stamp.time));
        if let Some(topic) = &stamp.topic {
            headers.insert(ABOUT, topic.to_string());
        }
    }
    if let Topic::Labels(stamp) = &event.topic {
        let (start, len, time) = (stamp.seq_start, stamp.seq_len, stamp.time);
        headers.insert(LABELS, format!("{start};{len};{time}"));
    }
    if let Some(trace) = event.trace {
        headers.insert(TRACE_PARENT, trace.to_string());
    }
    headers
}

/// Names the collection of an event whose subject does not.
pub(crate) fn name_collection(headers: &mut HeaderMap, collection: &str) {
    headers.insert(COLLECTION, collection);
}

/// The collection that the headers name.
pub(crate) fn collection(headers: &HeaderMap) -> Option<&str> {
    Some(headers.get(COLLECTION)?.as_str())
}

/// The stamp of a raw frame, if the headers carry a whole one. What the frame is about may be missing.
pub(crate) fn stamp(headers: &HeaderMap) -> Option<FrameStamp> {
    let (wire_seq, time) = headers.get(STAMP)?.as_str().split_once(';')?;
    Some(FrameStamp {
        wire_seq: wire_seq.parse().ok()?,
        time: TimeUs::new(time.parse().ok()?)?,
        topic: headers
            .get(ABOUT)
            .and_then(|text| FrameTopic::parse(text.as_str())),
    })
}

/// The stamp of a labeler's frame, if the headers carry a whole one.
pub(crate) fn labels_stamp(headers: &HeaderMap, labeler: Did) -> Option<LabelStamp> {
    let mut parts = headers.get(LABELS)?.as_str().split(';');
    let stamp = LabelStamp {
        labeler,
        seq_start: parts.next()?.parse().ok()?,
        seq_len: parts.next()?.parse().ok()?,
        time: TimeUs::new(parts.next()?.parse().ok()?)?,
    };
    parts.next().is_none().then_some(stamp)
}

/// The trace that the headers carry on, if there is one.
pub(crate) fn trace(headers: &HeaderMap) -> Option<TraceParent> {
    TraceParent::parse(headers.get(TRACE_PARENT)?.as_str())
}

/// Whether a message says where it comes from, as every event of ours does.
pub(crate) fn carries_origin(headers: &HeaderMap) -> bool {
    headers.get(ORIGIN).is_some()
}

/// Whether a header of this name says where its message comes from.
pub(crate) fn is_origin(name: &[u8]) -> bool {
    let origin = ORIGIN;
    name == AsRef::<[u8]>::as_ref(&origin)
}

/// Reads origins, sharing the upstream's name.
#[derive(Debug, Default)]
pub(crate) struct OriginReader {
    upstream: Option<UpstreamId>,
}

impl OriginReader {
    /// The origin that the headers carry, if it is whole.
    pub(crate) fn origin(&mut self, headers: &HeaderMap) -> Option<Origin> {
        self.parse(headers.get(ORIGIN)?.as_str())
    }

    fn parse(&mut self, text: &str) -> Option<Origin> {
        let mut parts = text.split(';');
        let origin = Origin {
            upstream: self.upstream(parts.next()?)?,
            relay_seq: parts.next()?.parse().ok()?,
            op_index: parts.next()?.parse().ok()?,
            op_count: parts.next()?.parse().ok()?,
            time: Datetime::parse(parts.next()?).ok()?.shared(),
        };
        parts.next().is_none().then_some(origin)
    }

    fn upstream(&mut self, name: &str) -> Option<UpstreamId> {
        if self.upstream.as_ref().map(UpstreamId::as_str) != Some(name) {
            self.upstream = Some(UpstreamId::new(name)?);
        }
        self.upstream.clone()
    }
}

fn write_origin(origin: &Origin) -> String {
    let mut text = String::with_capacity(origin.upstream.as_str().len() + 64);
    let Origin {
        upstream,
        relay_seq,
        op_index,
        op_count,
        time,
    } = origin;
    let upstream = upstream.as_str();
    // Writing to a string cannot fail.
    write!(text, "{upstream};{relay_seq};{op_index};{op_count};{time}").unwrap_or_default();
    text
}

#[cfg(test)]
mod tests;
