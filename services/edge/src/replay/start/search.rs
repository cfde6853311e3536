//! Searches a time within a known range of seqs, in pages that the replay needs anyway.

use std::sync::Arc;

use fanjet_log::Seq;

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
            let page = match self.page_requests.page_for_search(seq) {
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
    /// No event between here and the searched one.
    Found(Seq),
    /// A smaller range.
    Within(SeqRange),
    /// The page does not decide.
    Unknown,
}

/// The page must cover a seq after the range's start and not after its end.
///
/// Not every seq has an event, so what the page covers narrows the range, and not where its events are: between two
/// events, or behind the last one, the same page would be asked again and again.
pub(super) fn search_page(page: &Page, seq_range: SeqRange, time: u64) -> SearchStep {
    let SeqRange { before, reached } = seq_range;
    let earlier = page
        .entries
        .partition_point(|entry| entry.time().get() < time);
    let is_earlier_before = earlier > 0 || page.complete_from <= before + 1;
    match page.entries.get(earlier) {
        Some(entry) if is_earlier_before => SearchStep::Found(entry.seq()),
        Some(_) => SearchStep::Within(SeqRange {
            reached: page.complete_from,
            ..seq_range
        }),
        // Nothing that the page covers is as late.
        None if is_earlier_before && page.next < reached => SearchStep::Within(SeqRange {
            before: page.next - 1,
            ..seq_range
        }),
        None if is_earlier_before && is_before(page, reached) => SearchStep::Found(reached),
        // The page is empty, or the log has grown beyond what was its end.
        None => SearchStep::Unknown,
    }
}

fn is_before(page: &Page, seq: Seq) -> bool {
    page.entries.last().is_none_or(|last| last.seq() < seq)
}

#[cfg(test)]
mod tests;
