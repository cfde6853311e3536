//! Assigns log times to events, and skips what the log already contains. Pure except for the clock argument.

mod ahead;

use bytes::Bytes;
use fanjet_event::TimeUs;
use fanjet_log::{NewEvent, Origin, UpstreamId};
use fanjet_wire::envelope::Subject;
use fanjet_wire::v1;

use crate::batch::Numbering;
use crate::frame_time::{FrameTime, RecentTimes};
use crate::known_events::{KnownEvents, Relation, Skipped};
use crate::recent_commits::RecentCommits;
use crate::resume::Resume;
use crate::validate::{Draft, Drafts, Gaps, Seqs};
pub(crate) use ahead::{Ahead, AheadChange};

/// The maximum number of numberings tracked: all upstreams, with a few each. An upstream is never more than a few steps
/// away from the numbering that it continues with.
const SOURCES: usize = 64;

/// Unused capacity up to this size is not worth a copy of the events.
const SLACK: usize = 64 << 10;

/// Decides the order of the log. One per leader.
#[derive(Debug)]
pub(crate) struct Sequencer {
    last_time: Option<TimeUs>,
    /// The numbering used last is at the end.
    sources: Vec<Source>,
    /// How many events the log gained after the bookmark; the upstream sends them first.
    taken: u64,
    /// Set until the first newer event arrives: events from before this time are not wanted.
    not_before: Option<FrameTime>,
    /// The index of the log, since ingest switched to another upstream.
    comparison: Option<Comparison>,
    commits: RecentCommits,
}

/// One upstream, as long as its numbering continues.
#[derive(Debug)]
struct Source {
    numbering: Numbering,
    /// The newest operation seen: frame and index.
    last: Option<(u64, u32)>,
    /// The seqs of its frames, including dropped ones.
    seqs: Seqs,
}

/// What the log contained when ingest switched to the current upstream.
#[derive(Debug)]
struct Comparison {
    known: KnownEvents,
    /// The upstream's position, as long as it may precede everything in the index.
    before: Option<Before>,
}

#[derive(Debug)]
struct Before {
    since: FrameTime,
    recent: RecentTimes,
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
        let source = |(upstream, last): (UpstreamId, (u64, u32))| {
            let mut seqs = Seqs::default();
            seqs.add(last.0);
            Source {
                numbering: Numbering::first(upstream),
                last: Some(last),
                seqs,
            }
        };
        Self {
            last_time: resume.time,
            sources: resume.last_operation().map(source).into_iter().collect(),
            taken: resume.taken_since_recorded(),
            not_before: None,
            comparison: None,
            commits: resume.commits.clone(),
        }
    }

    /// The log time of the newest event, if known.
    pub(crate) fn last_time(&self) -> Option<TimeUs> {
        self.last_time
    }

    /// The next frames do not start at the resume position, so the events that the log gained after the bookmark cannot
    /// be counted off.
    pub(crate) fn count_no_more(&mut self) {
        self.taken = 0;
    }

    /// The next frames may be older than this time, in which case they are not wanted.
    pub(crate) fn skip_before(&mut self, time: FrameTime) {
        self.not_before = Some(time);
    }

    /// The following frames come from an upstream whose events may be in the log under other seqs: `known` knows which.
    pub(crate) fn compare(&mut self, numbering: &Numbering, known: KnownEvents) {
        // The starting point was chosen, so anything before it is not missing.
        self.source(numbering).seqs = Seqs::default();
        let before = known.since().map(|since| Before {
            since,
            recent: RecentTimes::default(),
        });
        self.comparison = Some(Comparison { known, before });
        self.count_no_more();
    }

    /// Stamps a batch of one upstream. Invariants: times rise strictly, across leaders and when the clock jumps back;
    /// an operation at or before the last one seen of its upstream is skipped, and so are a copy of another upstream's
    /// event and a recently logged commit, whatever its seq.
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
        let mut skipped = Vec::new();
        for draft in drafted {
            let this = (draft.origin.relay_seq, draft.origin.op_index);
            if last.is_some_and(|last| this <= last) {
                repeated += 1;
                continue;
            }
            last = Some(this);
            if self.is_before_start(&draft.origin) {
                skipped.push(Skipped::BeforeBeginning);
                continue;
            }
            if let Some(comparison) = &mut self.comparison {
                match comparison.classify(&draft, &text[draft.span.clone()]) {
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
            }
            if self.taken > 0 {
                self.taken -= 1;
                repeated += 1;
                continue;
            }
            let subject = Subject::of(&text[draft.span.clone()]);
            if subject.is_some_and(|subject| self.commits.note(subject, this.1)) {
                repeated += 1;
                continue;
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
        self.source(numbering).last = last;
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

    /// Whether the event predates the start of reading. The first event that does not ends this check, so a single wrong clock
    /// later does no harm.
    fn is_before_start(&mut self, origin: &Origin) -> bool {
        let time = FrameTime::of(&origin.time);
        let is_before = |begin: FrameTime| time.is_some_and(|time| time < begin);
        self.not_before.take_if(|begin| !is_before(*begin));
        self.not_before.is_some()
    }

    fn source(&mut self, numbering: &Numbering) -> &mut Source {
        let known = self
            .sources
            .iter()
            .position(|source| source.numbering == *numbering);
        match known {
            Some(at) => self.sources[at..].rotate_left(1),
            None => {
                if self.sources.len() == SOURCES {
                    self.sources.remove(0);
                }
                self.sources.push(Source {
                    numbering: numbering.clone(),
                    last: None,
                    seqs: Seqs::default(),
                });
            }
        }
        let newest = self.sources.len() - 1;
        &mut self.sources[newest]
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

impl Comparison {
    fn classify(&mut self, draft: &Draft, json: &[u8]) -> Relation {
        let is_before = match &mut self.before {
            Some(before) => before.precedes_index(&draft.origin),
            None => false,
        };
        if !is_before {
            self.before.take_if(|before| before.recent.is_full());
        }
        // Validation writes nothing else.
        let Some(subject) = Subject::of(json) else {
            return Relation::New;
        };
        self.known
            .classify(&draft.topic, &draft.origin, subject, is_before)
    }
}

impl Before {
    /// Whether an upstream that sends this now has not reached the index yet.
    fn precedes_index(&mut self, origin: &Origin) -> bool {
        self.recent.add_of(origin);
        self.recent.middle().is_some_and(|now| now < self.since)
    }
}

impl Numbering {
    /// An upstream's seqs as the log knows them.
    pub(crate) fn first(upstream: UpstreamId) -> Self {
        Self { upstream, epoch: 0 }
    }
}

#[cfg(test)]
mod tests;
