//! From a time to its event within a known stretch of the log, by pages that the replay will need anyway.

use std::sync::Arc;

use fanjet_log::{Selection, Seq};

use super::Starts;
use crate::replay::{Answer, Page};
use crate::tail::Stretch;

impl Starts {
    /// The first event of the stretch that is not earlier, or where the stretch ends.
    pub(super) async fn search(&self, stretch: Option<Stretch>, time: u64) -> Option<Seq> {
        let mut stretch = stretch?;
        if stretch.before + 1 < self.tail.window.oldest().seq {
            return None;
        }
        loop {
            let probe = stretch.probe()?;
            let page = self.page(probe).await.filter(|page| page.covers(probe))?;
            match place_in(&page, stretch, time) {
                Place::Found(seq) => return Some(seq),
                Place::Within(narrower) => stretch = narrower,
                Place::Unknown => return None,
            }
        }
    }

    async fn page(&self, seq: Seq) -> Option<Arc<Page>> {
        loop {
            let page = match self.desk.page(seq, Selection::All) {
                Answer::Page(page) => page,
                Answer::Wait(page) => page.await.ok()?.ok()?,
            };
            if page.next > seq {
                return Some(page);
            }
        }
    }
}

impl Stretch {
    /// Where to look next: directly behind its begin, when what is left is about one page.
    pub(super) fn probe(self) -> Option<Seq> {
        const ABOUT_A_PAGE: u64 = 512;
        let width = self.reached.checked_sub(self.before)?;
        Some(if width <= ABOUT_A_PAGE {
            self.before + 1
        } else {
            self.before + width / 2
        })
    }
}

/// What a page says about a place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    Found(Seq),
    Within(Stretch),
    /// It has no event.
    Unknown,
}

/// The page covers a position behind the stretch's begin, and not behind its end.
pub(super) fn place_in(page: &Page, stretch: Stretch, time: u64) -> Place {
    let (Some(first), Some(last)) = (page.entries.first(), page.entries.last()) else {
        return Place::Unknown;
    };
    if last.time().get() < time {
        return match last.seq() + 1 {
            next if next == stretch.reached => Place::Found(next),
            _ => Place::Within(Stretch {
                before: last.seq(),
                ..stretch
            }),
        };
    }
    if first.time().get() >= time && first.seq() > stretch.before + 1 {
        return Place::Within(Stretch {
            reached: first.seq(),
            ..stretch
        });
    }
    let at = page
        .entries
        .partition_point(|entry| entry.time().get() < time);
    page.entries
        .get(at)
        .map_or(Place::Unknown, |entry| Place::Found(entry.seq()))
}

#[cfg(test)]
mod tests;
