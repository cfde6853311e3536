//! Disconnects clients that read nothing: without a deadline such a client would hold its slot and its buffers forever.
//!
//! A socket is stuck while its kernel buffer is full, whatever waits for it: events, another response, or the end of the
//! connection. The buffer is kept small (`edge.subscriber.max_unsent_bytes`), so that the socket of a client that reads slowly
//! has room again and again, and each such moment shows progress. The client's kernel also reports room in steps, of a
//! sixteenth of its buffer.
//!
//! A connection that is closing but does not end is cut off after the same time: its client may never close it.
//!
//! All sockets are polled at intervals; only full ones are watched until they have room or their time is over. Each worker
//! thread watches its own sockets, because polling shows only the current state: on another thread the server might fill the
//! room first.

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

/// Number of polls per timeout: a stuck socket is cut off at most this fraction late.
const SWEEPS: u32 = 16;
const LEAST_PAUSE: Duration = Duration::from_millis(1);
/// Sockets per poll call.
const BATCH: usize = 1024;

/// All connections of a node.
#[derive(Debug)]
pub(crate) struct WriteStalls {
    /// How long a socket may be stuck. Zero: no limit.
    timeout: Duration,
    open: Mutex<HashMap<u64, OpenSocket>>,
    last_id: AtomicU64,
}

/// A connection and the thread that serves it.
#[derive(Debug, Clone)]
struct OpenSocket {
    socket: Arc<Socket>,
    thread: ThreadId,
}

/// A watched connection of the server. Dropping it ends the connection.
#[derive(Debug)]
pub(crate) struct WatchedSocket {
    id: u64,
    socket: Arc<Socket>,
    write_stalls: Arc<WriteStalls>,
}

impl WriteStalls {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            open: Mutex::default(),
            last_id: AtomicU64::new(0),
        }
    }

    /// Watches a connection of this thread until the result is dropped.
    pub(crate) fn watch_socket(self: &Arc<Self>, socket: Socket) -> WatchedSocket {
        let socket = Arc::new(socket);
        let id = self.last_id.fetch_add(1, Ordering::Relaxed);
        let open = OpenSocket {
            socket: Arc::clone(&socket),
            thread: current().id(),
        };
        self.open.lock().insert(id, open);
        WatchedSocket {
            id,
            socket,
            write_stalls: Arc::clone(self),
        }
    }

    /// Starts watching the connections of this thread, until `over`.
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
                    self.cut_off_overdue(Instant::now());
                    for (id, socket) in self.full(&stuck) {
                        stuck.insert(id);
                        watched.push(watch(id, socket, self.timeout));
                    }
                }
            }
        }
    }

    /// Cuts off connections whose closing took too long.
    fn cut_off_overdue(&self, now: Instant) {
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

    /// This thread's full sockets that are not among the `known` ones.
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
                Err(error) => warn!(%error, "failed to poll the sockets for write stalls"),
            }
        }
        full
    }
}

/// The actor that watches the connections of one thread.
struct Watch;

impl Actor for Watch {
    type Context = Context<Self>;
}

/// Waits until a full socket has room, and disconnects it when that takes too long.
async fn watch(id: u64, socket: Arc<Socket>, max_stall: Duration) -> u64 {
    match timeout(max_stall, socket.room()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => warn!(%error, "failed to watch a stuck socket"),
        Err(_) => {
            debug!("disconnecting a client that reads nothing");
            socket.cut_off();
        }
    }
    id
}

impl WatchedSocket {
    /// The connection itself.
    pub(crate) fn socket(&self) -> Arc<Socket> {
        Arc::clone(&self.socket)
    }
}

/// Other handles must not keep an ended connection open.
impl Drop for WatchedSocket {
    fn drop(&mut self) {
        self.write_stalls.open.lock().remove(&self.id);
        self.socket.shut();
    }
}
