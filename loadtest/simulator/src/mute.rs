//! A relay that silently drops one collection.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::{ExpectedKind, MuteRule, ProducedFrame};

/// The current rule, and its cost so far.
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

    /// Removes the frames that are never sent.
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
