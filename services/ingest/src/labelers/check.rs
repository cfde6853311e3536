//! What one message of a labeler is. Pure.

use fanjet_event::Did;
use fanjet_firehose::{FrameError, Label, LabelsFrame, decode_labels_frame, seq_at_beginning};
use fanjet_log::MAX_FRAME;

/// Clients accept numbers below this.
const MAX_SEQ: u64 = (1 << 53) - 1;

/// A message, borrowing from its bytes.
#[derive(Debug, PartialEq)]
pub(super) enum Message<'a> {
    /// Labels that the log does not have.
    New {
        /// The labeler's number.
        seq: u64,
        /// The labels.
        labels: Vec<Label<'a>>,
    },
    /// The log has it: some labelers send the frame of the cursor again.
    Repeated,
    /// Refused, with everything that is in it. The stream continues behind it.
    Refused {
        /// The labeler's number.
        seq: u64,
        /// The metric label.
        reason: &'static str,
    },
    /// For us, not for clients.
    Notice(String),
    /// An unknown type of message.
    Unknown,
    /// The labeler does not know the number that it is asked to continue after: it lost its state.
    FutureCursor,
    /// The labeler ends the stream.
    Ended(String),
    /// No frame: the connection cannot be trusted any further.
    Broken {
        /// The metric label.
        reason: &'static str,
    },
}

/// Decides. `last` is the number of the labeler's last frame.
pub(super) fn check<'a>(bytes: &'a [u8], labeler: &Did, last: Option<u64>) -> Message<'a> {
    if bytes.len() > MAX_FRAME {
        return Message::Broken {
            reason: "too_large",
        };
    }
    let frame = match decode_labels_frame(bytes) {
        Ok(frame) => frame,
        Err(error) => return undecodable(bytes, error),
    };
    match frame {
        LabelsFrame::Labels(body) => {
            let seq = body.seq;
            if !(1..=MAX_SEQ).contains(&seq) {
                return Message::Broken {
                    reason: "invalid_seq",
                };
            }
            if last.is_some_and(|last| seq <= last) {
                return Message::Repeated;
            }
            if body
                .labels
                .iter()
                .any(|label| label.src != labeler.as_str())
            {
                let reason = "wrong_src";
                return Message::Refused { seq, reason };
            }
            Message::New {
                seq,
                labels: body.labels,
            }
        }
        LabelsFrame::Info(info) => Message::Notice(info.name.to_owned()),
        LabelsFrame::Unknown => Message::Unknown,
        LabelsFrame::Error(error) if error.error == "FutureCursor" => Message::FutureCursor,
        LabelsFrame::Error(error) => Message::Ended(error.error.to_owned()),
    }
}

/// A frame that breaks only the rules of labels is skipped, as its labeler would send it again and again.
fn undecodable<'a>(bytes: &[u8], error: FrameError) -> Message<'a> {
    let reason = error.label();
    let is_whole = !matches!(
        error,
        FrameError::InvalidCbor(_) | FrameError::TrailingBytes | FrameError::UnknownOp
    );
    match seq_at_beginning(bytes) {
        Some(seq @ 1..=MAX_SEQ) if is_whole => Message::Refused { seq, reason },
        _ => Message::Broken { reason },
    }
}

#[cfg(test)]
mod tests;
