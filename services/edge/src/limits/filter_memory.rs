//! Memory for the filters of all subscribers, as long as they are connected.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use fanjet_filter::Filter;

use super::{Budget, Claim, Holder, unless_zero};
use crate::config::LimitsConfig;

/// So much every subscriber's filter may take, whatever others take: that of a hundred collections, or of some dozens of DIDs.
const FREE_BYTES: usize = 16 << 10;

/// Shared by all subscribers.
#[derive(Debug)]
pub(crate) struct FilterMemory(Arc<Budget>);

/// What one subscriber's filter takes. It is given back when nobody has it any more: neither who writes to the subscriber nor
/// who reads what it sends.
#[derive(Debug, Clone)]
pub(crate) struct FilterClaim(Rc<RefCell<Claim>>);

impl FilterMemory {
    pub(crate) fn of(config: &LimitsConfig) -> Self {
        let per_address = unless_zero(config.max_filter_bytes_per_address);
        let budget = Budget::new(config.max_filter_bytes, per_address);
        Self(Arc::new(budget.with_free(FREE_BYTES)))
    }

    /// For a new subscriber, which has no filter yet.
    pub(crate) fn claim(&self, holder: Holder) -> FilterClaim {
        FilterClaim(Rc::new(RefCell::new(self.0.claim(holder))))
    }
}

impl FilterClaim {
    /// Makes room for this filter in place of the one before; `false`, and nothing changes, when there is none.
    #[must_use]
    pub(crate) fn hold(&self, filter: &Filter) -> bool {
        self.0.borrow_mut().resize(filter.memory_bytes())
    }
}
