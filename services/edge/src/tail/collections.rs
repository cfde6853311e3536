//! Numbers for collections, so that routing an event is a look-up by index.

use fanjet_event::Nsid;
use hashbrown::HashMap;

/// A collection's number: dense, from 0, the same for the life of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CollectionId(u32);

impl CollectionId {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The collections that have been seen. Bounded: names come from strangers.
#[derive(Debug)]
pub struct Collections {
    known: HashMap<Nsid, CollectionId>,
    /// By number.
    names: Vec<Nsid>,
    max: usize,
}

impl Collections {
    /// Longest name that gets a number, in bytes. Real ones are far shorter; what routing keeps per number
    /// grows with the name.
    pub const MAX_NAME: usize = 128;
    /// Most dots of a name that gets a number.
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

    /// The shared name and the number of a collection. A name beyond the bounds has no number.
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
