//! Prints a client's events.

use std::io;
use std::time::Duration;

use fanjet_client::{Client, Endpoint, Event, Events, Update};
use fanjet_runtime::{Clock, Stop};
use futures::FutureExt;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::TailError;
use super::screen::{Screen, Style};
use crate::terminal::printable;

const SECOND: Duration = Duration::from_secs(1);

/// How many events are printed before the clock is read again.
const BATCH: usize = 256;

/// How many characters of an unprintable event are shown.
const SHOWN: usize = 80;

/// The subscription.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) endpoint: Endpoint,
    pub(crate) client: Client,
    /// End after this many events.
    pub(crate) count: Option<u64>,
}

/// One tail from its first connection to its end.
pub(crate) struct Session<C> {
    endpoint: Endpoint,
    count: Option<u64>,
    events: Events,
    screen: Screen,
    clock: C,
    second: Interval,
    /// The time of the last event.
    last: Option<u64>,
    was_reached: bool,
}

impl<C: Clock> Session<C> {
    pub(crate) fn new(wanted: Wanted, style: Style, clock: C) -> Self {
        let mut second = interval_at(Instant::now() + SECOND, SECOND);
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            endpoint: wanted.endpoint,
            count: wanted.count,
            events: wanted.client.events(),
            screen: Screen::new(style),
            clock,
            second,
            last: None,
            was_reached: false,
        }
    }

    /// Prints until there are enough events, the output has no reader, or `stop`.
    ///
    /// # Errors
    /// [`TailError`].
    pub(crate) async fn run(mut self, stop: &Stop) -> Result<(), TailError> {
        let printed = loop {
            let step = tokio::select! {
                () = stop.cancelled() => break Ok(()),
                step = self.step() => step,
            };
            match step {
                Ok(()) if self.is_enough() => break Ok(()),
                Ok(()) => {}
                Err(error) => break Err(error),
            }
        };
        let has_reader = |error: &io::Error| error.kind() != io::ErrorKind::BrokenPipe;
        match printed {
            Err(TailError::Io(error)) if !has_reader(&error) => {}
            printed => printed?,
        }
        match self.screen.summary() {
            Err(error) if has_reader(&error) => Err(error.into()),
            _ => {
                self.events.close().await;
                Ok(())
            }
        }
    }

    /// The next item, and everything that has arrived behind it.
    async fn step(&mut self) -> Result<(), TailError> {
        let first = tokio::select! {
            update = self.events.next_update() => Some(update),
            _ = self.second.tick() => None,
        };
        let Some(mut update) = first else {
            let lag = self.lag();
            return Ok(self.screen.second(lag)?);
        };
        for left in (0..BATCH).rev() {
            let shown = self.show(update);
            // Events before a failure are printed before the failure.
            if shown.is_err() {
                self.screen.flush()?;
            }
            shown?;
            if self.is_enough() || left == 0 {
                break;
            }
            match self.events.next_update().now_or_never() {
                Some(next) => update = next,
                None => break,
            }
        }
        Ok(self.screen.flush()?)
    }

    fn show(
        &mut self,
        update: Result<Update, fanjet_client::ClientError>,
    ) -> Result<(), TailError> {
        match update.map_err(|error| TailError::server(&error))? {
            Update::Event(event) => return self.print(&event),
            Update::Connected => {
                self.was_reached = true;
                self.note(&format!("connected to {}", self.endpoint))?;
            }
            Update::Disconnected {
                reason,
                was_reached,
                ..
            } if !was_reached && !self.was_reached => {
                return Err(TailError::unreachable(&self.endpoint, &reason));
            }
            Update::Disconnected { reason, pause, .. } => {
                self.was_reached = true;
                self.note(&format!("disconnected: {reason}, retrying in {pause:.1?}"))?;
            }
            Update::Notice(what) => self.note(&format!("notice: {what}"))?,
            Update::Skipped(what) => self.note(&format!("not shown: {what}"))?,
            _ => {}
        }
        Ok(())
    }

    fn print(&mut self, event: &Event) -> Result<(), TailError> {
        self.last = Some(event.time_us());
        if !self.screen.event(event.json())? {
            let text = String::from_utf8_lossy(event.json());
            self.note(&format!("not shown: not JSON: {}", printable(&text, SHOWN)))?;
        }
        Ok(())
    }

    /// In order with the events.
    fn note(&mut self, line: &str) -> io::Result<()> {
        self.screen.flush()?;
        self.screen.note(line)
    }

    fn is_enough(&self) -> bool {
        self.count
            .is_some_and(|count| self.screen.printed() >= count)
    }

    fn lag(&self) -> Option<Duration> {
        let behind = self.clock.now_us().checked_sub(self.last?)?;
        Some(Duration::from_micros(behind))
    }
}
