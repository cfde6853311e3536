//! Where to go on. The log is the only truth: its newest events say everything.

use fanjet_event::TimeUs;
use fanjet_log::{Entry, EventLog, LogError, Origin, ReadLimit, Selection, Seq, UpstreamId};
use fanjet_wire::envelope::Subject;

use crate::frame_time::{FrameTime, Horizon};
use crate::repeats::{Repeats, SourceIndex};

/// Entries and bytes of one page of the log's tail.
const PAGE: ReadLimit = ReadLimit {
    entries: 4096,
    bytes: 8 << 20,
};

/// The state that a leader starts from.
#[derive(Debug, Clone)]
pub(crate) struct Resume {
    /// The log's last seq; 0 for an empty log.
    pub(crate) seq: Seq,
    /// Its log time.
    pub(crate) time: Option<TimeUs>,
    /// Its origin.
    pub(crate) origin: Option<Origin>,
    /// The newest origin of each upstream among the log's newest events; a place in it is a source of `repeats`.
    pub(crate) sources: Vec<Origin>,
    /// What the log's newest events were about.
    pub(crate) repeats: Repeats,
    /// Since when that is complete.
    pub(crate) horizon: Horizon,
}

impl Resume {
    /// Reads the state from the log's newest entries, `remembered` at the most.
    ///
    /// # Errors
    /// [`LogError`]; [`LogError::Corrupt`] when an entry is damaged.
    pub(crate) async fn read(log: &dyn EventLog, remembered: usize) -> Result<Self, LogError> {
        let mut resume = Self::empty(remembered);
        let Some(last) = log.last().await? else {
            return Ok(resume);
        };
        let remembered = Seq::try_from(remembered).unwrap_or(Seq::MAX);
        let mut from = last.seq.saturating_sub(remembered - 1);
        while from < last.seq {
            let page = log.read(from, &Selection::All, PAGE).await?;
            for entry in page.entries.iter().filter(|entry| entry.seq < last.seq) {
                resume.add(entry)?;
            }
            if page.at_end {
                break;
            }
            from = page.next;
        }
        resume.add(&last)?;
        resume.horizon.set(resume.repeats.horizon());
        Ok(resume)
    }

    /// The state of an empty log.
    pub(crate) fn empty(remembered: usize) -> Self {
        Self {
            seq: 0,
            time: None,
            origin: None,
            sources: Vec::new(),
            repeats: Repeats::remembering(remembered),
            horizon: Horizon::default(),
        }
    }

    fn add(&mut self, entry: &Entry) -> Result<(), LogError> {
        self.seq = entry.seq;
        self.time = Some(entry.time()?);
        let origin = &entry.origin;
        self.origin = Some(origin.clone());
        let known = self
            .sources
            .iter()
            .position(|known| known.upstream == origin.upstream);
        let source = match known {
            Some(source) => {
                self.sources[source] = origin.clone();
                source
            }
            None => {
                self.sources.push(origin.clone());
                self.sources.len() - 1
            }
        };
        let subject = Subject::of(&entry.body)
            .ok_or_else(|| LogError::corrupt(entry.seq, "the body is not an event"))?;
        let source = SourceIndex::try_from(source).unwrap_or(SourceIndex::MAX);
        self.repeats.remember(source, &entry.topic, origin, subject);
        Ok(())
    }

    /// How far the log holds what `upstream` sent: the cursor to give to it, which sends what is *behind* it, and the
    /// time there. The frame before the last one logged, so that a commit that was logged in part comes again.
    pub(crate) fn place_in(&self, upstream: &UpstreamId) -> Option<(u64, FrameTime)> {
        let origin = self
            .sources
            .iter()
            .find(|origin| origin.upstream == *upstream)?;
        let time = FrameTime::parse(origin.time.as_str()).unwrap_or(FrameTime::MIN);
        Some((cursor_before(origin.relay_seq), time))
    }
}

/// The cursor behind which the frame `relay_seq` is the next.
pub(crate) fn cursor_before(relay_seq: u64) -> u64 {
    relay_seq.saturating_sub(1)
}
