//! Clients that take nothing: without a deadline one that never reads would hold its place and its buffers for ever.
//!
//! A socket is stuck while its system's buffer is full, whatever waits behind it, be it of a subscriber, of another
//! answer, or of a connection that is to end. The buffer is kept small (`edge.subscriber.max_unsent_bytes`), so that one whose
//! client reads, however slowly, has room again and again: every such moment is a sign of progress. A client's system
//! tells of room in steps as well, of a sixteenth of its buffer.
//!
//! A connection that is to end, but does not, is cut off after the same time: its client may never close it.
//!
//! From time to time all sockets are asked in one go; only those that are full are watched, until they have room or
//! their time is over. Each worker thread watches its own: only there is the room seen before the server has filled it
//! again, since the system tells what is so when it is asked, not what was so meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{ThreadId, current};
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, WrapFuture};
use fanjet_runtime::Stop;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use hashbrown::{HashMap, HashSet};
use parking_lot::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tracing::{debug, warn};

use super::Socket;

/// How often the sockets are asked while they may be stuck for as long as is allowed: one is cut off this part later at most.
const SWEEPS: u32 = 16;
const LEAST_PAUSE: Duration = Duration::from_millis(1);
/// Asked of the system in one go.
const BATCH: usize = 1024;

/// All connections of a node.
#[derive(Debug)]
pub(crate) struct Stalls {
    /// How long a socket may be stuck. Zero: for ever.
    timeout: Duration,
    open: Mutex<HashMap<u64, Open>>,
    last_id: AtomicU64,
}

/// A connection and the thread that serves it.
#[derive(Debug, Clone)]
struct Open {
    socket: Arc<Socket>,
    thread: ThreadId,
}

/// A connection of the server. Dropping it is the connection's end.
#[derive(Debug)]
pub(crate) struct Held {
    id: u64,
    socket: Arc<Socket>,
    stalls: Arc<Stalls>,
}

impl Stalls {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            open: Mutex::default(),
            last_id: AtomicU64::new(0),
        }
    }

    /// Looks after a connection of this thread until the returned one is dropped.
    pub(crate) fn hold(self: &Arc<Self>, socket: Socket) -> Held {
        let socket = Arc::new(socket);
        let id = self.last_id.fetch_add(1, Ordering::Relaxed);
        let open = Open {
            socket: Arc::clone(&socket),
            thread: current().id(),
        };
        self.open.lock().insert(id, open);
        Held {
            id,
            socket,
            stalls: Arc::clone(self),
        }
    }

    /// Starts what cuts off who takes nothing, among the connections of this thread, until `over`.
    pub(crate) fn start(self: Arc<Self>, over: Stop) {
        if !self.timeout.is_zero() {
            Watch::create(|ctx| {
                let watch = Watch;
                ctx.spawn(self.run(over).into_actor(&watch));
                watch
            });
        }
    }

    async fn run(self: Arc<Self>, over: Stop) {
        let mut sweeps = interval((self.timeout / SWEEPS).max(LEAST_PAUSE));
        sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stuck = HashSet::new();
        let mut watched = FuturesUnordered::new();
        loop {
            tokio::select! {
                () = over.cancelled() => return,
                Some(id) = watched.next() => {
                    stuck.remove(&id);
                }
                _ = sweeps.tick() => {
                    self.send_off(Instant::now());
                    for (id, socket) in self.full(&stuck) {
                        stuck.insert(id);
                        watched.push(watch(id, socket, self.timeout));
                    }
                }
            }
        }
    }

    /// Cuts off those who should have gone long ago.
    fn send_off(&self, now: Instant) {
        for open in self.open.lock().values() {
            if open
                .socket
                .ending_since()
                .is_some_and(|since| now.saturating_duration_since(since) >= self.timeout)
            {
                open.socket.cut_off();
            }
        }
    }

    /// Who is full now, and not among the `known`, of this thread's.
    fn full(&self, known: &HashSet<u64>) -> Vec<(u64, Arc<Socket>)> {
        let open = self.open.lock();
        let here = current().id();
        let unknown = open
            .iter()
            .filter(|(id, open)| open.thread == here && !known.contains(*id));
        let unknown: Vec<_> = unknown.map(|(&id, open)| (id, open.clone())).collect();
        drop(open);
        let mut full = Vec::new();
        for batch in unknown.chunks(BATCH) {
            match Socket::full(batch, |(_, open)| &open.socket) {
                Ok(found) => full.extend(found.map(|(id, open)| (*id, open.socket.clone()))),
                Err(error) => warn!(%error, "cannot ask which sockets are stuck"),
            }
        }
        full
    }
}

/// What looks after the connections of one thread.
struct Watch;

impl Actor for Watch {
    type Context = Context<Self>;
}

/// Waits until a full socket has room, and cuts it off when that takes too long.
async fn watch(id: u64, socket: Arc<Socket>, patience: Duration) -> u64 {
    match timeout(patience, socket.room()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => warn!(%error, "cannot watch a socket that is stuck"),
        Err(_) => {
            debug!("cutting off a client that takes nothing");
            socket.cut_off();
        }
    }
    id
}

impl Held {
    /// The connection itself.
    pub(crate) fn socket(&self) -> Arc<Socket> {
        Arc::clone(&self.socket)
    }
}

/// Other handles must not keep a connection that the server has ended.
impl Drop for Held {
    fn drop(&mut self) {
        self.stalls.open.lock().remove(&self.id);
        self.socket.shut();
    }
}
