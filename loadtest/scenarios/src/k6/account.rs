//! How many events each subscriber must have got, by the simulator's own account.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::filter::Filter;

/// The kinds of `loadtest/k6/lib/filters.js` whose filters are the same for all subscribers.
const KINDS: [(&str, &[&str]); 2] = [("A", &[]), ("B", &["app.bsky.feed.post"])];

/// Events by kind of filter.
pub(super) struct Account {
    expected: Vec<(&'static str, u64)>,
}

impl Account {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let filters = KINDS.map(|(kind, collections)| (kind, Filter::of_collections(collections)));
        let mut expected: Vec<_> = KINDS.iter().map(|(kind, _)| (*kind, 0)).collect();
        for line in BufReader::new(File::open(path)?).lines() {
            let said: Value = serde_json::from_str(&line?)?;
            let Some(event) = said["v1"].as_str() else {
                continue;
            };
            let event = serde_json::from_str(event)?;
            for ((_, filter), (_, count)) in filters.iter().zip(&mut expected) {
                *count += u64::from(filter.lets_through(&event));
            }
        }
        Ok(Self { expected })
    }

    /// Compares with what the shortest and the longest stream of each kind had.
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

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = self.expected.iter();
        let kinds = kinds.map(|(kind, events)| format!("filter {kind}: {events} events each"));
        write!(f, "0 lost ({})", kinds.collect::<Vec<_>>().join(", "))
    }
}
