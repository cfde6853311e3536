//! The faults of a real backend, injected on demand and counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// One kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// `bounds`, `last`, `read`, `seq_at` or the opening of a follow is unavailable.
    ReadFails,
    /// An append is unavailable; nothing of it is stored.
    AppendFails,
    /// An append is unavailable, although all of it is stored: the response is lost.
    AnswerLost,
    /// An append is unavailable, although the first half of it, rounded up, is stored.
    PartlyStored,
    /// Another writer stores the first event of an append just before it, so the append is fenced.
    CompetingWriter,
    /// A follow misses an entry and ends with a gap instead of its next batch.
    FollowGap,
    /// A follow ends as unavailable instead of its next batch or heartbeat.
    FollowEnds,
    /// A follow hangs for good instead of its next batch or heartbeat.
    FollowHangs,
}

impl Fault {
    const COUNT: usize = 8;

    /// The text of the error it causes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadFails => "injected: the read failed",
            Self::AppendFails => "injected: the append failed",
            Self::AnswerLost => "injected: the response was lost",
            Self::PartlyStored => "injected: partly stored",
            Self::CompetingWriter => "injected: another writer",
            Self::FollowGap => "injected: a gap",
            Self::FollowEnds => "injected: the follow ended",
            Self::FollowHangs => "injected: the follow hangs",
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Faults {
    outstanding: [AtomicU64; Fault::COUNT],
    fired: [AtomicU64; Fault::COUNT],
}

impl Faults {
    pub(super) fn inject(&self, fault: Fault, times: u64) {
        self.outstanding[fault as usize].fetch_add(times, Ordering::SeqCst);
    }

    pub(super) fn withdraw(&self, fault: Fault) {
        self.outstanding[fault as usize].store(0, Ordering::SeqCst);
    }

    pub(super) fn fired(&self, fault: Fault) -> u64 {
        self.fired[fault as usize].load(Ordering::SeqCst)
    }

    /// Consumes one occasion for `fault`; returns whether to inject it now.
    pub(super) fn fires(&self, fault: Fault) -> bool {
        let taken = self.outstanding[fault as usize]
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            })
            .is_ok();
        if taken {
            self.fired[fault as usize].fetch_add(1, Ordering::SeqCst);
        }
        taken
    }
}
