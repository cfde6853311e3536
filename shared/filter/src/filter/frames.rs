//! Filters of whole frames: `wantedCollections` and `wantedDids`, with the values and limits of events, and no extension.

use fanjet_event::FrameTopic;

use super::Filter;
use crate::query::pairs;
use crate::{FilterRequest, List, OptionsError, Parameter};

impl Filter {
    /// The filter in a raw query string; all other parameters are ignored. `None` if it has neither list.
    ///
    /// # Errors
    /// As [`Filter::from_request`].
    pub fn of_frames(query: &str) -> Result<Option<Self>, OptionsError> {
        let mut request = FilterRequest::default();
        for (name, value) in pairs(query) {
            if let Some(Parameter::List(list @ (List::WantedCollections | List::WantedDids))) =
                Parameter::named(&name)
            {
                request.add(list, value);
            }
        }
        match request.first_named() {
            Some(_) => Self::from_request(&request).map(Some),
            None => Ok(None),
        }
    }

    /// Whether a frame passes: its repo is wanted, and one of its operations is in a wanted collection. As for events,
    /// collections are a question to commits only. What is not known about a frame never excludes it.
    pub fn wants_frame(&self, topic: Option<&FrameTopic>) -> bool {
        let Some(topic) = topic else {
            return true;
        };
        let collections = topic.collections();
        // The cheaper question first.
        (self.wants_every_collection()
            || collections.is_none_or(|names| names.iter().any(|name| self.wants_collection(name))))
            && self.wants_did(topic.did().as_str())
    }
}

#[cfg(test)]
mod tests;
