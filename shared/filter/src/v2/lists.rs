//! The three lists of values of a filter, in a query or in the body of a plan.

use std::borrow::Cow;

use fanjet_event::{Did, Nsid, NsidPrefix};

use super::V2Error;
use crate::{EventKinds, Filter, FilterRequest, List, MAX_COLLECTIONS, MAX_DIDS, OptionsError};

/// Raw values: any number, in any order, valid or not. An absent list matches everything.
#[derive(Debug, Clone, Default)]
pub struct V2Lists<'a> {
    /// Kinds of events.
    pub kinds: Vec<Cow<'a, str>>,
    /// Repos, for events of every kind.
    pub dids: Vec<Cow<'a, str>>,
    /// Collections and prefixes, for commits only.
    pub collections: Vec<Cow<'a, str>>,
}

const MAX_KINDS: usize = 4;

impl V2Lists<'_> {
    /// Validates the values. `max_message_bytes` is asked after the lists.
    ///
    /// # Errors
    /// [`V2Error`] with the first invalid value, in v2's order.
    pub fn filter(
        self,
        max_message_bytes: impl FnOnce() -> Result<u32, V2Error>,
    ) -> Result<Filter, V2Error> {
        let too_many = |name, count, max| V2Error::TooMany { name, count, max };
        if self.kinds.len() > MAX_KINDS {
            return Err(too_many("kinds", self.kinds.len(), MAX_KINDS));
        }
        let kinds = self.kinds.iter().map(|kind| {
            EventKinds::of_v2(kind).ok_or_else(|| V2Error::Kind(OptionsError::shown(kind)))
        });
        let kinds = kinds.collect::<Result<Vec<_>, _>>()?;
        if self.dids.len() > MAX_DIDS {
            return Err(too_many("dids", self.dids.len(), MAX_DIDS));
        }
        if self.collections.len() > MAX_COLLECTIONS {
            let count = self.collections.len();
            return Err(too_many("collections", count, MAX_COLLECTIONS));
        }
        if let Some(did) = self.dids.iter().find(|did| Did::parse(&***did).is_err()) {
            return Err(V2Error::Did(OptionsError::shown(did)));
        }
        check_collections(&self.collections)?;
        let kinds = EventKinds::wanted(&kinds, &[]);
        if !self.collections.is_empty() && !kinds.has_commits() {
            return Err(V2Error::Inert);
        }
        let mut request = FilterRequest::up_to(max_message_bytes()?);
        request.set(List::WantedDids, self.dids);
        request.set(List::WantedCollections, self.collections);
        Filter::of_v2(&request, kinds).map_err(|error| V2Error::TooLong(error.to_string()))
    }
}

/// All prefixes first. The head of a prefix must be what an NSID begins with.
fn check_collections(values: &[Cow<'_, str>]) -> Result<(), V2Error> {
    let is_head = |head: &str| head.contains('.') && NsidPrefix::parse(head).is_ok();
    for value in values {
        if value.strip_suffix(".*").is_some_and(|head| !is_head(head)) {
            return Err(V2Error::Wildcard(OptionsError::shown(value)));
        }
    }
    for value in values {
        if !value.ends_with(".*") && Nsid::parse(&**value).is_err() {
            return Err(V2Error::Collection(OptionsError::shown(value)));
        }
    }
    Ok(())
}
