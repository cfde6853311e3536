//! Metrics per worker thread.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;

use super::Metrics;

/// The instruments of one worker. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct WorkerMetrics {
    metrics: Metrics,
    /// Its label.
    worker: [KeyValue; 1],
}

/// Numbers the workers for labels. A restarted worker reuses a number.
#[derive(Debug)]
pub(crate) struct WorkerNumbers {
    next: AtomicUsize,
    workers: usize,
}

impl WorkerNumbers {
    /// The numbers below `workers`, in turn.
    pub(crate) fn up_to(workers: usize) -> Self {
        Self {
            next: AtomicUsize::new(0),
            workers: workers.max(1),
        }
    }

    /// The number of the next worker.
    pub(crate) fn next(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed) % self.workers
    }
}

impl Metrics {
    /// The instruments of a worker.
    pub(crate) fn of_worker(&self, number: usize) -> WorkerMetrics {
        WorkerMetrics {
            metrics: self.clone(),
            worker: [KeyValue::new("worker", number.to_string())],
        }
    }
}

impl WorkerMetrics {
    pub(crate) fn paced(&self, floor: Duration, share: f64) {
        let (metrics, worker) = (&self.metrics.0, &self.worker);
        metrics
            .flush_floor_seconds
            .record(floor.as_secs_f64(), worker);
        metrics.flush_share.record(share, worker);
    }

    pub(crate) fn hub_crashed(&self) {
        self.metrics.0.hub_crashes.add(1, &[]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_no_more_labels_than_workers() {
        let numbers = WorkerNumbers::up_to(2);
        assert_eq!([(); 5].map(|()| numbers.next()), [0, 1, 0, 1, 0]);
        assert_eq!(WorkerNumbers::up_to(0).next(), 0);
    }
}
