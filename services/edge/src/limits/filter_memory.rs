//! Memory for the filters of all connected subscribers.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use fanjet_filter::Filter;

use super::{Budget, Claim, Holder, unless_zero};
use crate::config::LimitsConfig;

/// Memory that every filter has for free: enough for a hundred collections or some dozens of DIDs.
const FREE_BYTES: usize = 16 << 10;

/// Shared by all subscribers.
#[derive(Debug, Clone)]
pub(crate) struct FilterMemory(Arc<Budget>);

/// The claim of one subscriber's filter. Released when both its writer and its reader have dropped it.
#[derive(Debug, Clone)]
pub(crate) struct FilterClaim(Rc<RefCell<Claim>>);

impl FilterMemory {
    pub(crate) fn of(config: &LimitsConfig) -> Self {
        let per_address = unless_zero(config.max_filter_bytes_per_address);
        let budget = Budget::new(config.max_filter_bytes, per_address);
        Self(Arc::new(budget.with_free(FREE_BYTES)))
    }

    /// For a new subscriber without a filter.
    pub(crate) fn claim(&self, holder: Holder) -> FilterClaim {
        FilterClaim(Rc::new(RefCell::new(self.0.claim(holder))))
    }
}

impl FilterClaim {
    /// Resizes the claim for a new filter; returns `false` and changes nothing when there is no room.
    #[must_use]
    pub(crate) fn hold(&self, filter: &Filter) -> bool {
        self.0.borrow_mut().resize(filter.memory_bytes())
    }
}
