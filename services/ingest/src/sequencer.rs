//! Assigns log times to events, and skips what the log already contains. Pure except for the clock argument.

mod ahead;

use bytes::Bytes;
use fanjet_event::TimeUs;
use fanjet_log::NewEvent;
use fanjet_wire::envelope::Subject;
use fanjet_wire::v1;

use crate::batch::Numbering;
use crate::known_events::{Relation, Skipped};
use crate::novelty::Novelty;
use crate::resume::Resume;
use crate::validate::{Draft, Drafts, Gaps};
pub(crate) use ahead::{Ahead, AheadChange};

/// Unused capacity up to this size is not worth a copy of the events.
const SLACK: usize = 64 << 10;

/// Decides the order of the log. One per leader.
#[derive(Debug)]
pub(crate) struct Sequencer {
    last_time: Option<TimeUs>,
    novelty: Novelty,
}

/// The result of sequencing a batch of drafts.
#[derive(Debug)]
pub(crate) struct Sequenced {
    /// Ready to be appended.
    pub(crate) events: Vec<NewEvent>,
    /// How many were skipped because the log contains them.
    pub(crate) repeated: u64,
    /// What was skipped for another reason.
    pub(crate) skipped: Vec<Skipped>,
    /// The gaps in the upstream's seqs.
    pub(crate) gaps: Gaps,
}

impl Sequencer {
    /// Continues after the log's end.
    pub(crate) fn continuing(resume: &Resume) -> Self {
        Self {
            last_time: resume.time,
            novelty: Novelty::continuing(resume),
        }
    }

    /// The log time of the newest event, if known.
    pub(crate) fn last_time(&self) -> Option<TimeUs> {
        self.last_time
    }

    /// What decides which events are new.
    pub(crate) fn novelty(&mut self) -> &mut Novelty {
        &mut self.novelty
    }

    /// Stamps a batch of one upstream, without what the log contains already. Invariant: times rise strictly, across
    /// leaders and when the clock jumps back.
    pub(crate) fn sequence(
        &mut self,
        drafts: Drafts,
        numbering: &Numbering,
        now_us: u64,
    ) -> Sequenced {
        let Drafts {
            mut text,
            events: drafted,
            seqs,
            ..
        } = drafts;
        let gaps = self.novelty.begin(numbering, seqs);
        let mut kept = Vec::with_capacity(drafted.len());
        let mut repeated = 0;
        let mut skipped = Vec::new();
        for draft in drafted {
            let subject = Subject::of(&text[draft.span.clone()]);
            match self
                .novelty
                .classify(draft.topic.kind(), &draft.origin, subject)
            {
                Relation::New => {}
                Relation::Logged => {
                    repeated += 1;
                    continue;
                }
                Relation::Skipped(why) => {
                    skipped.push(why);
                    continue;
                }
            }
            let time = TimeUs::following(self.last_time, now_us);
            let is_stamped = v1::stamp(&mut text[draft.span.clone()], time);
            debug_assert!(
                is_stamped,
                "`validate` writes every event with the v1 writer"
            );
            self.last_time = Some(time);
            kept.push(draft);
        }
        let text = compact(text, &mut kept);
        let events = kept
            .into_iter()
            .map(|draft| NewEvent {
                trace: None,
                topic: draft.topic,
                origin: draft.origin,
                body: text.slice(draft.span),
            })
            .collect();
        Sequenced {
            events,
            repeated,
            skipped,
            gaps,
        }
    }
}

/// Drops the text's unused capacity. The text stays in memory until its last event is acknowledged, and dropped or
/// skipped events may have been a thousand times as large. A copy is cheaper than keeping them.
fn compact(text: Vec<u8>, kept: &mut [Draft]) -> Bytes {
    let bytes: usize = kept.iter().map(|draft| draft.span.len()).sum();
    if text.capacity() <= 2 * bytes + SLACK {
        return Bytes::from(text);
    }
    let mut compacted = Vec::with_capacity(bytes);
    for draft in kept {
        let start = compacted.len();
        compacted.extend_from_slice(&text[draft.span.clone()]);
        draft.span = start..compacted.len();
    }
    Bytes::from(compacted)
}

#[cfg(test)]
mod tests;
