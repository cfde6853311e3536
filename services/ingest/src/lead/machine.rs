//! What to do about the lease. Pure: the time is an argument, the actions are the result.
//!
//! Standby -> leading -> stepping down -> standby, or exit. The rules that everything else relies on:
//!
//! - A term counts from the moment before the request was sent, so it ends here before it ends at the store.
//! - Work stops [`Timing::MARGIN`] earlier. A leader that gets no response stops by then, whatever happens at the
//!   store.
//! - At most one request is pending: a new one replaces the old one.
//! - Watches are hints. They make this side ask sooner, and decide nothing.

use std::time::Duration;

use fanjet_log::lease::{HolderId, Term};
use tokio::time::Instant;

use crate::labels::Role;

/// The time limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timing {
    /// How long the store keeps the lease for a holder that sends no renewal.
    pub(crate) ttl: Duration,
    /// How often a leader renews.
    pub(crate) renew_interval: Duration,
    /// How often a standby asks, and how long it lets others go first after a setback.
    pub(crate) pause: Duration,
}

impl Timing {
    /// The part of a term that is left unused: one in this many.
    const MARGIN: u32 = 5;
    /// A failed renewal is retried after this part of the interval.
    const RETRY: u32 = 4;

    /// How long work may continue after the lease was requested.
    fn usable(&self) -> Duration {
        self.ttl - self.ttl / Self::MARGIN
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    /// Time passed.
    Tick,
    /// The process must exit.
    Stop,
    /// The result of [`Action::Acquire`].
    Acquired(Option<Term>),
    /// The result of [`Action::Renew`].
    Renewed(Option<Term>),
    /// The end of [`Action::Release`], successful or not.
    Released,
    /// [`Action::Acquire`] or [`Action::Renew`] got no response.
    Failed,
    /// The watch saw a holder of the lease, or none.
    Seen(Option<HolderId>),
    /// The work ended by itself.
    Ended(End),
}

/// How work ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It was asked to finish and did, or it met another writer. A later term can continue.
    Over,
    /// A later term cannot continue either.
    Fatal,
}

/// What to do now, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Request the lease.
    Acquire,
    /// Renew the lease.
    Renew(Term),
    /// Release the lease.
    Release(Term),
    /// Start to work; write nothing after this moment.
    Begin(Instant),
    /// Write nothing after this moment, which is later than the previous one.
    Extend(Instant),
    /// Let the work append what it has read, then end.
    Finish,
    /// Abort the work.
    Abort(Cause),
    /// The run is over.
    Leave,
}

/// Why work is aborted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// No renewal was confirmed in time.
    Expired,
    /// Another process holds the lease.
    Lost,
}

/// One candidate.
#[derive(Debug)]
pub(crate) struct Machine {
    holder: HolderId,
    timing: Timing,
    phase: Phase,
    is_leaving: bool,
}

#[derive(Debug)]
enum Phase {
    Standby(Standby),
    Leading(Tenure),
    /// The earliest time of the next request.
    Releasing(Instant),
    Left,
}

#[derive(Debug)]
struct Standby {
    ask_at: Instant,
    /// Hints move the next request forward, but not before this time: after a setback others go first.
    not_before: Instant,
    is_asking: Option<Instant>,
    /// The lease was seen free while a request was pending whose result may predate that.
    was_seen_free: bool,
}

#[derive(Debug)]
struct Tenure {
    term: Term,
    until: Instant,
    renew_at: Instant,
    is_asking: Option<Instant>,
    is_finishing: bool,
}

impl Machine {
    /// A standby that requests the lease at once.
    pub(crate) fn new(holder: HolderId, timing: Timing, now: Instant) -> Self {
        Self {
            holder,
            timing,
            phase: Phase::Standby(Standby::asking_at(now)),
            is_leaving: false,
        }
    }

    pub(crate) fn role(&self) -> Role {
        match &self.phase {
            Phase::Standby(_) => Role::Standby,
            Phase::Leading(tenure) if !tenure.is_finishing => Role::Leader,
            Phase::Leading(_) | Phase::Releasing(_) | Phase::Left => Role::SteppingDown,
        }
    }

    /// The latest time at which the next [`Input::Tick`] is due.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Standby(standby) if standby.is_asking.is_none() => Some(standby.ask_at),
            Phase::Leading(tenure) if tenure.is_asking.is_none() => {
                Some(tenure.until.min(tenure.renew_at))
            }
            Phase::Leading(tenure) => Some(tenure.until),
            Phase::Standby(_) | Phase::Releasing(_) | Phase::Left => None,
        }
    }

    /// Processes `input`.
    pub(crate) fn step(&mut self, now: Instant, input: Input) -> Vec<Action> {
        if matches!(input, Input::Stop | Input::Ended(End::Fatal)) {
            self.is_leaving = true;
        }
        match &self.phase {
            Phase::Standby(_) => self.stand_by(now, input),
            Phase::Leading(_) => self.lead(now, input),
            Phase::Releasing(ask_at) if input == Input::Released => self.fall_back(*ask_at),
            Phase::Releasing(_) | Phase::Left => Vec::new(),
        }
    }

    fn stand_by(&mut self, now: Instant, input: Input) -> Vec<Action> {
        let Phase::Standby(standby) = &mut self.phase else {
            return Vec::new();
        };
        match input {
            Input::Acquired(Some(term)) => {
                let asked_at = standby.is_asking.unwrap_or(now);
                return self.begin(now, asked_at, term);
            }
            Input::Acquired(None) | Input::Failed => {
                let pause = self.timing.pause;
                standby.is_asking = None;
                standby.ask_at = if std::mem::take(&mut standby.was_seen_free) {
                    now.max(standby.not_before)
                } else {
                    now + pause
                };
            }
            Input::Seen(None) => {
                standby.was_seen_free = standby.is_asking.is_some();
                standby.ask_at = now.max(standby.not_before);
            }
            _ => {}
        }
        if standby.is_asking.is_some() {
            // Also when exiting: a granted lease must be released, not left to expire.
            return Vec::new();
        }
        if self.is_leaving {
            self.phase = Phase::Left;
            return vec![Action::Leave];
        }
        if now < standby.ask_at {
            return Vec::new();
        }
        standby.is_asking = Some(now);
        vec![Action::Acquire]
    }

    fn begin(&mut self, now: Instant, asked_at: Instant, term: Term) -> Vec<Action> {
        let until = asked_at + self.timing.usable();
        if self.is_leaving || now >= until {
            self.phase = Phase::Releasing(now);
            return vec![Action::Release(term)];
        }
        self.phase = Phase::Leading(Tenure {
            term,
            until,
            renew_at: asked_at + self.timing.renew_interval,
            is_asking: None,
            is_finishing: false,
        });
        vec![Action::Begin(until)]
    }

    fn lead(&mut self, now: Instant, input: Input) -> Vec<Action> {
        let timing = self.timing;
        let Phase::Leading(tenure) = &mut self.phase else {
            return Vec::new();
        };
        if let Input::Ended(_) = input {
            return self.release(now);
        }
        // Check this before any pending result: a process that slept through its term wakes up here.
        if now >= tenure.until {
            let mut actions = vec![Action::Abort(Cause::Expired)];
            actions.extend(self.release(now));
            return actions;
        }
        match input {
            Input::Renewed(Some(term)) => {
                let asked_at = tenure.is_asking.take().unwrap_or(now);
                tenure.term = term;
                tenure.until = tenure.until.max(asked_at + timing.usable());
                tenure.renew_at = asked_at + timing.renew_interval;
                return vec![Action::Extend(tenure.until)];
            }
            Input::Renewed(None) => {
                let mut actions = vec![Action::Abort(Cause::Lost)];
                actions.extend(self.fall_back(now));
                return actions;
            }
            Input::Failed => {
                tenure.is_asking = None;
                tenure.renew_at = now + timing.renew_interval / Timing::RETRY;
            }
            Input::Seen(seen) if seen.as_ref() != Some(&self.holder) => tenure.renew_at = now,
            Input::Stop if !tenure.is_finishing => {
                tenure.is_finishing = true;
                return vec![Action::Finish];
            }
            _ => {}
        }
        if now < tenure.renew_at || tenure.is_asking.is_some() {
            return Vec::new();
        }
        tenure.is_asking = Some(now);
        vec![Action::Renew(tenure.term.clone())]
    }

    /// Releases the lease, even if it may be lost already, so that others need not wait.
    fn release(&mut self, now: Instant) -> Vec<Action> {
        let setback = Phase::Releasing(now + self.timing.pause);
        match std::mem::replace(&mut self.phase, setback) {
            Phase::Leading(tenure) => vec![Action::Release(tenure.term)],
            _ => Vec::new(),
        }
    }

    fn fall_back(&mut self, ask_at: Instant) -> Vec<Action> {
        if self.is_leaving {
            self.phase = Phase::Left;
            return vec![Action::Leave];
        }
        self.phase = Phase::Standby(Standby::asking_at(ask_at));
        Vec::new()
    }
}

impl Standby {
    fn asking_at(ask_at: Instant) -> Self {
        Self {
            ask_at,
            not_before: ask_at,
            is_asking: None,
            was_seen_free: false,
        }
    }
}

#[cfg(test)]
mod tests;
