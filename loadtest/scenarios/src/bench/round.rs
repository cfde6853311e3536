//! One measured run of the load generator, and statistics of several runs.

use fanjet_swarm::Report;
use serde::Serialize;

use super::cpu::Spent;

/// One run.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Round {
    pub(super) side: String,
    /// The load generator's report.
    pub(super) flags: String,
    /// Within the window.
    pub(super) spent: Spent,
    /// Events that were appended to the log within the window.
    pub(super) log_events: f64,
    /// Bytes that the nats-server sent within the window.
    pub(super) nats_bytes: f64,
    /// Resident memory of the servers before the swarm came, in MiB.
    pub(super) memory_before: f64,
    /// The maximum within the window.
    pub(super) memory: f64,
    /// Faults; the figures of a run with faults are unreliable.
    pub(super) faults: Vec<String>,
    pub(super) report: Report,
}

impl Round {
    /// Events per second, over all subscribers.
    pub(super) fn delivered(&self) -> f64 {
        self.report.window.events as f64 / self.report.window.seconds
    }

    /// Percent of a core, of the servers.
    pub(super) fn cpu_percent(&self) -> f64 {
        self.spent.servers / self.spent.seconds * 100.0
    }

    /// CPU seconds of the servers per million delivered events, which is also microseconds per event.
    pub(super) fn cpu_per_delivered(&self) -> f64 {
        self.cpu_percent() / 100.0 / self.delivered() * 1e6
    }

    /// Events per second that a whole core would deliver at this cost.
    pub(super) fn delivered_per_core(&self) -> f64 {
        1e6 / self.cpu_per_delivered()
    }

    /// Bytes of an event on the wire, frame headers included.
    pub(super) fn bytes_per_delivered(&self) -> f64 {
        self.report.window.bytes as f64 / self.report.window.events as f64
    }

    /// CPU seconds of the servers per billion bytes, which is also nanoseconds per byte.
    pub(super) fn cpu_per_byte(&self) -> f64 {
        self.cpu_per_delivered() * 1000.0 / self.bytes_per_delivered()
    }

    /// Events of the log per second.
    pub(super) fn log_rate(&self) -> f64 {
        self.log_events / self.spent.seconds
    }

    /// Events of the log per second that a whole core would route at this cost.
    pub(super) fn routed_per_core(&self) -> f64 {
        self.log_events / self.spent.servers
    }

    /// Milliseconds.
    pub(super) fn latency(&self, percent: f64) -> f64 {
        self.report.latency_us.percentile(percent) as f64 / 1000.0
    }

    /// KiB per subscriber, beyond the servers' baseline.
    pub(super) fn memory_per_subscriber(&self) -> f64 {
        let subscribers = self.report.connections.upgraded.max(1) as f64;
        (self.memory - self.memory_before) * 1024.0 / subscribers
    }

    /// One progress line.
    pub(super) fn line(&self) -> String {
        let marks = match (self.spent.is_disturbed, self.faults.is_empty()) {
            (false, true) => String::new(),
            (true, true) => "  DISTURBED".to_owned(),
            (_, false) => format!("  FAULTS: {}", self.faults.join("; ")),
        };
        format!(
            "{}: {:.0} log events/s, {:.0} delivered/s, server {:.0} % ({:.3} us per delivered), p50 {:.1} p99 {:.1} ms, \
             {:.0} MiB; swarm {:.0} %, nats {:.0} %, sources {:.0} %, foreign {:.0} %, stolen {:.0} %{marks}",
            self.side,
            self.log_rate(),
            self.delivered(),
            self.cpu_percent(),
            self.cpu_per_delivered(),
            self.latency(50.0),
            self.latency(99.0),
            self.memory,
            self.spent.swarm / self.spent.seconds * 100.0,
            self.spent.nats / self.spent.seconds * 100.0,
            self.spent.sources / self.spent.seconds * 100.0,
            self.spent.foreign,
            self.spent.stolen,
        )
    }
}

/// Rounds of one case on one side.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Rounds {
    /// The measured side.
    pub(super) case: String,
    pub(super) side: String,
    pub(super) rounds: Vec<Round>,
}

impl Rounds {
    /// The median of a figure over the undisturbed rounds, or over all if there are none.
    pub(super) fn median(&self, figure: impl Fn(&Round) -> f64) -> f64 {
        let quiet = self.rounds.iter().filter(|it| !it.spent.is_disturbed);
        let mut figures: Vec<_> = quiet.map(&figure).collect();
        if figures.is_empty() {
            figures = self.rounds.iter().map(&figure).collect();
        }
        median(figures)
    }

    /// The reliability of the median.
    pub(super) fn remark(&self) -> String {
        let disturbed = self.rounds.iter().filter(|it| it.spent.is_disturbed);
        let (disturbed, all) = (disturbed.count(), self.rounds.len());
        let faulty = self
            .rounds
            .iter()
            .filter(|it| !it.faults.is_empty())
            .count();
        let mut remark = match disturbed {
            0 => String::new(),
            all_of_them if all_of_them == all => format!("all {all} disturbed"),
            some => format!("{some} of {all} disturbed, left out"),
        };
        if faulty > 0 {
            remark.push_str(&format!(" **{faulty} of {all} with faults**"));
        }
        remark.trim().to_owned()
    }
}

/// NaN of nothing.
pub(super) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    match figures.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => figures[count / 2],
        count => (figures[count / 2 - 1] + figures[count / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(Vec::new()).is_nan());
    }
}
