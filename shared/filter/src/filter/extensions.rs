//! The parts of a filter beyond v1. All of them narrow it: no event passes with them that would not pass without.

use fanjet_event::{Did, Topic};

use super::did_set::DidSet;
use super::kinds::{EventKind, EventKinds};
use super::patterns::Patterns;
use crate::{FilterRequest, List, OptionsError};

/// At least one condition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Extensions {
    pub(super) unwanted: Patterns,
    pub(super) unwanted_dids: DidSet,
    pub(super) kinds: EventKinds,
}

impl Extensions {
    /// `None` if no condition excludes anything.
    pub(super) fn read(request: &FilterRequest<'_>) -> Result<Option<Box<Self>>, OptionsError> {
        let unwanted = Patterns::read(request, List::UnwantedCollections)?;
        let unwanted_dids = request.read(List::UnwantedDids, |value| {
            Did::parse(value).ok().map(|_| value)
        })?;
        let kinds = request.read(List::WantedKinds, EventKinds::of_kind)?;
        let operations = request.read(List::WantedOperations, EventKinds::of_operation)?;
        let extensions = Self {
            unwanted,
            unwanted_dids: DidSet::new(&unwanted_dids),
            kinds: EventKinds::wanted(&kinds, &operations).with_sync(),
        };
        Ok(extensions.boxed())
    }

    /// Only these kinds; `None` if they are all.
    pub(super) fn of_kinds(kinds: EventKinds) -> Option<Box<Self>> {
        let extensions = Self {
            unwanted: Patterns::default(),
            unwanted_dids: DidSet::new(&[]),
            kinds,
        };
        extensions.boxed()
    }

    fn boxed(self) -> Option<Box<Self>> {
        (!self.exclude_nothing()).then(|| Box::new(self))
    }

    /// Whether an event passes them.
    pub(super) fn allow(&self, kind: EventKind, topic: &Topic, did: &str) -> bool {
        self.kinds.contains(kind)
            && topic
                .collection()
                .is_none_or(|collection| !self.unwanted.contain(collection))
            && !self.unwanted_dids.contains(did)
    }

    fn exclude_nothing(&self) -> bool {
        self.unwanted.is_empty() && self.unwanted_dids.is_empty() && self.kinds == EventKinds::ALL
    }
}
