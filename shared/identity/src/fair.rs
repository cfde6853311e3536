//! A fair queue: sites take turns, so that one site with many keys does not delay the others. Pure.

use std::collections::{HashMap, VecDeque};

/// The queue, and how many lookups are in progress, by site.
#[derive(Debug)]
pub(crate) struct Fair<T> {
    sites: HashMap<Box<str>, Site<T>>,
    /// Sites with queued lookups that may start, in order.
    turns: VecDeque<Box<str>>,
    waiting: usize,
    under_way: usize,
    shares: Shares,
}

/// Limits.
#[derive(Debug, Clone, Copy)]
pub struct Shares {
    /// Queued, of all sites.
    pub waiting: usize,
    /// Queued, of one site.
    pub waiting_of_one: usize,
    /// In progress, of all sites.
    pub under_way: usize,
    /// In progress, of one site.
    pub under_way_of_one: usize,
}

#[derive(Debug)]
struct Site<T> {
    waiting: VecDeque<T>,
    under_way: usize,
}

impl<T> Fair<T> {
    pub(crate) fn new(shares: Shares) -> Self {
        Self {
            sites: HashMap::new(),
            turns: VecDeque::new(),
            waiting: 0,
            under_way: 0,
            shares,
        }
    }

    /// Queues an item; returns whether there was room.
    pub(crate) fn push(&mut self, site: &str, item: T) -> bool {
        if self.waiting >= self.shares.waiting {
            return false;
        }
        let of_one = self.sites.entry(site.into()).or_insert_with(|| Site {
            waiting: VecDeque::new(),
            under_way: 0,
        });
        if of_one.waiting.len() >= self.shares.waiting_of_one {
            return false;
        }
        let is_idle = of_one.waiting.is_empty();
        of_one.waiting.push_back(item);
        self.waiting += 1;
        if is_idle && of_one.under_way < self.shares.under_way_of_one {
            self.turns.push_back(site.into());
        }
        true
    }

    /// Takes the next item. It is in progress until [done](Fair::done) is called.
    pub(crate) fn pop(&mut self) -> Option<T> {
        if self.under_way >= self.shares.under_way {
            return None;
        }
        let name = self.turns.pop_front()?;
        let site = self.sites.get_mut(&name)?;
        let item = site.waiting.pop_front()?;
        site.under_way += 1;
        self.under_way += 1;
        self.waiting -= 1;
        if !site.waiting.is_empty() && site.under_way < self.shares.under_way_of_one {
            self.turns.push_back(name);
        }
        Some(item)
    }

    /// An item of a site is done.
    pub(crate) fn done(&mut self, name: &str) {
        let Some(site) = self.sites.get_mut(name) else {
            return;
        };
        let was_full = site.under_way >= self.shares.under_way_of_one;
        site.under_way -= 1;
        self.under_way -= 1;
        if !site.waiting.is_empty() {
            if was_full {
                self.turns.push_back(name.into());
            }
        } else if site.under_way == 0 {
            self.sites.remove(name);
        }
    }
}

#[cfg(test)]
mod tests;
