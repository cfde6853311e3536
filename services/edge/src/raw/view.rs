//! What a stream serves: the frames of the raw log, or those of labelers, all together or one by itself. Pure.
//!
//! A labeler's frame is stored as it was received. Alone it goes out with those bytes, and the labeler's own number. Among those of
//! other labelers it needs another number, which is its seq in the log: then its beginning is written again, and the rest is
//! shared.

use bytes::Bytes;
use fanjet_event::{Did, Topic};
use fanjet_log::{Entry, LogError, Selection, TopicFilter};
use fanjet_wire::websocket::binary_header;

use super::control::put_unsigned;
use super::ring::RawFrame;

/// What a stream serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum View {
    /// The frames of the firehose.
    Firehose,
    /// The frames of all labelers, numbered by the log.
    Labels,
    /// Those of one labeler.
    Labeler(Did),
}

impl View {
    /// The entries that it needs.
    pub(crate) fn selection(&self) -> Selection {
        match self {
            Self::Firehose | Self::Labels => Selection::All,
            Self::Labeler(labeler) => Selection::only([TopicFilter::Labeler(labeler.clone())]),
        }
    }

    /// The frame of an entry.
    ///
    /// # Errors
    /// [`LogError::Corrupt`]: the entry is none of this log.
    pub(crate) fn frame(&self, entry: Entry) -> Result<RawFrame, LogError> {
        let Entry {
            seq,
            topic,
            origin,
            body,
            ..
        } = entry;
        let frame = |wire_seq, head, body| RawFrame {
            seq,
            wire_seq,
            topic: topic.clone(),
            head,
            body,
        };
        match (self, &topic) {
            (Self::Firehose, Topic::Frame(stamp)) => {
                let head = binary_header(body.len());
                Ok(frame(stamp.wire_seq, head, body))
            }
            (Self::Labeler(_), Topic::Labels(_)) => {
                let head = binary_header(body.len());
                Ok(frame(origin.relay_seq, head, body))
            }
            (Self::Labels, Topic::Labels(stamp)) => {
                let start = stamp.seq_start as usize;
                let end = start.saturating_add(stamp.seq_len as usize);
                let (Some(before), true) = (body.get(..start), end <= body.len()) else {
                    return Err(LogError::corrupt(seq, "the frame's number is not in it"));
                };
                let rest = body.slice(end..);
                let mut number = Vec::with_capacity(9);
                put_unsigned(&mut number, 0, seq);
                let len = before.len() + number.len() + rest.len();
                let head = [&binary_header(len)[..], before, &number].concat();
                Ok(frame(seq, Bytes::from(head), rest))
            }
            _ => Err(LogError::corrupt(
                seq,
                "the entry is no frame of this stream",
            )),
        }
    }
}

#[cfg(test)]
mod tests;
