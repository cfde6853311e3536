//! Which frames the raw log gets, and what stands beside them. Pure except for the clock argument.
//!
//! Every frame that can be decoded and has a seq, of known types or not: a relay passes on what it does not know. The
//! bytes stay as they were received, except for a seq that would not rise ([`super::numbers`]).

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use fanjet_event::{Datetime, FrameStamp, TimeUs, Topic};
use fanjet_firehose::{Frame, decode_frame, with_seq};
use fanjet_log::{MAX_FRAME, NewEvent, Origin};

use super::numbers::{MAX_RELAY_SEQ, WireSeqs};
use super::topic::topic_of;
use crate::batch::Numbering;
use crate::known_events::{Relation, Skipped};
use crate::novelty::Novelty;
use crate::resume::Resume;
use crate::subject::subject_of_frame;
use crate::validate::{DropReason, Drops, Gaps, Seqs};

/// Frame order starts here: one per leader.
#[derive(Debug)]
pub(crate) struct FrameSequencer {
    last_time: Option<TimeUs>,
    numbers: WireSeqs,
    novelty: Novelty,
}

/// The result of sequencing a batch of frames.
#[derive(Debug, Default)]
pub(crate) struct SequencedFrames {
    /// Ready to be appended.
    pub(crate) frames: Vec<NewEvent>,
    /// How many of them got another seq.
    pub(crate) renumbered: u64,
    /// How many were skipped because the log contains them.
    pub(crate) repeated: u64,
    /// What was skipped for another reason.
    pub(crate) skipped: Vec<Skipped>,
    /// What was dropped.
    pub(crate) drops: Drops,
    /// The gaps in the upstream's seqs.
    pub(crate) gaps: Gaps,
}

/// What a frame says about itself.
struct Known<'a> {
    frame: Frame<'a>,
    relay_seq: u64,
}

impl FrameSequencer {
    /// Continues after the log's end, whose newest frame has this number.
    pub(crate) fn continuing(resume: &Resume, last: Option<u64>) -> Self {
        Self {
            last_time: resume.time,
            numbers: WireSeqs::continuing(last),
            novelty: Novelty::continuing(resume),
        }
    }

    /// The log time of the newest frame, if known.
    pub(crate) fn last_time(&self) -> Option<TimeUs> {
        self.last_time
    }

    /// What decides which frames are new.
    pub(crate) fn novelty(&mut self) -> &mut Novelty {
        &mut self.novelty
    }

    /// Stamps a batch of one upstream, without what the log contains already. Invariant: wire seqs and times rise
    /// strictly, across leaders, upstreams and clocks.
    pub(crate) fn sequence(
        &mut self,
        batch: &[Bytes],
        numbering: &Numbering,
        now_us: u64,
    ) -> SequencedFrames {
        let mut out = SequencedFrames::default();
        let known: Vec<_> = batch
            .iter()
            .filter_map(|bytes| match known(bytes) {
                Ok(known) => known.map(|known| (bytes, known)),
                Err(reason) => {
                    out.drops.add(reason);
                    None
                }
            })
            .collect();
        let mut seqs = Seqs::default();
        for (_, known) in &known {
            seqs.add(known.relay_seq);
        }
        out.gaps = self.novelty.begin(numbering, seqs);
        for (bytes, known) in known {
            self.take(bytes, &known, numbering, now_us, &mut out);
        }
        out
    }

    fn take(
        &mut self,
        bytes: &Bytes,
        known: &Known<'_>,
        numbering: &Numbering,
        now_us: u64,
        out: &mut SequencedFrames,
    ) {
        let Known { frame, relay_seq } = known;
        let log_time = TimeUs::following(self.last_time, now_us);
        let Some(time) = time_of(frame).or_else(|| written(log_time)) else {
            out.drops.add(DropReason::InvalidTime);
            return;
        };
        let origin = Origin {
            upstream: numbering.upstream.clone(),
            relay_seq: *relay_seq,
            op_index: 0,
            op_count: 1,
            time,
        };
        let (kind, subject) = match subject_of_frame(frame) {
            Some((kind, subject)) => (kind, Some(subject)),
            None => ("unknown", None),
        };
        match self.novelty.classify(kind, &origin, subject) {
            Relation::New => {}
            Relation::Logged => {
                out.repeated += 1;
                return;
            }
            Relation::Skipped(why) => {
                out.skipped.push(why);
                return;
            }
        }
        let Some(wire_seq) = self.numbers.next(*relay_seq) else {
            out.drops.add(DropReason::InvalidSeq);
            return;
        };
        let body = if wire_seq == *relay_seq {
            bytes.clone()
        } else {
            out.renumbered += 1;
            match with_seq(bytes, wire_seq) {
                Some(edited) if edited.len() <= MAX_FRAME => Bytes::from(edited),
                _ => {
                    out.drops.add(DropReason::TooLarge);
                    return;
                }
            }
        };
        self.last_time = Some(log_time);
        out.frames.push(NewEvent {
            topic: Topic::Frame(Arc::new(FrameStamp {
                wire_seq,
                time: log_time,
                topic: topic_of(frame),
            })),
            origin,
            body,
            trace: None,
        });
    }
}

/// What is known about a frame; `None` for one that is for us and not for clients, as `#info` and errors are.
fn known(bytes: &Bytes) -> Result<Option<Known<'_>>, DropReason> {
    if bytes.len() > MAX_FRAME {
        return Err(DropReason::TooLarge);
    }
    let frame = decode_frame(bytes).map_err(|_| DropReason::Undecodable)?;
    if matches!(frame, Frame::Info(_) | Frame::Error(_)) {
        return Ok(None);
    }
    match frame.seq() {
        Some(relay_seq @ 1..=MAX_RELAY_SEQ) => Ok(Some(Known { frame, relay_seq })),
        _ => Err(DropReason::InvalidSeq),
    }
}

/// A frame's own time, if it is valid.
fn time_of(frame: &Frame<'_>) -> Option<Datetime> {
    let time = match frame {
        Frame::Commit(commit) => commit.time,
        Frame::Identity(identity) => identity.time,
        Frame::Account(account) => account.time,
        Frame::Sync(sync) => sync.time,
        Frame::Info(_) | Frame::Error(_) | Frame::Unknown(_) => return None,
    };
    Datetime::parse(Arc::from(time)).ok()
}

/// A log time as frames write theirs.
fn written(time: TimeUs) -> Option<Datetime> {
    let time = UNIX_EPOCH + Duration::from_micros(time.get());
    let text = humantime::format_rfc3339_micros(time).to_string();
    Datetime::parse(Arc::from(text)).ok()
}

#[cfg(test)]
mod tests;
