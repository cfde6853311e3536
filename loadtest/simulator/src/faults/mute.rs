//! A relay that leaves one collection out, silently.

use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::{ExpectedKind, ProducedFrame};

/// Which collection is left out, and from which frame on. On the command line: `app.bsky.feed.like=after:1000`, or the
/// collection alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MuteRule {
    /// The collection.
    pub collection: String,
    /// How many frames come before.
    pub after: u64,
}

impl FromStr for MuteRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (collection, after) = text.split_once("=after:").unwrap_or((text, "0"));
        let after = after
            .parse()
            .map_err(|_| format!("{after:?} is not a count of frames"))?;
        let collection = collection.to_owned();
        Ok(Self { collection, after })
    }
}

/// The rule that is in force, and what it has cost.
#[derive(Debug, Default)]
pub(crate) struct Mute {
    rule: Mutex<Option<MuteRule>>,
    seen: AtomicU64,
    dropped: AtomicU64,
}

impl Mute {
    pub(crate) fn new(rule: Option<MuteRule>) -> Self {
        Self {
            rule: Mutex::new(rule),
            ..Self::default()
        }
    }

    pub(crate) fn set(&self, rule: Option<MuteRule>) {
        *self.rule.lock() = rule;
    }

    /// Takes out the frames that are never sent.
    pub(crate) fn apply(&self, frames: &mut Vec<ProducedFrame>) {
        let before = self.seen.fetch_add(frames.len() as u64, Ordering::Relaxed);
        let rule = self.rule.lock();
        let Some(rule) = &*rule else {
            return;
        };
        let (given, mut number) = (frames.len(), before);
        frames.retain(|frame| {
            number += 1;
            number <= rule.after || !has(frame, &rule.collection)
        });
        let dropped = given - frames.len();
        self.dropped.fetch_add(dropped as u64, Ordering::Relaxed);
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

fn has(frame: &ProducedFrame, wanted: &str) -> bool {
    frame.expected.iter().any(|event| {
        matches!(&event.kind, ExpectedKind::Commit { collection, .. } if collection == wanted)
    })
}
