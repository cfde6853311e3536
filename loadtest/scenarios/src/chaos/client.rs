//! A subscriber that reconnects with its cursor whenever its connection ends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::sleep;

use crate::stream::{Connection, Event, Stream};

/// How long a client reads before it checks the goal.
const TICK: Duration = Duration::from_millis(250);
/// A client gives up a connection that is silent for this long, as a user's client would.
const SILENCE: Duration = Duration::from_secs(8);
const PAUSE: Duration = Duration::from_millis(100);
/// How long to wait for unexpected additional events.
const LINGER: Duration = Duration::from_secs(1);

/// The behavior of a client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habit {
    pub(super) name: &'static str,
    pub(super) stream: Stream,
    /// Its filter; everything by default.
    pub(super) collections: Option<&'static str>,
    /// Whether it reconnects to another edge than the one it lost.
    pub(super) wanders: bool,
    /// Disconnects by itself after this many events, and reconnects.
    pub(super) leaves_after: Option<usize>,
}

/// When a client is done.
#[derive(Debug, Clone)]
pub(super) struct Goal {
    /// Number of events, by the name of the habit.
    pub(super) wanted: Arc<BTreeMap<&'static str, usize>>,
    /// Or at this moment.
    pub(super) until: Instant,
}

/// The progress of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Seen {
    Nothing,
    Connection,
    Event,
}

/// What a client received.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Without the event that its cursor repeats on each reconnect.
    pub(super) events: Vec<Event>,
    pub(super) connections: u32,
    /// The longest time without a new event while more were expected.
    pub(super) longest_stall: Duration,
    /// Reconnects on which the first event was not exactly the last one.
    pub(super) bad_returns: Vec<String>,
    /// Why connections ended or failed.
    pub(super) log: Vec<String>,
}

/// Follows until the goal. `seen` reports the progress.
pub(super) async fn follow(
    habit: Habit,
    edges: Vec<String>,
    mut edge: usize,
    mut goal: watch::Receiver<Option<Goal>>,
    seen: watch::Sender<Seen>,
) -> (Habit, Record) {
    let mut record = Record::default();
    let mut last_new = None;
    while !is_done(&habit, &record, &mut goal) {
        let cursor = record.events.last().map(|last| last.cursor);
        let connecting = habit
            .stream
            .connect(&edges[edge], cursor, habit.collections);
        match connecting.await {
            Ok(client) => {
                record.connections += 1;
                raise(&seen, Seen::Connection);
                listen(client, &habit, &mut record, &mut last_new, &mut goal, &seen).await;
            }
            Err(error) => record.note(format!("no connection: {error:#}")),
        }
        if habit.wanders {
            edge = (edge + 1) % edges.len();
        }
        sleep(PAUSE).await;
    }
    (habit, record)
}

/// One connection.
async fn listen(
    client: Connection,
    habit: &Habit,
    record: &mut Record,
    last_new: &mut Option<Instant>,
    goal: &mut watch::Receiver<Option<Goal>>,
    seen: &watch::Sender<Seen>,
) {
    let mut client = client.with_deadline(TICK);
    let mut owed = record.events.last().cloned();
    let leaves_at = habit.leaves_after.map(|after| record.events.len() + after);
    let mut heard = Instant::now();
    let mut done_since = None;
    loop {
        match client.next().await {
            Ok(event) => {
                heard = Instant::now();
                if let Some(owed) = owed.take() {
                    if owed == event {
                        continue;
                    }
                    let (at, time) = (owed.time, event.time);
                    let what = format!("expected {at} first, got {time}: {}", event.json);
                    record.note(what.clone());
                    record.bad_returns.push(what);
                }
                record.events.push(event);
                let stall = last_new.replace(heard).map(|before| heard - before);
                record.longest_stall = record.longest_stall.max(stall.unwrap_or_default());
                raise(seen, Seen::Event);
                if leaves_at == Some(record.events.len()) {
                    return record.note("left".to_owned());
                }
            }
            Err(error) => {
                if client.is_closed() || heard.elapsed() > SILENCE {
                    return record.note(format!("connection ended: {error:#}"));
                }
            }
        }
        if is_done(habit, record, goal) {
            let since = *done_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= LINGER {
                return;
            }
        }
    }
}

fn is_done(habit: &Habit, record: &Record, goal: &mut watch::Receiver<Option<Goal>>) -> bool {
    goal.borrow_and_update().as_ref().is_some_and(|goal| {
        let wanted = goal.wanted.get(habit.name).copied().unwrap_or(0);
        record.events.len() >= wanted || Instant::now() >= goal.until
    })
}

fn raise(seen: &watch::Sender<Seen>, to: Seen) {
    seen.send_if_modified(|seen| std::mem::replace(seen, to.max(*seen)) < to);
}

impl Record {
    fn note(&mut self, what: String) {
        let time = self.events.last().map_or(0, |last| last.time);
        self.log.push(format!(
            "behind {time} ({} events): {what}",
            self.events.len()
        ));
    }
}
