//! A client's values before validation.

use std::borrow::Cow;

use crate::{List, OptionsError};

/// Raw values: any number, in any order, valid or not.
#[derive(Debug, Clone, Default)]
pub struct FilterRequest<'a> {
    lists: [Vec<Cow<'a, str>>; List::ALL.len()],
    /// The number of values if repetitions were removed; otherwise 0.
    counted: [usize; List::ALL.len()],
    /// The size limit of wanted messages in bytes; 0: no limit.
    pub max_message_bytes: u32,
}

impl<'a> FilterRequest<'a> {
    /// No values; matches events up to this many bytes of JSON, 0: all.
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

    /// Sets the number of values of a list, including removed repetitions.
    pub fn count(&mut self, list: List, named: usize) {
        self.counted[list as usize] = named;
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

    /// The values of a list, all valid and at most as many as allowed. A list that is too long is rejected before it
    /// takes more memory.
    pub(crate) fn checked<'s>(
        &'s self,
        list: List,
        accepts: impl Fn(&'s str) -> bool,
    ) -> Result<&'s [Cow<'a, str>], OptionsError> {
        let values = self.values(list);
        if let Some(wrong) = values.iter().find(|value| !accepts(value)) {
            return Err(OptionsError::value(list, wrong));
        }
        if values.len().max(self.counted[list as usize]) > list.max_values() {
            return Err(OptionsError::TooManyValues(list));
        }
        if values.len() > list.max() {
            let mut distinct: Vec<&str> = values.iter().map(|value| &**value).collect();
            distinct.sort_unstable();
            distinct.dedup();
            if distinct.len() > list.max() {
                let count = distinct.len();
                return Err(OptionsError::TooMany { list, count });
            }
        }
        Ok(values)
    }

    /// Parses each value of a list, sorts the results and removes repetitions.
    pub(crate) fn read<'s, T: Ord>(
        &'s self,
        list: List,
        read: impl Fn(&'s str) -> Option<T>,
    ) -> Result<Vec<T>, OptionsError> {
        let named = self.checked(list, |value| read(value).is_some())?;
        let values = named
            .iter()
            .map(|value| read(value).ok_or_else(|| OptionsError::value(list, value)));
        let mut values = values.collect::<Result<Vec<_>, _>>()?;
        values.sort_unstable();
        values.dedup();
        Ok(values)
    }
}
