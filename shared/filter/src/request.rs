//! What a client named, before anything of it was checked.

use std::borrow::Cow;

use crate::{List, OptionsError};

/// Raw values: as many as were named, in any order, right or wrong.
#[derive(Debug, Clone, Default)]
pub struct FilterRequest<'a> {
    lists: [Vec<Cow<'a, str>>; List::ALL.len()],
    /// The longest wanted message in bytes; 0: no limit.
    pub max_message_bytes: u32,
}

impl<'a> FilterRequest<'a> {
    /// Nothing named; events up to this many bytes of JSON are wanted, 0: all.
    pub fn up_to(max_message_bytes: u32) -> Self {
        Self {
            max_message_bytes,
            ..Self::default()
        }
    }

    /// Adds a value to a list.
    pub fn add(&mut self, list: List, value: impl Into<Cow<'a, str>>) {
        self.lists[list as usize].push(value.into());
    }

    /// Replaces a list.
    pub fn set(&mut self, list: List, values: Vec<Cow<'a, str>>) {
        self.lists[list as usize] = values;
    }

    /// The values of a list.
    pub fn values(&self, list: List) -> &[Cow<'a, str>] {
        &self.lists[list as usize]
    }

    /// The first list that has a value.
    pub fn first_named(&self) -> Option<List> {
        List::ALL
            .into_iter()
            .find(|&list| !self.values(list).is_empty())
    }

    /// Reads each value of a list, sorts what comes of it and leaves out repetitions.
    pub(crate) fn read<'s, T: Ord>(
        &'s self,
        list: List,
        read: impl Fn(&'s str) -> Option<T>,
    ) -> Result<Vec<T>, OptionsError> {
        let named = self.values(list);
        let mut values = Vec::with_capacity(named.len().min(list.max_values()));
        for value in named {
            if values.len() == list.max_values() {
                return Err(OptionsError::TooManyValues(list));
            }
            values.push(read(value).ok_or_else(|| OptionsError::value(list, value))?);
        }
        values.sort_unstable();
        values.dedup();
        if values.len() > list.max() {
            return Err(OptionsError::TooMany {
                list,
                count: values.len(),
            });
        }
        Ok(values)
    }
}
