//! One thread of a run: it serves all its sockets that are ready, one after another.
//!
//! All sockets are read into one buffer, and nothing is allocated per event of a connection that is only counted: the
//! load generator must never be the bottleneck. Its own CPU time and longest turn are part of the report.

mod opening;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use fanjet_oracle::{Filter, Matcher, Piece};
use fanjet_runtime::{Clock, SystemClock};
use mio::{Events, Poll, Token};
use rand_chacha::ChaCha8Rng;

use crate::SwarmError;
use crate::connection::{Connection, End, Got};
use crate::expected::Stretch;
use crate::mix::World;
use crate::opening::Opening;
use crate::plan::{Count, Plan, Share};
use crate::reference::Reference;
use crate::report::Report;
use crate::sample::Sample;
use crate::schedule::Schedule;
use crate::shared::{Phase, Shared};
use crate::target::Target;

const BUFFER: usize = 512 << 10;
/// Sockets served in one turn.
const TURN: usize = 1024;
/// Connections opened between two polls of the sockets.
const CHURN_AT_ONCE: usize = 32;
/// Longest time without a look at the schedule.
const TICK: Duration = Duration::from_millis(5);
/// How often a connection whose bytes are discarded sends a pong to stay alive.
const LIFE: Duration = Duration::from_secs(10);
/// How long the reference keeps reading after the others.
const PATIENCE: Duration = Duration::from_secs(10);

/// One thread's part.
pub(crate) struct Worker<'a> {
    plan: &'a Plan,
    share: Share,
    target: &'a Target,
    world: &'a World,
    sources: &'a [IpAddr],
    shared: &'a Shared,
    rng: ChaCha8Rng,
    poll: Poll,
    buffer: Vec<u8>,
    places: Vec<Option<Connection>>,
    free: Vec<usize>,
    /// When short-lived connections close: time, slot, number.
    lives: BinaryHeap<Reverse<(Instant, usize, u64)>>,
    opened: u64,
    /// The filters of short-lived connections, used in turn: generating a long filter costs more than sending it.
    churn_openings: Vec<Opening>,
    churn_open: u64,
    phase: Phase,
    /// When the last wait for sockets ended.
    awake: Instant,
    reference: Option<Reference>,
    part: Part,
}

/// The result of a thread.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) report: Report,
    /// The filter and the findings of each sampled stream.
    pub(crate) streams: Vec<(Matcher, Stretch)>,
    pub(crate) reference: Option<Reference>,
}

impl Worker<'_> {
    /// Runs until the end of the run.
    ///
    /// # Errors
    /// [`SwarmError`].
    pub(crate) fn run(mut self) -> Result<Part, SwarmError> {
        let mut events = Events::with_capacity(TURN);
        self.part.report.connections.asked = self.share.connections;
        if self.share.has_reference {
            self.reference = Some(Reference::default());
            self.connect(&Filter::default(), true, true)?;
        }
        self.turns(&mut events, |worker| {
            worker.shared.phase() > Phase::Reference
        })?;
        let begun = Instant::now();
        let limit = Some(self.share.connections);
        let mut ramp = Schedule::new(begun, self.share.ramp, limit);
        let mut churn: Option<Schedule> = None;
        let mut alive = begun;
        while self.phase < Phase::End {
            let now = Instant::now();
            while let Some(index) = ramp.next(now) {
                self.open(index)?;
            }
            if self.phase == Phase::Window && self.share.churn > 0.0 {
                let churn = churn.get_or_insert_with(|| Schedule::new(now, self.share.churn, None));
                // Sockets are served between them, even if all of this is late.
                for _ in 0..CHURN_AT_ONCE {
                    match churn.next(now) {
                        Some(_) => self.open_churning(now)?,
                        None => break,
                    }
                }
            }
            self.end_lives(now);
            if self.plan.count == Count::Bytes && now >= alive + LIFE {
                alive = now;
                self.show_life();
            }
            self.turn(&mut events)?;
        }
        self.hang_up();
        Shared::add(&self.shared.finished, 1);
        let deadline = Instant::now() + PATIENCE;
        self.turns(&mut events, |worker| {
            let last = worker.reference.as_ref().map(Reference::last);
            let have_all = Shared::get(&worker.shared.finished) == worker.plan.threads
                && last.is_none_or(|it| it >= Shared::get(&worker.shared.newest));
            have_all || last.is_none() || Instant::now() >= deadline
        })?;
        for place in 0..self.places.len() {
            self.close(place, true);
        }
        self.part.reference = self.reference.take();
        Ok(self.part)
    }

    fn turns(
        &mut self,
        events: &mut Events,
        is_over: impl Fn(&Self) -> bool,
    ) -> Result<(), SwarmError> {
        while !is_over(self) {
            self.turn(events)?;
        }
        Ok(())
    }

    /// Serves every socket that is ready once.
    fn turn(&mut self, events: &mut Events) -> Result<(), SwarmError> {
        if self.phase == Phase::Window {
            let took = self.awake.elapsed().as_secs_f64() * 1000.0;
            let longest = &mut self.part.report.window.longest_turn_ms;
            *longest = longest.max(took);
        }
        match self.poll.poll(events, Some(TICK)) {
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => {
                return Err(SwarmError::Io("cannot wait for sockets", error));
            }
            _ => {}
        }
        self.phase = self.shared.phase();
        self.awake = Instant::now();
        let mut sum = Got::default();
        for event in &*events {
            self.serve(event.token(), event.is_writable(), &mut sum);
        }
        Shared::add(&self.shared.events, sum.events);
        Shared::add(&self.shared.bytes, sum.bytes);
        if self.phase == Phase::Window {
            let window = &mut self.part.report.window;
            window.events += sum.events;
            window.bytes += sum.bytes;
        }
        Ok(())
    }

    fn serve(&mut self, Token(place): Token, is_writable: bool, sum: &mut Got) {
        let Some(mut connection) = self.places.get_mut(place).and_then(Option::take) else {
            return;
        };
        let mut got = Got::default();
        let outcome = self.look(&mut connection, is_writable, &mut got);
        // Without the reference: where few events match the filters, it alone would have most of them.
        if !is_reference(&connection) {
            sum.events += got.events;
            sum.bytes += got.bytes;
        }
        if got.is_upgraded {
            self.upgraded(&connection);
        }
        match outcome {
            Ok(()) => self.places[place] = Some(connection),
            Err(end) => {
                self.free.push(place);
                self.ended(connection, got.is_upgraded, Some(end));
            }
        }
    }

    fn look(
        &mut self,
        connection: &mut Connection,
        is_writable: bool,
        got: &mut Got,
    ) -> Result<(), End> {
        if is_writable {
            connection.writable(self.target)?;
        }
        let in_window = self.phase == Phase::Window;
        let (report, reference) = (&mut self.part.report, &mut self.reference);
        let mut see = |sample: &mut Sample, piece: Piece<'_>| {
            let is_reference = sample.is_reference;
            sample.see(piece, |expected, seen| {
                let now = SystemClock.now_us();
                if seen.time_us > now {
                    expected.found.from_the_future += 1;
                }
                if in_window {
                    report.latency_us.record(now.saturating_sub(seen.time_us));
                }
                if is_reference && let Some(reference) = &mut *reference {
                    reference.record(seen);
                }
            });
        };
        let is_blind = self.plan.count == Count::Bytes;
        let read = connection.readable(&mut self.buffer, is_blind, &mut see, got);
        if reference.as_ref().is_some_and(|it| it.last() > 0) {
            self.shared.has_reference.store(true, Ordering::Release);
        }
        read
    }

    fn upgraded(&mut self, connection: &Connection) {
        let took = connection.begun.elapsed().as_micros() as u64;
        let report = &mut self.part.report;
        report.handshake_us.record(took);
        Shared::add(&self.shared.open, 1);
        if connection.is_churn {
            report.connections.churn_upgraded += 1;
            Shared::add(&self.shared.churned, 1);
        } else if !is_reference(connection) {
            report.connections.upgraded += 1;
            Shared::add(&self.shared.decided, 1);
        }
    }

    /// Records the end of a connection; `None`: we closed it.
    fn ended(&mut self, connection: Connection, was_upgraded: bool, end: Option<End>) {
        let connections = &mut self.part.report.connections;
        let is_open = connection.is_streaming() || was_upgraded;
        if is_open {
            self.shared.open.fetch_sub(1, Ordering::Relaxed);
        } else if !connection.is_churn && !is_reference(&connection) {
            Shared::add(&self.shared.decided, 1);
        }
        if connection.is_churn {
            self.churn_open -= 1;
        }
        match end {
            None => connections.closed_by_us += 1,
            Some(End::Refused(words)) => *connections.refused.entry(words).or_default() += 1,
            Some(End::Unexplained(words)) => {
                Shared::add(&self.shared.unexplained, 1);
                *connections.unexplained.entry(words).or_default() += 1;
            }
        }
        if let Some(sample) = connection.sample {
            self.part.report.sampled.add(&sample.expected.found);
            let stretch = sample.stretch();
            if !sample.is_reference {
                let newest = &self.shared.newest;
                newest.fetch_max(stretch.last, Ordering::AcqRel);
                self.part.streams.push((sample.wanted, stretch));
            }
        }
    }

    fn end_lives(&mut self, now: Instant) {
        while let Some(Reverse((due, place, number))) = self.lives.peek().copied() {
            if due > now {
                return;
            }
            self.lives.pop();
            let is_it = |it: &Connection| it.is_churn && it.number == number;
            if self.places[place].as_ref().is_some_and(is_it) {
                self.close(place, number.is_multiple_of(2));
            }
        }
    }

    /// Closes a connection, with or without a close frame.
    fn close(&mut self, place: usize, is_polite: bool) {
        let Some(mut connection) = self.places[place].take() else {
            return;
        };
        if is_polite {
            connection.close();
        }
        self.free.push(place);
        self.ended(connection, false, None);
    }

    fn show_life(&mut self) {
        for place in 0..self.places.len() {
            let Some(connection) = &mut self.places[place] else {
                continue;
            };
            if let Err(end) = connection.pong()
                && let Some(connection) = self.places[place].take()
            {
                self.free.push(place);
                self.ended(connection, false, Some(end));
            }
        }
    }

    /// Closes everything except the reference.
    fn hang_up(&mut self) {
        for place in 0..self.places.len() {
            if !self.places[place].as_ref().is_some_and(is_reference) {
                self.close(place, true);
            }
        }
    }
}

fn is_reference(connection: &Connection) -> bool {
    let sample = connection.sample.as_ref();
    sample.is_some_and(|sample| sample.is_reference)
}
