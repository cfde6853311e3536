//! Gives events their log time, and passes over what the log already holds. Pure but for the clock it is given.

use bytes::Bytes;
use fanjet_event::TimeUs;
use fanjet_log::{NewEvent, Origin};
use fanjet_wire::v1;

use crate::gate::Drafts;
use crate::resume::Resume;

/// Log order begins here: one per leader.
#[derive(Debug)]
pub(crate) struct Sequencer {
    last_time: Option<TimeUs>,
    last_origin: Option<Origin>,
}

/// What a batch of drafts became.
#[derive(Debug)]
pub(crate) struct Sequenced {
    /// Ready to be appended.
    pub(crate) events: Vec<NewEvent>,
    /// How many were passed over because the log holds them.
    pub(crate) repeated: u64,
}

impl Sequencer {
    /// Continues above what the log holds.
    pub(crate) fn continuing(resume: &Resume) -> Self {
        Self {
            last_time: resume.time,
            last_origin: resume.origin.clone(),
        }
    }

    /// Stamps a batch. Invariants: times rise strictly, also across leaders and when the clock jumps back; an
    /// upstream operation that stands at or before the last one seen is passed over.
    pub(crate) fn sequence(&mut self, drafts: Drafts, now_us: u64) -> Sequenced {
        let Drafts {
            mut text,
            events: drafted,
            ..
        } = drafts;
        let mut kept = Vec::with_capacity(drafted.len());
        let mut repeated = 0;
        for draft in drafted {
            if self
                .last_origin
                .as_ref()
                .is_some_and(|last| draft.origin.is_covered_by(last))
            {
                repeated += 1;
                continue;
            }
            let time = TimeUs::following(self.last_time, now_us);
            let is_stamped = v1::stamp(&mut text[draft.span.clone()], time);
            debug_assert!(is_stamped, "the gate writes every event with the v1 writer");
            self.last_time = Some(time);
            self.last_origin = Some(draft.origin.clone());
            kept.push(draft);
        }
        let text = Bytes::from(text);
        let events = kept
            .into_iter()
            .map(|draft| NewEvent {
                topic: draft.topic,
                origin: draft.origin,
                body: text.slice(draft.span),
            })
            .collect();
        Sequenced { events, repeated }
    }
}

#[cfg(test)]
mod tests;
