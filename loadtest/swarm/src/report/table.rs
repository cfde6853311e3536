//! The report for people.

use std::fmt;

use super::{Latency, Report};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (connections, window) = (&self.connections, &self.window);
        let per_second = |count: u64| count as f64 / window.seconds.max(1e-9);
        let encoding = if self.zstd { "zstd" } else { "plain" };
        writeln!(
            f,
            "{} mix {} {encoding} seed {}",
            self.url, self.mix, self.seed
        )?;
        writeln!(
            f,
            "connections   {} of {} accepted, {} short-lived, {} rejected, {} unexpected closes",
            connections.upgraded,
            connections.asked,
            connections.churn_upgraded,
            connections.refused.values().sum::<u64>(),
            connections.unexplained.values().sum::<u64>(),
        )?;
        writeln!(
            f,
            "window        {:.1} s, {:.0} events/s, {:.1} MB/s, {:.1} bytes per event",
            window.seconds,
            per_second(window.events),
            per_second(window.bytes) / 1e6,
            window.bytes as f64 / window.events.max(1) as f64,
        )?;
        writeln!(f, "latency       {}", Times(&self.latency_us))?;
        writeln!(f, "handshake     {}", Times(&self.handshake_us))?;
        writeln!(
            f,
            "load generator {:.0} % of a core, longest turn {:.1} ms",
            window.swarm_cpu_seconds / window.seconds.max(1e-9) * 100.0,
            window.longest_turn_ms,
        )?;
        let sampled = &self.sampled;
        writeln!(
            f,
            "checked       {} streams, {} events: {} invalid, {} not matching, {} repeated, {} reordered; {} streams compared, \
             {} differ, {} events missing",
            sampled.streams,
            sampled.events,
            sampled.not_an_event,
            sampled.not_asked_for,
            sampled.repeated,
            sampled.reordered,
            sampled.compared,
            sampled.differing,
            sampled.missing,
        )?;
        if sampled.from_the_future > 0 {
            let count = sampled.from_the_future;
            writeln!(
                f,
                "clocks        {count} events arrived before their time_us"
            )?;
        }
        let faults = self.faults();
        for fault in &faults {
            writeln!(f, "FAULT         {fault}")?;
        }
        Ok(())
    }
}

struct Times<'a>(&'a Latency);

impl fmt::Display for Times<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |percent| self.0.percentile(percent) as f64 / 1000.0;
        write!(
            f,
            "p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms, max {:.1} ms of {}",
            ms(50.0),
            ms(90.0),
            ms(99.0),
            ms(99.9),
            ms(100.0),
            self.0.count(),
        )
    }
}
