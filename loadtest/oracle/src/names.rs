//! Interned names, with counts.

use std::sync::{PoisonError, RwLock};

use hashbrown::HashMap;

/// Names by number, from 1 on, and how often each occurred.
#[derive(Debug, Default)]
pub struct Names {
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    numbers: HashMap<String, u32>,
    names: Vec<(String, u64)>,
}

impl Names {
    /// The name with this number.
    pub fn name(&self, number: u32) -> String {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.names[number as usize - 1].0.clone()
    }

    /// All names with their counts.
    pub fn counts(&self) -> Vec<(String, u64)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.names.clone()
    }

    /// Counts the name and returns its number.
    pub(crate) fn number(&self, name: &str) -> u32 {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(&number) = known.numbers.get(name) {
            known.names[number as usize - 1].1 += 1;
            return number;
        }
        known.names.push((name.to_owned(), 1));
        let number = known.names.len() as u32;
        known.numbers.insert(name.to_owned(), number);
        number
    }
}
