//! What is new: whether the log already contains what an upstream sends. Pure.
//!
//! Used by both logs: for the operations of the log of events, and for the whole frames of the raw log.

use fanjet_log::{Origin, UpstreamId};
use fanjet_wire::envelope::Subject;

use crate::batch::Numbering;
use crate::frame_time::{FrameTime, RecentTimes};
use crate::known_events::{KnownEvents, Relation, Skipped};
use crate::recent_commits::RecentCommits;
use crate::resume::Resume;
use crate::validate::{Gaps, Seqs};

/// The maximum number of numberings tracked: all upstreams, with a few each. An upstream is never more than a few steps
/// away from the numbering that it continues with.
const SOURCES: usize = 64;

/// What a log is known to contain.
#[derive(Debug)]
pub(crate) struct Novelty {
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

impl Novelty {
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
            sources: resume.last_operation().map(source).into_iter().collect(),
            taken: resume.taken_since_recorded(),
            not_before: None,
            comparison: None,
            commits: resume.commits.clone(),
        }
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

    /// The next ones have this numbering, and come from frames with these seqs. Returns the gaps in them.
    pub(crate) fn begin(&mut self, numbering: &Numbering, seqs: Seqs) -> Gaps {
        let source = self.source(numbering);
        source.seqs.join(seqs);
        source.seqs.take_gaps()
    }

    /// Classifies the next one. An operation at or before the last one seen of its upstream is in the log already, and
    /// so are a copy of another upstream's event and a recently logged commit, whatever its seq. What is new counts as
    /// logged from then on.
    pub(crate) fn classify(
        &mut self,
        kind: &'static str,
        origin: &Origin,
        subject: Option<Subject<'_>>,
    ) -> Relation {
        let this = (origin.relay_seq, origin.op_index);
        if let Some(source) = self.sources.last_mut() {
            if source.last.is_some_and(|last| this <= last) {
                return Relation::Logged;
            }
            source.last = Some(this);
        }
        if self.is_before_start(origin) {
            return Relation::Skipped(Skipped::BeforeBeginning);
        }
        if let Some(comparison) = &mut self.comparison {
            match comparison.classify(kind, origin, subject) {
                Relation::New => {}
                other => return other,
            }
        }
        if self.taken > 0 {
            self.taken -= 1;
            return Relation::Logged;
        }
        if subject.is_some_and(|subject| self.commits.note(subject, this.1)) {
            return Relation::Logged;
        }
        Relation::New
    }

    /// Whether events are still skipped because they are too old.
    #[cfg(test)]
    pub(crate) fn is_skipping(&self) -> bool {
        self.not_before.is_some()
    }

    /// The first wanted event ends that: single wrong clocks after it do no harm.
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

impl Comparison {
    fn classify(
        &mut self,
        kind: &'static str,
        origin: &Origin,
        subject: Option<Subject<'_>>,
    ) -> Relation {
        let is_before = match &mut self.before {
            Some(before) => before.precedes_index(origin),
            None => false,
        };
        if !is_before {
            self.before.take_if(|before| before.recent.is_full());
        }
        // Without one it can be compared with nothing: a frame of an unknown type.
        let Some(subject) = subject else {
            return Relation::New;
        };
        self.known.classify_kind(kind, origin, subject, is_before)
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
