//! A list of collections and prefixes.

use std::sync::Arc;

use fanjet_event::Nsid;

use crate::{FilterRequest, List, OptionsError};

/// Length of the longest possible collection.
const MAX_NSID_BYTES: usize = 317;

/// Collections, and prefixes of collections.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Patterns {
    /// Sorted, without duplicates.
    pub(super) exact: Box<[Nsid]>,
    /// Sorted, without duplicates, each with its final dot.
    pub(super) prefixes: Box<[Arc<str>]>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Pattern<'a> {
    Exact(Nsid<&'a str>),
    Prefix(&'a str),
}

impl Patterns {
    /// A collection that ends in `.*` is a prefix. Only its length is checked, as v1 does not check prefixes: one as
    /// long as an NSID matches nothing.
    pub(super) fn read(request: &FilterRequest<'_>, list: List) -> Result<Self, OptionsError> {
        let (mut exact, mut prefixes) = (Vec::new(), Vec::new());
        for pattern in request.read(list, Pattern::read)? {
            match pattern {
                Pattern::Exact(name) => exact.push(name.shared()),
                Pattern::Prefix(head) => prefixes.push(Arc::from(head)),
            }
        }
        Ok(Self {
            exact: exact.into(),
            prefixes: prefixes.into(),
        })
    }

    /// Whether this is a pattern.
    pub(super) fn accept(value: &str) -> bool {
        Pattern::read(value).is_some()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefixes.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.exact.len() + self.prefixes.len()
    }

    pub(super) fn contain(&self, collection: &Nsid) -> bool {
        self.exact.binary_search(collection).is_ok()
            || self
                .prefixes
                .iter()
                .any(|prefix| collection.as_str().starts_with(&**prefix))
    }

    /// The bytes of their texts.
    pub(super) fn bytes(&self) -> usize {
        let exact = self.exact.iter().map(|name| name.as_str().len());
        exact
            .chain(self.prefixes.iter().map(|head| head.len()))
            .sum()
    }

    /// The values for these patterns.
    pub(super) fn values(&self) -> impl Iterator<Item = String> {
        let exact = self.exact.iter().map(|name| name.as_str().to_owned());
        exact.chain(self.prefixes.iter().map(|head| format!("{head}*")))
    }
}

impl<'a> Pattern<'a> {
    fn read(value: &'a str) -> Option<Self> {
        match value.strip_suffix('*') {
            Some(head) if head.ends_with('.') => {
                (head.len() < MAX_NSID_BYTES).then_some(Self::Prefix(head))
            }
            _ => Nsid::parse(value).ok().map(Self::Exact),
        }
    }
}
