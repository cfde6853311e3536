//! What the first frames of a connection are: new, already known, or preceded by a loss.

use tokio::time::Instant;
use tracing::error;

use super::position::Begin;
use super::{Upstream, begin};
use crate::batch::{FrameBatch, Rewind, Share};
use crate::frame_time::FrameTime;
use crate::queue::{BatchSender, Closed};

impl Upstream {
    /// What the first frames of a connection may be other than new.
    pub(super) fn rewind(&self, active: usize, begin: &Begin) -> Rewind {
        let overlap = self.config.overlap;
        match (begin, self.positions.since()) {
            _ if self.positions.may_repeat_others(active) => Rewind::IntoLog,
            (Begin::Search(_), Some(since)) => Rewind::BeforeBeginning(since.before(overlap)),
            _ => Rewind::None,
        }
    }

    /// Reading starts at the live end, and until a frame arrives that is all that is known. It is recorded, so that
    /// events missed during a later interruption can be searched for.
    pub(super) async fn begin_now(
        &mut self,
        active: usize,
        batches: &BatchSender,
    ) -> Result<(), Closed> {
        let now_us = i64::try_from(self.clock.now_us()).unwrap_or(i64::MAX);
        self.positions.begin_now(FrameTime::from_micros(now_us));
        let nothing = FrameBatch {
            numbering: self.positions.numbering(active).clone(),
            rewind: Rewind::None,
            reached: self.positions.reached(active),
            arrived: Instant::now(),
            frames: Vec::new(),
            share: Share::default(),
        };
        batches.send(nothing).await
    }

    /// Whether the upstream has dropped what preceded `seq`, the first one that it sends after the cursor. If it still
    /// has older frames, then nothing lies in between.
    pub(super) async fn has_lost(&self, active: usize, seq: u64) -> bool {
        let endpoint = &self.endpoints[active];
        let oldest = begin::oldest(&self.connector, endpoint, &self.config, &self.batch).await;
        let is_lost = match &oldest {
            Ok(oldest) => oldest.is_none_or(|oldest| oldest >= seq),
            // The cases cannot be distinguished, and a loss must be reported.
            Err(_) => true,
        };
        if is_lost {
            self.metrics.upstream_lost();
            error!(
                upstream = endpoint.id.as_str(),
                cursor = self.positions.cursor(active),
                first = seq,
                ?oldest,
                "the upstream no longer has the frames after the resume position: events are lost"
            );
        }
        is_lost
    }
}
