//! The events of the ledger that a filter matches.

use std::sync::Arc;

use crate::filter::{Filter, Matcher};
use crate::ledger::Ledger;

/// A filter over the ledger's events: each name is matched once.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    filter: Matcher,
    max_bytes: u32,
    ledger: Arc<Ledger>,
    collections: Vec<Option<bool>>,
    dids: Vec<Option<bool>>,
}

impl Wanted {
    pub(super) fn new(filter: &Filter, ledger: Arc<Ledger>) -> Self {
        Self {
            filter: Matcher::new(filter),
            max_bytes: filter.max_bytes,
            ledger,
            collections: Vec::new(),
            dids: Vec::new(),
        }
    }

    /// Whether an event matches.
    pub(super) fn wants(&mut self, index: usize) -> bool {
        let about = self.ledger.about(index);
        let (filter, ledger) = (&self.filter, &self.ledger);
        let fits = self.max_bytes == 0 || about.length <= self.max_bytes;
        fits && (about.collection == 0
            || remembered(&mut self.collections, about.collection, |number| {
                filter.wants_collection(&ledger.collection_names().name(number))
            }))
            && remembered(&mut self.dids, about.did, |number| {
                filter.wants_did(&ledger.did_names().name(number))
            })
    }
}

fn remembered(answers: &mut Vec<Option<bool>>, number: u32, ask: impl Fn(u32) -> bool) -> bool {
    let at = number as usize;
    if at >= answers.len() {
        answers.resize(at + 1, None);
    }
    *answers[at].get_or_insert_with(|| ask(number))
}
