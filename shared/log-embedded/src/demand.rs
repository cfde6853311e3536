//! Whether any reader waits for new events. Without one, groups are as large as at the highest load: a sync costs the same for one
//! event as for ten, and promptness would serve no reader.

use std::fmt;
use std::sync::OnceLock;

/// Asked by the writer thread for every group, so it must be cheap and never block.
type IsWanted = Box<dyn Fn() -> bool + Send + Sync>;

/// The question, once it is known whom to ask. Until then the answer is yes.
#[derive(Default)]
pub(crate) struct Demand(OnceLock<IsWanted>);

impl Demand {
    /// Sets the question; the first one counts.
    pub(crate) fn ask(&self, is_wanted: IsWanted) {
        self.0.get_or_init(|| is_wanted);
    }

    /// Whether any reader waits for new events.
    pub(crate) fn is_present(&self) -> bool {
        self.0.get().is_none_or(|is_wanted| is_wanted())
    }
}

impl fmt::Debug for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Demand").field(&self.is_present()).finish()
    }
}
