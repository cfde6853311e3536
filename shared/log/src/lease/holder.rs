//! The identity of a lease holder.

use std::fmt;
use std::sync::Arc;

const MAX_BYTES: usize = 255;

/// The name of one candidate. Must be unique among live candidates, so a restarted process needs a new one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HolderId(Arc<str>);

impl HolderId {
    /// Parses a name of 1 to 255 visible ASCII characters.
    pub fn new(name: &str) -> Option<Self> {
        let is_fine = (1..=MAX_BYTES).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_graphic());
        is_fine.then(|| Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HolderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
