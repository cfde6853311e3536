//! Connects, prints, connects anew.

use std::io;
use std::time::Duration;

use fanjet_actors::{Backoff, Clock, Stop};
use fanjet_websocket::Skipped;
use fanjet_wire::envelope::Envelope;
use serde::Deserialize;

use super::connection::{Connection, Ended, Next};
use super::position::Position;
use super::screen::{Screen, Style};
use super::{Endpoint, TailError};
use crate::terminal::printable;

const RECONNECT_MIN: Duration = Duration::from_millis(500);
const RECONNECT_MAX: Duration = Duration::from_secs(30);

/// Events printed in one go before the clock is looked at again.
const BATCH: usize = 256;

/// How much of a foreign message an error shows, in characters.
const SHOWN: usize = 80;

/// What is wanted, of whom.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) endpoint: Endpoint,
    pub(crate) cursor: Option<u64>,
    /// End after so many events.
    pub(crate) count: Option<u64>,
}

/// One tail from its first connection to its end.
pub(crate) struct Session<C> {
    wanted: Wanted,
    position: Position,
    backoff: Backoff,
    screen: Screen,
    clock: C,
    was_connected: bool,
}

/// Why a connection is over.
enum Over {
    /// Everything that was wanted is printed, or nobody reads it any more.
    Done,
    /// It has to be made anew.
    Again(String),
}

impl<C: Clock> Session<C> {
    pub(crate) fn new(wanted: Wanted, style: Style, clock: C) -> Self {
        Self {
            position: Position::at(wanted.cursor),
            wanted,
            backoff: Backoff::new(RECONNECT_MIN, RECONNECT_MAX),
            screen: Screen::new(style),
            clock,
            was_connected: false,
        }
    }

    /// Prints until there is enough, nobody reads it, or `stop`.
    ///
    /// # Errors
    /// [`TailError`].
    pub(crate) async fn run(mut self, stop: &Stop) -> Result<(), TailError> {
        loop {
            let over = tokio::select! {
                () = stop.cancelled() => break,
                over = self.connect_and_print() => over,
            };
            match over {
                Ok(Over::Done) => break,
                Ok(Over::Again(reason)) => {
                    let pause = self.backoff.next_pause();
                    self.screen
                        .note(&format!("not connected: {reason}; again in {pause:.1?}"))?;
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = tokio::time::sleep(pause) => {}
                    }
                }
                Err(TailError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => break,
                Err(error) => return Err(error),
            }
        }
        match self.screen.summary() {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(()),
        }
    }

    async fn connect_and_print(&mut self) -> Result<Over, TailError> {
        let url = self.wanted.endpoint.at(self.position.connect());
        let mut connection = match Connection::open(&url).await {
            Ok(connection) => connection,
            Err(Ended::Broken(reason)) if !self.was_connected => {
                return Err(TailError::Unreachable {
                    url: self.wanted.endpoint.to_string(),
                    reason,
                });
            }
            Err(ended) => return self.judge(ended),
        };
        self.was_connected = true;
        self.screen
            .note(&format!("connected to {}", self.wanted.endpoint))?;
        loop {
            match connection.next().await {
                Ok(Next::Second) => {
                    let lag = self.lag();
                    self.screen.second(lag)?;
                }
                Ok(next) => {
                    let printed = self.print_with_arrived(&next, &mut connection);
                    // What came before a failure is shown before the failure.
                    self.screen.flush()?;
                    if let Some(ended) = printed? {
                        self.pass_over(&mut connection, true)?;
                        return self.judge(ended);
                    }
                    self.pass_over(&mut connection, false)?;
                    if self.is_enough() {
                        connection.close().await;
                        return Ok(Over::Done);
                    }
                }
                Err(ended) => {
                    self.pass_over(&mut connection, true)?;
                    return self.judge(ended);
                }
            }
        }
    }

    /// Says which messages were too long to be read. One in which the connection ended may never have an end: the next
    /// connection begins behind it.
    fn pass_over(&mut self, connection: &mut Connection, has_ended: bool) -> Result<(), TailError> {
        let unfinished = connection.unfinished().filter(|_| has_ended);
        for Skipped { place, bytes } in connection.take_skipped().into_iter().chain(unfinished) {
            if let Some(time_us) = place {
                self.position.admit(time_us);
            }
            self.screen.note(&format!(
                "an event of {bytes} bytes is too long and is not shown"
            ))?;
        }
        Ok(())
    }

    /// Prints an event and what has arrived behind it. How the connection ended, if it did.
    fn print_with_arrived(
        &mut self,
        first: &Next,
        connection: &mut Connection,
    ) -> Result<Option<Ended>, TailError> {
        self.print(first)?;
        for _ in 0..BATCH {
            if self.is_enough() {
                break;
            }
            match connection.arrived() {
                Ok(Some(next)) => self.print(&next)?,
                Ok(None) => break,
                Err(ended) => return Ok(Some(ended)),
            }
        }
        Ok(None)
    }

    fn print(&mut self, next: &Next) -> Result<(), TailError> {
        let event = match next {
            Next::Event(event) => event,
            Next::Foreign(what) => return self.passed_over(what),
            Next::Second => return Ok(()),
        };
        let Some(time_us) = time_us(event) else {
            return self.passed_over(&format!("an event without time_us: {}", shown(event)));
        };
        let is_first = self.position.last().is_none();
        if !self.position.admit(time_us) {
            return Ok(());
        }
        self.backoff.reset();
        if self.screen.event(event)? {
            return Ok(());
        }
        let what = format!("not JSON: {}", shown(event));
        if is_first {
            return Err(self.foreign(&what));
        }
        self.passed_over(&what)
    }

    /// What cannot be shown costs itself, when the server has shown that it serves events.
    fn passed_over(&mut self, what: &str) -> Result<(), TailError> {
        if self.position.last().is_none() {
            return Err(self.foreign(what));
        }
        Ok(self.screen.note(&format!("not shown: {what}"))?)
    }

    fn is_enough(&self) -> bool {
        self.wanted
            .count
            .is_some_and(|count| self.screen.printed() >= count)
    }

    fn judge(&self, ended: Ended) -> Result<Over, TailError> {
        match ended {
            Ended::Broken(reason) | Ended::Busy(reason) => Ok(Over::Again(reason)),
            Ended::Refused { status, answer } => Err(TailError::Refused {
                url: self.wanted.endpoint.to_string(),
                status,
                answer,
            }),
        }
    }

    fn foreign(&self, what: &str) -> TailError {
        TailError::Foreign {
            url: self.wanted.endpoint.to_string(),
            what: what.to_owned(),
        }
    }

    fn lag(&self) -> Option<Duration> {
        let behind = self.clock.now_us().checked_sub(self.position.last()?)?;
        Some(Duration::from_micros(behind))
    }
}

/// The fixed beginning of an event as Jetstream v1 writes it, or whatever JSON another server makes.
fn time_us(event: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Timed {
        time_us: u64,
    }
    match Envelope::of(event) {
        Some(envelope) => Some(envelope.time.get()),
        None => Some(serde_json::from_slice::<Timed>(event).ok()?.time_us),
    }
}

fn shown(event: &[u8]) -> String {
    printable(&String::from_utf8_lossy(event), SHOWN)
}
