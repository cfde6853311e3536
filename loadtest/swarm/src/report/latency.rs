//! Times as a histogram that can be merged across threads and processes.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Longer times count as this: an hour.
const MAX_US: u64 = 3_600_000_000;

/// Times in microseconds with their percentiles. Exact to three digits.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Document", into = "Document")]
pub struct Latency(Option<Histogram<u64>>);

/// The form in a report.
#[derive(Serialize, Deserialize)]
struct Document {
    count: u64,
    p50: u64,
    p90: u64,
    p99: u64,
    p999: u64,
    max: u64,
    /// Value and count of each bucket that is not empty.
    buckets: Vec<(u64, u64)>,
}

impl Default for Latency {
    fn default() -> Self {
        // The sizes are constants that the crate accepts; if it rejected them, nothing would be recorded.
        Self(Histogram::new_with_bounds(1, MAX_US, 3).ok())
    }
}

impl Latency {
    /// Adds one time.
    pub fn record(&mut self, us: u64) {
        self.record_many(us, 1);
    }

    /// Adds another histogram.
    pub fn add(&mut self, other: &Self) {
        for (us, count) in other.buckets() {
            self.record_many(us, count);
        }
    }

    /// The number of times.
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, Histogram::len)
    }

    /// The time that this percentage does not exceed.
    pub fn percentile(&self, percent: f64) -> u64 {
        let histogram = self.0.as_ref();
        histogram.map_or(0, |it| it.value_at_percentile(percent))
    }

    fn record_many(&mut self, us: u64, count: u64) {
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record_n(us, count);
        }
    }

    fn buckets(&self) -> Vec<(u64, u64)> {
        let recorded = self.0.iter().flat_map(Histogram::iter_recorded);
        recorded
            .map(|it| (it.value_iterated_to(), it.count_since_last_iteration()))
            .collect()
    }
}

impl From<Document> for Latency {
    fn from(document: Document) -> Self {
        let mut latency = Self::default();
        for (us, count) in document.buckets {
            latency.record_many(us, count);
        }
        latency
    }
}

impl From<Latency> for Document {
    fn from(latency: Latency) -> Self {
        Self {
            count: latency.count(),
            p50: latency.percentile(50.0),
            p90: latency.percentile(90.0),
            p99: latency.percentile(99.0),
            p999: latency.percentile(99.9),
            max: latency.percentile(100.0),
            buckets: latency.buckets(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_survive_the_document_and_addition() {
        let (mut low, mut high) = (Latency::default(), Latency::default());
        (1..=500).for_each(|us| low.record(us));
        (501..=1000).for_each(|us| high.record(us));
        let text = serde_json::to_string(&high).unwrap();
        low.add(&serde_json::from_str(&text).unwrap());
        assert_eq!(low.count(), 1000);
        assert_eq!((low.percentile(50.0), low.percentile(99.0)), (500, 990));
        assert!(text.contains(r#""p50":750,"p90":950"#), "{text}");
        assert_eq!(Latency::default().percentile(99.0), 0);
        // Of any size.
        low.record_many(2_000_000, 100_000);
        low.record_many(u64::MAX, 1);
        let mut again: Latency =
            serde_json::from_str(&serde_json::to_string(&low).unwrap()).unwrap();
        again.add(&Latency::default());
        let near = |us: u64, wanted: u64| us.abs_diff(wanted) <= wanted / 500;
        assert!(near(again.percentile(50.0), 2_000_000), "{again:?}");
        assert!(near(again.percentile(100.0), MAX_US), "{again:?}");
        assert_eq!(again.count(), 101_001);
    }
}
