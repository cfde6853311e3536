//! Gives events their log time, and passes over what the log already holds. Pure but for the clock it is given.

mod ahead;

use bytes::Bytes;
use fanjet_event::TimeUs;
use fanjet_log::{NewEvent, Origin, UpstreamId};
use fanjet_wire::envelope::Subject;
use fanjet_wire::v1;

use crate::batch::Numbering;
use crate::frame_time::{FrameTime, RecentTimes};
use crate::gate::{Draft, Drafts, Gaps, Seqs};
use crate::held::{Held, Judgement, PassedOver};
use crate::recent_commits::RecentCommits;
use crate::resume::Resume;
pub(crate) use ahead::{Ahead, News};

/// Most numberings that are told apart: all upstreams, each with a few. An upstream is never further than a few away from the
/// one that it goes on with.
const SOURCES: usize = 64;

/// So much room beside events is not worth a copy of them.
const SLACK: usize = 64 << 10;

/// Log order begins here: one per leader.
#[derive(Debug)]
pub(crate) struct Sequencer {
    last_time: Option<TimeUs>,
    /// The one that was used last is the last.
    sources: Vec<Source>,
    /// How many events the log took after what it says of itself, which will come first.
    taken: u64,
    /// Nothing from before is wanted, as long as nothing came from behind.
    not_before: Option<FrameTime>,
    /// Since another upstream began to be read than the one before.
    comparison: Option<Comparison>,
    commits: RecentCommits,
}

/// One upstream, as long as it numbers as it did.
#[derive(Debug)]
struct Source {
    numbering: Numbering,
    /// The newest of its operations that was seen: frame and index.
    last: Option<(u64, u32)>,
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

    /// The log time of the newest event, if that is known.
    pub(crate) fn last_time(&self) -> Option<TimeUs> {
        self.last_time
    }

    /// What comes next does not begin where the events were to be counted from that the log took last.
    pub(crate) fn count_no_more(&mut self) {
        self.taken = 0;
    }

    /// What comes next may be from before a time, and is not wanted then.
    pub(crate) fn pass_over_before(&mut self, time: FrameTime) {
        self.not_before = Some(time);
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
        self.count_no_more();
    }

    /// Stamps a batch that came from one upstream. Invariants: times rise strictly, also across leaders and when the
    /// clock jumps back; an upstream's operation that stands at or before the last one seen is passed over, and so are
    /// a copy of what another upstream has brought, and a commit that was logged lately, whatever its numbers.
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
            let this = (draft.origin.relay_seq, draft.origin.op_index);
            if last.is_some_and(|last| this <= last) {
                repeated += 1;
                continue;
            }
            last = Some(this);
            if self.is_before_beginning(&draft.origin) {
                passed_over.push(PassedOver::BeforeBeginning);
                continue;
            }
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
            debug_assert!(is_stamped, "the gate writes every event with the v1 writer");
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
            passed_over,
            gaps,
        }
    }

    /// The first event that is wanted ends that: single wrong clocks behind it do no harm.
    fn is_before_beginning(&mut self, origin: &Origin) -> bool {
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

/// The events' text without room that nobody counts: until the last of them is acknowledged it stays in memory whole, and what
/// was dropped or passed over may have been a thousand times as much. Copying costs less than keeping it.
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
}

#[cfg(test)]
mod tests;
