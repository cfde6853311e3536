//! Searches a time within a known range of seqs, in pages that the replay needs anyway.

use std::sync::Arc;

use fanjet_log::{Selection, Seq};

use super::StartResolver;
use crate::replay::{Page, PageResponse};
use crate::tail::SeqRange;

impl StartResolver {
    /// The first event of the range that is not earlier, or the end of the range.
    pub(super) async fn search(&self, seq_range: Option<SeqRange>, time: u64) -> Option<Seq> {
        let mut seq_range = seq_range?;
        if seq_range.before + 1 < self.tail.window.oldest().seq {
            return None;
        }
        loop {
            let probe = seq_range.probe()?;
            let page = self.page(probe).await.filter(|page| page.covers(probe))?;
            match search_page(&page, seq_range, time) {
                SearchStep::Found(seq) => return Some(seq),
                SearchStep::Within(narrower) => seq_range = narrower,
                SearchStep::Unknown => return None,
            }
        }
    }

    async fn page(&self, seq: Seq) -> Option<Arc<Page>> {
        loop {
            let page = match self.page_requests.page(seq, Selection::All) {
                PageResponse::Page(page) => page,
                PageResponse::Wait(page) => page.await.ok()?.ok()?,
            };
            if page.next > seq {
                return Some(page);
            }
        }
    }
}

impl SeqRange {
    /// The next seq to look at: right after the start when about one page remains.
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

/// What a page reveals about the searched seq.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SearchStep {
    Found(Seq),
    Within(SeqRange),
    /// The page is empty.
    Unknown,
}

/// The page must cover a seq after the range's start and not after its end.
pub(super) fn search_page(page: &Page, seq_range: SeqRange, time: u64) -> SearchStep {
    let (Some(first), Some(last)) = (page.entries.first(), page.entries.last()) else {
        return SearchStep::Unknown;
    };
    if last.time().get() < time {
        return match last.seq() + 1 {
            next if next == seq_range.reached => SearchStep::Found(next),
            _ => SearchStep::Within(SeqRange {
                before: last.seq(),
                ..seq_range
            }),
        };
    }
    if first.time().get() >= time && first.seq() > seq_range.before + 1 {
        return SearchStep::Within(SeqRange {
            reached: first.seq(),
            ..seq_range
        });
    }
    let at = page
        .entries
        .partition_point(|entry| entry.time().get() < time);
    page.entries
        .get(at)
        .map_or(SearchStep::Unknown, |entry| SearchStep::Found(entry.seq()))
}

#[cfg(test)]
mod tests;
