//! Whether this process is ready for traffic, and if not, why.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use serde::Serialize;

/// The result of one health check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct HealthReport {
    /// Ready exactly when `missing` is empty.
    pub ready: bool,
    /// What readiness waits for, by part: `"log": "no response for 4 s"`.
    pub missing: BTreeMap<&'static str, String>,
    /// Additional facts, ready or not: `"role": "standby"`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<&'static str, String>,
}

impl HealthReport {
    /// A report from the status of each part.
    pub fn of(parts: impl IntoIterator<Item = (&'static str, Result<(), String>)>) -> Self {
        let missing: BTreeMap<_, _> = parts
            .into_iter()
            .filter_map(|(part, verdict)| Some((part, verdict.err()?)))
            .collect();
        Self {
            ready: missing.is_empty(),
            missing,
            facts: BTreeMap::new(),
        }
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, fact: &'static str, value: impl Into<String>) -> Self {
        self.facts.insert(fact, value.into());
        self
    }

    /// Merges several reports. A part that several wait for appears once, with all reasons.
    fn joined(reports: impl IntoIterator<Item = Self>) -> Self {
        let mut missing = BTreeMap::<_, String>::new();
        let mut facts = BTreeMap::new();
        let waits = reports.into_iter().flat_map(|report| {
            facts.extend(report.facts);
            report.missing
        });
        for (part, reason) in waits {
            match missing.entry(part) {
                Entry::Vacant(free) => drop(free.insert(reason)),
                Entry::Occupied(mut known) if !known.get().contains(&reason) => {
                    known.get_mut().push_str("; ");
                    known.get_mut().push_str(&reason);
                }
                Entry::Occupied(_) => {}
            }
        }
        Self {
            ready: missing.is_empty(),
            missing,
            facts,
        }
    }
}

/// The health check of a service. Cheap: it runs for every probe. Liveness is not part of it: a process that responds
/// is alive, whatever the traffic.
#[derive(Clone)]
pub struct Health(Arc<dyn Fn() -> HealthReport + Send + Sync>);

impl Health {
    /// Wraps a service's own check.
    pub fn new(look: impl Fn() -> HealthReport + Send + Sync + 'static) -> Self {
        Self(Arc::new(look))
    }

    /// Several services in one process: ready when all of them are.
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        let parts: Vec<_> = parts.into_iter().collect();
        Self::new(move || HealthReport::joined(parts.iter().map(Self::report)))
    }

    /// Runs the check.
    pub fn report(&self) -> HealthReport {
        (self.0)()
    }
}

impl std::fmt::Debug for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Health")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_together_are_ready_when_all_are() {
        let waits_for = |reason: &'static str| {
            Health::new(move || HealthReport::of([("log", Err(reason.to_owned()))]))
        };
        let ready = || Health::new(|| HealthReport::of([("log", Ok(()))]));
        assert!(Health::all([ready(), ready()]).report().ready);
        let report = Health::all([waits_for("away"), ready(), waits_for("stale")]).report();
        assert!(!report.ready);
        assert_eq!(report.missing["log"], "away; stale");
        let report = Health::all([waits_for("away"), waits_for("away")]).report();
        assert_eq!(report.missing["log"], "away");
    }
}
