//! Which upstream to read. Pure: takes events with their time, and returns the next action.
//!
//! Invariants: a healthy upstream is never left for a less preferred one; an upstream that fails for `fail_after` is
//! left; the preferred one is read again after it was healthy for `return_after`. Silence alone is not a failure unless
//! `stale_after` says so. With one upstream there is nothing to decide.

use std::time::Duration;

use crate::labels::Reason;

/// Time since the process started to read.
pub(crate) type Now = Duration;

/// The settings behind the decisions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) fail_after: Duration,
    /// Zero: never.
    pub(crate) stale_after: Duration,
    pub(crate) probe_interval: Duration,
    pub(crate) return_after: Duration,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Continue.
    Stay,
    /// Switch to this one.
    Use(usize, Reason),
    /// Probe this one, and report the result.
    Probe(usize),
}

/// Upstreams by rank: 0 is the preferred one.
#[derive(Debug)]
pub(crate) struct Failover {
    rules: Rules,
    active: usize,
    /// Since when the active one has been failing. A connection that holds for `fail_after` clears it.
    failing_since: Option<Now>,
    connected_since: Option<Now>,
    last_event: Now,
    /// Since when each upstream's probes have succeeded.
    well_since: Vec<Option<Now>>,
    next_probe: Now,
    /// The upstream to be probed next, or being probed.
    probed: usize,
    is_probing: bool,
}

impl Failover {
    /// Starts with `active` of `count` upstreams (at least one).
    pub(crate) fn new(count: usize, active: usize, rules: Rules) -> Self {
        Self {
            rules,
            active,
            failing_since: None,
            connected_since: None,
            last_event: Now::ZERO,
            well_since: vec![None; count],
            next_probe: Now::ZERO,
            probed: 0,
            is_probing: false,
        }
    }

    pub(crate) fn active(&self) -> usize {
        self.active
    }

    /// The active upstream is connected.
    pub(crate) fn connected(&mut self, now: Now) {
        self.connected_since = Some(now);
        self.last_event = now;
        // Probes run only while a connection is open, and end with it.
        self.is_probing = false;
    }

    /// The active upstream sent something with a seq, and it was accepted.
    pub(crate) fn heard(&mut self, now: Now) {
        self.last_event = now;
    }

    /// The active upstream cannot be connected, or its connection ended.
    pub(crate) fn failed(&mut self, now: Now) {
        if self.has_held(now) {
            self.failing_since = None;
        }
        self.connected_since = None;
        self.failing_since.get_or_insert(now);
    }

    /// A probe ended.
    pub(crate) fn probed(&mut self, upstream: usize, is_well: bool, now: Now) {
        self.is_probing = false;
        let since = &mut self.well_since[upstream];
        *since = is_well.then(|| since.unwrap_or(now));
    }

    /// Decides what to do now. A returned switch or probe counts as started.
    pub(crate) fn decide(&mut self, now: Now) -> Decision {
        if let Some(preferred) = (0..self.active).find(|&upstream| self.is_well(upstream, now)) {
            return self.switch(preferred, Reason::Preferred, now);
        }
        if let Some(reason) = self.is_over(now) {
            return self.switch((self.active + 1) % self.well_since.len(), reason, now);
        }
        if self.active > 0 && !self.is_probing && now >= self.next_probe {
            self.is_probing = true;
            self.next_probe = now + self.rules.probe_interval;
            self.probed = (self.probed + 1) % self.active;
            return Decision::Probe(self.probed);
        }
        Decision::Stay
    }

    /// When to decide again if nothing happens.
    pub(crate) fn next_look(&self) -> Option<Now> {
        if self.well_since.len() == 1 {
            return None;
        }
        let stale = (self.connected_since.is_some() && !self.rules.stale_after.is_zero())
            .then(|| self.last_event + self.rules.stale_after);
        let failed = match self.connected_since {
            None => self
                .failing_since
                .map(|since| since + self.rules.fail_after),
            Some(_) => None,
        };
        let probe = (self.active > 0 && !self.is_probing).then_some(self.next_probe);
        [stale, failed, probe].into_iter().flatten().min()
    }

    /// Why to leave the active upstream.
    fn is_over(&self, now: Now) -> Option<Reason> {
        if self.well_since.len() == 1 {
            return None;
        }
        let has_lasted = |since: Option<Now>, span| since.is_some_and(|since| now >= since + span);
        if self.connected_since.is_none() {
            return has_lasted(self.failing_since, self.rules.fail_after).then_some(Reason::Failed);
        }
        let is_stale = !self.rules.stale_after.is_zero()
            && has_lasted(Some(self.last_event), self.rules.stale_after);
        is_stale.then_some(Reason::Stale)
    }

    fn is_well(&self, upstream: usize, now: Now) -> bool {
        self.well_since[upstream].is_some_and(|since| now >= since + self.rules.return_after)
    }

    fn has_held(&self, now: Now) -> bool {
        self.connected_since
            .is_some_and(|since| now >= since + self.rules.fail_after)
    }

    fn switch(&mut self, upstream: usize, reason: Reason, now: Now) -> Decision {
        self.active = upstream;
        self.failing_since = None;
        self.connected_since = None;
        self.last_event = now;
        self.is_probing = false;
        self.probed = 0;
        self.next_probe = now + self.rules.probe_interval;
        self.well_since.fill(None);
        Decision::Use(upstream, reason)
    }
}

#[cfg(test)]
mod tests;
