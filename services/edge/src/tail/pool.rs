//! The collections that this node serves: all of them, or those of its pool.
//!
//! A pool follows only its own collections, so a filter that may match others is refused with a message; a client is never
//! served less than it asked for.

use std::fmt;

use fanjet_event::NsidPrefix;
use fanjet_filter::{EventKind, Filter, List, OptionsError};
use fanjet_log::{Selection, TopicFilter};

/// The collections of a node.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    /// `None`: all.
    collections: Option<Filter>,
}

impl Pool {
    /// A pool of these collections and prefixes, in the syntax of `wantedCollections`; empty: everything.
    ///
    /// # Errors
    /// [`OptionsError`] with the first invalid value.
    pub fn new(collections: &[String]) -> Result<Self, OptionsError> {
        let filter = Filter::new(collections.iter().map(String::as_str), [], 0)?;
        if let Some(prefix) = filter
            .prefixes()
            .iter()
            .find(|prefix| head(prefix).is_none())
        {
            return Err(OptionsError::Value {
                list: List::WantedCollections,
                value: format!("{prefix}*"),
            });
        }
        Ok(Self {
            collections: (!filter.wants_every_collection()).then_some(filter),
        })
    }

    /// Whether this node has everything that a filter can match.
    pub fn serves(&self, filter: &Filter) -> bool {
        let Some(pool) = &self.collections else {
            return true;
        };
        let is_under = |name: &str| {
            pool.prefixes()
                .iter()
                .any(|prefix| name.starts_with(&**prefix))
        };
        let kinds = [EventKind::Create, EventKind::Update, EventKind::Delete];
        if !kinds.iter().any(|&kind| filter.wants_kind(kind)) {
            return true;
        }
        !filter.wants_every_collection()
            && filter.prefixes().iter().all(|prefix| is_under(prefix))
            && filter.collections().iter().all(|name| {
                is_under(name.as_str()) || pool.collections().binary_search(name).is_ok()
            })
    }

    /// The error for a filter beyond the pool. `parameter` is where clients set collections.
    pub(crate) fn refusal(&self, parameter: &str) -> String {
        format!("this node serves only {self}: set {parameter} to some of these")
    }

    /// Whether this node lacks a part of the log.
    pub fn is_narrowed(&self) -> bool {
        self.collections.is_some()
    }

    /// What the node reads of the log: every pool includes identity and account events.
    pub fn selection(&self) -> Selection {
        self.collections
            .as_ref()
            .and_then(topics_of)
            .map_or(Selection::All, Selection::only)
    }
}

/// In the syntax of `wantedCollections`.
impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(pool) = &self.collections else {
            return f.write_str("everything");
        };
        let exact = pool
            .collections()
            .iter()
            .map(|name| name.as_str().to_owned());
        let prefixes = pool.prefixes().iter().map(|prefix| format!("{prefix}*"));
        let names: Vec<_> = exact.chain(prefixes).collect();
        f.write_str(&names.join(", "))
    }
}

/// The topics of a filter's collections; `None` without collections, or with a prefix that the log cannot select.
pub(crate) fn topics_of(filter: &Filter) -> Option<Vec<TopicFilter>> {
    if filter.wants_every_collection() {
        return None;
    }
    let exact = filter.collections().iter().cloned();
    let prefixes = filter
        .prefixes()
        .iter()
        .map(|prefix| head(prefix).map(TopicFilter::CollectionsUnder));
    exact
        .map(|collection| Some(TopicFilter::Collection(collection)))
        .chain(prefixes)
        .chain(
            [
                TopicFilter::Identity,
                TopicFilter::Account,
                TopicFilter::Sync,
            ]
            .map(Some),
        )
        .collect()
}

/// A prefix without its final dot.
fn head(prefix: &str) -> Option<NsidPrefix> {
    let head = NsidPrefix::parse(prefix.strip_suffix('.')?).ok()?;
    Some(head.shared())
}

#[cfg(test)]
mod tests;
