//! How many events each subscriber must have received.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use fanjet_oracle::{Expected, Filter, Matcher};
use serde_json::Value;

/// The kinds of `loadtest/k6/lib/filters.js` whose filters are the same for all subscribers.
const KINDS: [(&str, &[&str]); 2] = [("A", &[]), ("B", &["app.bsky.feed.post"])];

/// Events by kind of filter.
pub(super) struct ExpectedCounts {
    expected: Vec<(&'static str, u64)>,
}

impl ExpectedCounts {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let published = Expected::all(&fs::read_to_string(path)?)?;
        let served = || published.iter().filter(|event| event.v1.is_some());
        let expected = KINDS.iter().map(|(kind, collections)| {
            let filter = Matcher::new(&Filter::of_collections(collections));
            let wanted =
                |event: &&Expected| filter.matches(&event.did, event.collection.as_deref());
            (*kind, served().filter(wanted).count() as u64)
        });
        let expected = expected.collect();
        Ok(Self { expected })
    }

    /// Compares with the shortest and the longest stream of each kind.
    pub(super) fn judge(&self, summary: &Value) -> Result<()> {
        for (kind, expected) in &self.expected {
            let stream = &summary["streams"][kind];
            for length in ["shortest", "longest"] {
                let found = stream[length].as_u64();
                let found = found.with_context(|| format!("no subscriber with filter {kind}"))?;
                ensure!(
                    found == *expected,
                    "filter {kind}: the {length} stream had {found} events, {expected} were sent"
                );
            }
        }
        Ok(())
    }
}

impl fmt::Display for ExpectedCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = self.expected.iter();
        let kinds = kinds.map(|(kind, events)| format!("filter {kind}: {events} events each"));
        write!(f, "0 lost ({})", kinds.collect::<Vec<_>>().join(", "))
    }
}
