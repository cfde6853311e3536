//! A filter: the events that one subscriber wants.

mod patterns;

mod wanted_dids;
mod did_set;
mod kinds;
mod extensions;
mod frames;

use std::num::NonZeroU32;
use std::sync::Arc;

use fanjet_event::{Action, Did, Nsid, Topic};

pub use self::kinds::EventKind;
pub(crate) use self::kinds::EventKinds;

use self::extensions::Extensions;
use self::patterns::Patterns;
use self::wanted_dids::WantedDids;
use crate::{FilterRequest, List, MAX_FILTER_BYTES, OptionsError, PlcDid, Protocol};

/// The wanted events. Canonical: filters with the same values are equal and hash equally, in whatever order and however
/// often the values were given.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Filter {
    wanted: Patterns,
    /// Boxed, so that filters without them stay small.
    dids: Option<Box<WantedDids>>,
    max_message_bytes: Option<NonZeroU32>,
    protocol: Protocol,
    /// Boxed, so that filters without them stay small and fast.
    extensions: Option<Box<Extensions>>,
}

impl Filter {
    /// A filter as in v1: the values of `wantedCollections`, `wantedDids` and `maxMessageSizeBytes` (0: no limit). An
    /// empty list matches everything.
    ///
    /// # Errors
    /// As [`Filter::from_request`].
    pub fn new<'a>(
        collections: impl IntoIterator<Item = &'a str>,
        dids: impl IntoIterator<Item = &'a str>,
        max_message_bytes: u32,
    ) -> Result<Self, OptionsError> {
        let mut request = FilterRequest::up_to(max_message_bytes);
        for value in collections {
            request.add(List::WantedCollections, value);
        }
        for value in dids {
            request.add(List::WantedDids, value);
        }
        Self::from_request(&request)
    }

    /// Validates and sorts a client's values.
    ///
    /// # Errors
    /// [`OptionsError`] with the first invalid value, or the limit that was exceeded.
    pub fn from_request(request: &FilterRequest<'_>) -> Result<Self, OptionsError> {
        let wanted = Patterns::read(request, List::WantedCollections)?;
        let dids = WantedDids::read(request)?;
        let filter = Self {
            wanted,
            dids,
            max_message_bytes: NonZeroU32::new(request.max_message_bytes),
            protocol: Protocol::V1,
            extensions: Extensions::read(request)?,
        };
        match filter.bytes() {
            bytes if bytes > MAX_FILTER_BYTES => Err(OptionsError::TooLong(bytes)),
            _ => Ok(filter),
        }
    }

    /// A filter of v2, from validated values.
    pub(crate) fn of_v2(
        request: &FilterRequest<'_>,
        kinds: EventKinds,
    ) -> Result<Self, OptionsError> {
        Ok(Self {
            protocol: Protocol::V2,
            extensions: Extensions::of_kinds(kinds),
            ..Self::from_request(request)?
        })
    }

    /// The protocol whose rules it follows: a message's length is that in this protocol.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The bytes of all values.
    fn bytes(&self) -> usize {
        let dids = self.dids.as_ref().map_or(0, |dids| dids.bytes());
        let extensions = self.extensions.as_ref();
        let unwanted = extensions.map_or(0, |it| it.unwanted.bytes() + it.unwanted_dids.bytes());
        self.wanted.bytes() + dids + unwanted
    }

    /// The approximate memory that it takes, including its part of the router's index.
    pub fn memory_bytes(&self) -> usize {
        2 * self.bytes() + 2 * size_of::<PlcDid>() * self.values()
    }

    /// The number of values.
    fn values(&self) -> usize {
        let dids = self.plc_dids().len() + self.other_dids().len();
        let extensions = self.extensions.as_ref();
        let unwanted = extensions.map_or(0, |it| it.unwanted.len() + it.unwanted_dids.len());
        self.wanted.len() + dids + unwanted
    }

    /// Whether a list accepts this value.
    pub(crate) fn accepts(list: List, value: &str) -> bool {
        match list {
            List::WantedCollections | List::UnwantedCollections => Patterns::accept(value),
            List::WantedDids | List::UnwantedDids => WantedDids::accept(value),
            List::WantedKinds => EventKinds::of_kind(value).is_some(),
            List::WantedOperations => EventKinds::of_operation(value).is_some(),
        }
    }

    /// The request that results in this filter, if it follows v1.
    pub fn to_request(&self) -> FilterRequest<'static> {
        let mut request = FilterRequest::up_to(self.max_message_bytes.map_or(0, u32::from));
        for value in self.wanted.values() {
            request.add(List::WantedCollections, value);
        }
        if let Some(dids) = &self.dids {
            request.set(List::WantedDids, dids.values());
        }
        let Some(extensions) = &self.extensions else {
            return request;
        };
        for value in extensions.unwanted.values() {
            request.add(List::UnwantedCollections, value);
        }
        for did in extensions.unwanted_dids.iter() {
            request.add(List::UnwantedDids, did.to_owned());
        }
        for word in extensions.kinds.kind_words() {
            request.add(List::WantedKinds, word);
        }
        for word in extensions.kinds.operation_words() {
            request.add(List::WantedOperations, word);
        }
        request
    }

    /// Whether an event matches. `action` is that of a commit, `message_bytes` the length of its JSON in the
    /// filter's protocol.
    pub fn matches(
        &self,
        topic: &Topic,
        action: Option<Action>,
        did: &str,
        message_bytes: usize,
    ) -> bool {
        EventKind::of(topic, action).is_some_and(|kind| {
            self.wants_topic(topic)
                && self.wants_did(did)
                && self.wants_size(message_bytes)
                && self.allows(kind, topic, did)
        })
    }

    /// Whether an event about `topic` passes `wantedCollections`; identity and account events always do, and so do
    /// sync events in v2.
    pub fn wants_topic(&self, topic: &Topic) -> bool {
        match topic {
            Topic::Commit(collection) => self.wants_collection(collection),
            Topic::Identity | Topic::Account => true,
            Topic::Sync => self.protocol == Protocol::V2,
            Topic::Frame(_) | Topic::Labels(_) => false,
        }
    }

    /// Whether commits to this collection pass `wantedCollections`.
    fn wants_collection(&self, collection: &Nsid) -> bool {
        self.wants_every_collection() || self.wanted.contain(collection)
    }

    /// Whether events of this repo pass `wantedDids`, whatever they are about.
    pub fn wants_did(&self, did: &str) -> bool {
        self.dids.as_ref().is_none_or(|dids| dids.contain(did))
    }

    /// Whether a message of this many bytes passes.
    pub fn wants_size(&self, message_bytes: usize) -> bool {
        self.max_message_bytes
            .is_none_or(|max| message_bytes <= max.get() as usize)
    }

    /// Whether an event passes the filter's extensions; without any it does.
    pub fn allows(&self, kind: EventKind, topic: &Topic, did: &str) -> bool {
        match &self.extensions {
            _ if !self.serves(kind) => false,
            None => true,
            Some(extensions) => extensions.allow(kind, topic, did),
        }
    }

    /// Whether some events of this kind can match.
    pub fn wants_kind(&self, kind: EventKind) -> bool {
        let extensions = self.extensions.as_ref();
        self.serves(kind) && extensions.is_none_or(|extensions| extensions.kinds.contains(kind))
    }

    /// Whether its protocol has this kind.
    fn serves(&self, kind: EventKind) -> bool {
        kind != EventKind::Sync || self.protocol == Protocol::V2
    }

    /// Whether it selects nothing: every event of its protocol's kinds matches.
    pub fn is_empty(&self) -> bool {
        self.wants_every_collection() && self.max_message_bytes.is_none() && !self.reads_dids()
    }

    /// Whether it looks at DIDs. Otherwise they need not be given to [`Filter::matches`].
    pub fn reads_dids(&self) -> bool {
        self.dids.is_some() || self.extensions.is_some()
    }

    /// Whether `wantedCollections` is empty.
    pub fn wants_every_collection(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Whether `wantedDids` is empty.
    pub fn wants_every_did(&self) -> bool {
        self.dids.is_none()
    }

    /// The wanted collections that were given in full.
    pub fn collections(&self) -> &[Nsid] {
        &self.wanted.exact
    }

    /// The prefixes of wanted collections; each ends in a dot.
    pub fn prefixes(&self) -> &[Arc<str>] {
        &self.wanted.prefixes
    }

    /// The wanted DIDs that have the form of [`PlcDid`].
    pub fn plc_dids(&self) -> &[PlcDid] {
        self.dids.as_ref().map_or(&[], |dids| &dids.plc)
    }

    /// The other wanted DIDs.
    pub fn other_dids(&self) -> &[Did] {
        self.dids.as_ref().map_or(&[], |dids| &dids.others)
    }

    /// The longest wanted message in bytes of JSON.
    pub fn max_message_bytes(&self) -> Option<NonZeroU32> {
        self.max_message_bytes
    }
}

#[cfg(test)]
mod tests;
