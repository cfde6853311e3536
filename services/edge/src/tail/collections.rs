//! Numbers for collections, so that routing an event is an index lookup.

use fanjet_event::Nsid;
use hashbrown::HashMap;

/// A collection's number: dense, from 0, fixed for the life of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CollectionId(u32);

impl CollectionId {
    /// The number as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The collections seen so far. Bounded, because strangers choose the names.
#[derive(Debug)]
pub struct Collections {
    known: HashMap<Nsid, CollectionId>,
    /// By number.
    names: Vec<Nsid>,
    max: usize,
}

impl Collections {
    /// Maximum length of a numbered name in bytes. Real names are far shorter; the memory for routing grows with the length.
    pub const MAX_NAME: usize = 128;
    /// Maximum number of dots of a numbered name.
    pub const MAX_DOTS: usize = 8;

    /// Numbers at most `max` collections.
    pub fn new(max: usize) -> Self {
        Self {
            known: HashMap::new(),
            names: Vec::new(),
            max,
        }
    }

    /// The name of a numbered collection.
    pub fn name(&self, index: usize) -> Option<&str> {
        self.names.get(index).map(Nsid::as_str)
    }

    /// The shared name and the number of a collection. A name beyond the limits has no number.
    pub fn intern(&mut self, name: Nsid) -> (Nsid, Option<CollectionId>) {
        if let Some((name, id)) = self.known.get_key_value(name.as_str()) {
            return (name.clone(), Some(*id));
        }
        let is_modest = name.as_str().len() <= Self::MAX_NAME
            && name.as_str().matches('.').count() <= Self::MAX_DOTS;
        match u32::try_from(self.known.len()) {
            Ok(next) if is_modest && self.known.len() < self.max => {
                let id = CollectionId(next);
                self.known.insert(name.clone(), id);
                self.names.push(name.clone());
                (name, Some(id))
            }
            _ => (name, None),
        }
    }
}

#[cfg(test)]
mod tests;
