//! Gives events their log time, and passes over what the log already holds. Pure but for the clock it is given.

use bytes::Bytes;
use fanjet_event::TimeUs;
use fanjet_log::{NewEvent, Origin, UpstreamId};
use fanjet_wire::envelope::Subject;
use fanjet_wire::v1;

use crate::decode::Numbering;
use crate::frame_time::{FrameTime, RecentTimes};
use crate::gate::{Draft, Drafts, Gaps, Seqs};
use crate::held::{Held, Judgement, PassedOver};
use crate::resume::Resume;

/// Log order begins here: one per leader.
#[derive(Debug)]
pub(crate) struct Sequencer {
    last_time: Option<TimeUs>,
    sources: Vec<Source>,
    /// Since another upstream began to be read than the one before.
    comparison: Option<Comparison>,
}

/// One upstream, as long as it numbers as it did.
#[derive(Debug)]
struct Source {
    numbering: Numbering,
    /// The newest of its operations that was seen.
    last: Option<Origin>,
    /// Its frames' seqs, whatever became of them.
    seqs: Seqs,
}

/// What the log held when the present upstream began to be read.
#[derive(Debug)]
struct Comparison {
    held: Held,
    /// Where the upstream stands, as long as that may be before all that is remembered.
    before: Option<Before>,
}

#[derive(Debug)]
struct Before {
    since: FrameTime,
    recent: RecentTimes,
}

/// What a batch of drafts became.
#[derive(Debug)]
pub(crate) struct Sequenced {
    /// Ready to be appended.
    pub(crate) events: Vec<NewEvent>,
    /// How many were passed over because the log holds them.
    pub(crate) repeated: u64,
    /// What was passed over for another reason.
    pub(crate) passed_over: Vec<PassedOver>,
    /// What the upstream's seqs left out.
    pub(crate) gaps: Gaps,
}

impl Sequencer {
    /// Continues above what the log holds.
    pub(crate) fn continuing(resume: &Resume) -> Self {
        let source = |origin: &Origin| {
            let mut seqs = Seqs::default();
            seqs.add(origin.relay_seq);
            Source {
                numbering: Numbering::first(origin.upstream.clone()),
                last: Some(origin.clone()),
                seqs,
            }
        };
        Self {
            last_time: resume.time,
            sources: resume.origin.iter().map(source).collect(),
            comparison: None,
        }
    }

    /// From now on an upstream is read whose events may be in the log in other numbers: `held` says which.
    pub(crate) fn compare(&mut self, numbering: &Numbering, held: Held) {
        // Where it begins was chosen: what lies before is not missing.
        self.source(numbering).seqs = Seqs::default();
        let before = held.since().map(|since| Before {
            since,
            recent: RecentTimes::default(),
        });
        self.comparison = Some(Comparison { held, before });
    }

    /// Stamps a batch that came from one upstream. Invariants: times rise strictly, also across leaders and when the
    /// clock jumps back; an upstream's operation that stands at or before the last one seen is passed over, and so is
    /// a copy of what another upstream has brought.
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
        let source = self.source(numbering);
        source.seqs.join(seqs);
        let gaps = source.seqs.take_gaps();
        let mut last = source.last.take();
        let mut kept = Vec::with_capacity(drafted.len());
        let mut repeated = 0;
        let mut passed_over = Vec::new();
        for draft in drafted {
            let is_covered = |last: &Origin| draft.origin.is_covered_by(last);
            if last.as_ref().is_some_and(is_covered) {
                repeated += 1;
                continue;
            }
            last = Some(draft.origin.clone());
            if let Some(comparison) = &mut self.comparison {
                match comparison.judge(&draft, &text[draft.span.clone()]) {
                    Judgement::New => {}
                    Judgement::Held => {
                        repeated += 1;
                        continue;
                    }
                    Judgement::PassedOver(why) => {
                        passed_over.push(why);
                        continue;
                    }
                }
            }
            let time = TimeUs::following(self.last_time, now_us);
            let is_stamped = v1::stamp(&mut text[draft.span.clone()], time);
            debug_assert!(is_stamped, "the gate writes every event with the v1 writer");
            self.last_time = Some(time);
            kept.push(draft);
        }
        self.source(numbering).last = last;
        let text = Bytes::from(text);
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
            passed_over,
            gaps,
        }
    }

    fn source(&mut self, numbering: &Numbering) -> &mut Source {
        let known = self
            .sources
            .iter()
            .position(|source| source.numbering == *numbering);
        let at = known.unwrap_or_else(|| {
            self.sources.push(Source {
                numbering: numbering.clone(),
                last: None,
                seqs: Seqs::default(),
            });
            self.sources.len() - 1
        });
        &mut self.sources[at]
    }
}

impl Comparison {
    fn judge(&mut self, draft: &Draft, json: &[u8]) -> Judgement {
        let is_before = match &mut self.before {
            Some(before) => before.still_is(&draft.origin),
            None => false,
        };
        if !is_before {
            self.before.take_if(|before| before.recent.is_full());
        }
        // The gate writes nothing else.
        let Some(subject) = Subject::of(json) else {
            return Judgement::New;
        };
        self.held
            .judge(&draft.topic, &draft.origin, subject, is_before)
    }
}

impl Before {
    /// Whether an upstream that sends this now has not come to what is remembered.
    fn still_is(&mut self, origin: &Origin) -> bool {
        self.recent.add_of(origin);
        self.recent.middle().is_some_and(|now| now < self.since)
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
