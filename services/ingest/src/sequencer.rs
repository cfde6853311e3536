//! Gives events their log time, and passes over what the log already holds. Pure but for the clock it is given.

use bytes::Bytes;
use fanjet_event::TimeUs;
use fanjet_log::{NewEvent, Origin, UpstreamId};
use fanjet_wire::envelope::Subject;
use fanjet_wire::v1;

use crate::decode::Numbering;
use crate::frame_time::{FrameTime, Horizon};
use crate::gate::{Draft, Drafts, Gaps, Seqs};
use crate::repeats::{Repeats, SourceIndex};
use crate::resume::Resume;

/// Log order begins here: one per leader.
#[derive(Debug)]
pub(crate) struct Sequencer {
    last_time: Option<TimeUs>,
    sources: Vec<Source>,
    repeats: Repeats,
    horizon: Horizon,
}

/// One upstream, as long as it numbers as it did.
#[derive(Debug)]
struct Source {
    numbering: Numbering,
    /// The newest of its operations that was seen.
    last: Option<Origin>,
    /// Its frames' seqs, whatever became of them.
    seqs: Seqs,
    /// While it is read from an earlier time on: up to where.
    behind: Option<FrameTime>,
}

/// What a batch of drafts became.
#[derive(Debug)]
pub(crate) struct Sequenced {
    /// Ready to be appended.
    pub(crate) events: Vec<NewEvent>,
    /// How many were passed over because the log holds them.
    pub(crate) repeated: u64,
    /// What the upstream's seqs left out.
    pub(crate) gaps: Gaps,
}

impl Sequencer {
    /// Continues above what the log holds.
    pub(crate) fn continuing(resume: Resume) -> Self {
        let source = |origin: Origin| {
            let mut seqs = Seqs::default();
            seqs.add(origin.relay_seq);
            Source {
                numbering: Numbering::first(origin.upstream.clone()),
                last: Some(origin),
                seqs,
                behind: None,
            }
        };
        Self {
            last_time: resume.time,
            sources: resume.sources.into_iter().map(source).collect(),
            repeats: resume.repeats,
            horizon: resume.horizon,
        }
    }

    /// Stamps a batch that came from one upstream. `is_rewound`: it was connected anew at a time that the log has
    /// passed already. Invariants: times rise strictly, also across leaders and when the clock jumps back; an
    /// upstream's operation that stands at or before the last one seen is passed over, and so is a copy of what
    /// another upstream has brought.
    pub(crate) fn sequence(
        &mut self,
        drafts: Drafts,
        numbering: &Numbering,
        is_rewound: bool,
        now_us: u64,
    ) -> Sequenced {
        let Drafts {
            mut text,
            events: drafted,
            seqs,
            ..
        } = drafts;
        let at = self.source(numbering);
        let source = &mut self.sources[at];
        if is_rewound {
            source.behind = self.repeats.newest();
            // Where it begins was chosen: what lies before is not missing.
            source.seqs = Seqs::default();
        }
        source.seqs.join(seqs);
        let gaps = source.seqs.take_gaps();
        let mut kept = Vec::with_capacity(drafted.len());
        let mut repeated = 0;
        for draft in drafted {
            if self.is_repeat(at, &draft, &text[draft.span.clone()]) {
                repeated += 1;
                continue;
            }
            let time = TimeUs::following(self.last_time, now_us);
            let is_stamped = v1::stamp(&mut text[draft.span.clone()], time);
            debug_assert!(is_stamped, "the gate writes every event with the v1 writer");
            self.last_time = Some(time);
            kept.push(draft);
        }
        self.horizon.set(self.repeats.horizon());
        let text = Bytes::from(text);
        let events = kept
            .into_iter()
            .map(|draft| NewEvent {
                topic: draft.topic,
                origin: draft.origin,
                body: text.slice(draft.span),
            })
            .collect();
        Sequenced {
            events,
            repeated,
            gaps,
        }
    }

    /// Whether the log holds an event; remembers it when not.
    fn is_repeat(&mut self, at: usize, draft: &Draft, json: &[u8]) -> bool {
        let source = &mut self.sources[at];
        let is_covered = |last: &Origin| draft.origin.is_covered_by(last);
        if source.last.as_ref().is_some_and(is_covered) {
            return true;
        }
        source.last = Some(draft.origin.clone());
        let Some(subject) = Subject::of(json) else {
            return false;
        };
        let index = SourceIndex::try_from(at).unwrap_or(SourceIndex::MAX);
        if self
            .repeats
            .holds(index, &draft.topic, &draft.origin, subject)
        {
            return true;
        }
        if let (Some(until), Some(time)) =
            (source.behind, FrameTime::parse(draft.origin.time.as_str()))
        {
            if self.repeats.horizon().is_some_and(|from| time < from) {
                // The log has passed this time, but it is forgotten with what.
                return true;
            }
            if time > until {
                source.behind = None;
            }
        }
        self.repeats
            .remember(index, &draft.topic, &draft.origin, subject);
        false
    }

    fn source(&mut self, numbering: &Numbering) -> usize {
        let known = self
            .sources
            .iter()
            .position(|source| source.numbering == *numbering);
        known.unwrap_or_else(|| {
            self.sources.push(Source {
                numbering: numbering.clone(),
                last: None,
                seqs: Seqs::default(),
                behind: None,
            });
            self.sources.len() - 1
        })
    }
}

impl Numbering {
    /// An upstream's seqs as the log knows them.
    pub(crate) fn first(upstream: UpstreamId) -> Self {
        Self { upstream, epoch: 0 }
    }

    /// The same upstream after it began to number anew.
    pub(crate) fn next(&self) -> Self {
        Self {
            upstream: self.upstream.clone(),
            epoch: self.epoch + 1,
        }
    }
}

#[cfg(test)]
mod tests;
