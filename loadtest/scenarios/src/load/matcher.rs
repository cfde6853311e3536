//! Which of the oracle's events a filter lets through.

use std::sync::Arc;

use super::Oracle;
use crate::filter::Filter;

/// A filter over the oracle's events: names are looked at once.
#[derive(Clone)]
pub(super) struct Matcher {
    filter: Filter,
    oracle: Arc<Oracle>,
    collections: Vec<Option<bool>>,
    dids: Vec<Option<bool>>,
}

impl Matcher {
    pub(super) fn new(filter: Filter, oracle: Arc<Oracle>) -> Self {
        Self {
            filter,
            oracle,
            collections: Vec::new(),
            dids: Vec::new(),
        }
    }

    /// Whether it lets an event through.
    pub(super) fn wants(&mut self, index: usize) -> bool {
        let about = self.oracle.about(index);
        let (filter, oracle) = (&self.filter, &self.oracle);
        let fits = filter.max_bytes == 0 || about.length <= filter.max_bytes;
        fits && (about.collection == 0
            || remembered(&mut self.collections, about.collection, |number| {
                filter.wants_collection(&oracle.collection_names().name(number))
            }))
            && remembered(&mut self.dids, about.did, |number| {
                filter.wants_did(&oracle.did_names().name(number))
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
