//! A running simulator, for tests and the command line.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::history::{History, Limits};
use crate::mute::Mute;
use crate::publisher::{Outputs, Pace, Producer, Publisher, Stream};
use crate::server::{CrawlRequest, CrawlRequests, Server, Stats};
use crate::{Directory, ExpectedEvent, MuteRule, SimulatorConfig, SimulatorError};

/// Starts simulators.
#[derive(Debug)]
pub struct Simulator;

/// A running simulator. Dropping it stops it without waiting.
pub struct SimulatorHandle {
    address: SocketAddr,
    server: Arc<Server>,
    pace: watch::Sender<Pace>,
    producer: Option<Producer>,
    /// Set when publishing has failed.
    failure: Arc<Mutex<Option<SimulatorError>>>,
}

impl Simulator {
    /// Opens the source, publishes the backlog, listens, and continues publishing in the background.
    ///
    /// # Errors
    /// When any of these fails.
    pub async fn start(config: SimulatorConfig) -> Result<SimulatorHandle, SimulatorError> {
        let outputs = Outputs::create(&config)?;
        let (source, limit) = (config.source.clone(), config.limit);
        let stream = tokio::task::spawn_blocking(move || Stream::open(&source, limit))
            .await
            .map_err(|panic| SimulatorError::Thread(panic.into()))??;
        let limits = Limits {
            bytes: config.history_bytes,
            frames: config.history_frames,
            keep_expected: config.keep_expected,
        };
        let history = Arc::new(History::new(limits, stream.seq_base));
        let shutdown = CancellationToken::new();
        let server = Arc::new(Server {
            history: history.clone(),
            directory: stream.directory.clone(),
            promised_seq: stream.promised_seq,
            cursors: config.cursors,
            stall: config.stall,
            mute: Arc::new(Mute::new(config.mute)),
            places: Arc::new(Semaphore::new(config.max_connections)),
            crawls: CrawlRequests::default(),
            clients: watch::Sender::new(0),
            subscriptions: AtomicU64::new(0),
            is_down: AtomicBool::new(false),
            refused: AtomicU64::new(0),
            disconnect: Mutex::new(shutdown.child_token()),
            shutdown,
            tasks: TaskTracker::new(),
        });
        let (producer, frames) = Producer::start(stream)?;
        let pace = watch::Sender::new(Pace {
            is_paused: config.is_paused,
            wanted: 0,
        });
        let mut publisher = Publisher {
            frames,
            history,
            outputs,
            mute: Arc::clone(&server.mute),
            rate: config.rate,
            pace: pace.clone(),
        };
        publisher.backlog(config.backlog).await?;

        let address = config.listen;
        let failed = |source| SimulatorError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let failure = Arc::new(Mutex::new(None));
        // The accept loop: ends with the shutdown token.
        server.tasks.spawn(server.clone().run(listener));
        // The publisher: ends with the source or the shutdown token.
        let publish = publish(
            publisher,
            server.clone(),
            config.wait_for_client,
            failure.clone(),
        );
        server.tasks.spawn(publish);
        server.tasks.close();
        Ok(SimulatorHandle {
            address,
            server,
            pace,
            producer: Some(producer),
            failure,
        })
    }
}

/// Publishes until the source ends or the server shuts down; a failure ends the server.
async fn publish(
    mut publisher: Publisher,
    server: Arc<Server>,
    wait_for_client: bool,
    failure: Arc<Mutex<Option<SimulatorError>>>,
) {
    let mut clients = server.clients.subscribe();
    let run = async {
        if wait_for_client {
            // The sender is the server's, which is alive.
            let _arrived = clients.wait_for(|clients| *clients > 0).await;
        }
        publisher.run().await
    };
    let result = server.shutdown.run_until_cancelled(run).await;
    let result = result.unwrap_or(Ok(())).and(publisher.finish());
    if let Err(error) = result {
        tracing::error!(%error, "publishing failed");
        *failure.lock() = Some(error);
        server.shutdown.cancel();
    }
}

impl SimulatorHandle {
    /// The requests to crawl a host that were received.
    pub fn crawl_requests(&self) -> Vec<CrawlRequest> {
        self.server.crawls.all()
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `ws://host:port`, for a consumer's configuration.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// `http://host:port`, in place of a PLC directory.
    pub fn did_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The DID documents that it serves.
    pub fn directory(&self) -> Directory {
        self.server.directory.clone()
    }

    /// The number of published frames.
    pub fn produced(&self) -> u64 {
        *self.server.history.published().borrow()
    }

    /// Waits until at least this many frames have been published.
    pub async fn wait_until_produced(&self, frames: u64) {
        let mut published = self.server.history.published();
        // The sender is the history, which is alive.
        let _reached = published.wait_for(|published| *published >= frames).await;
    }

    /// Waits until exactly this many clients are subscribed.
    pub async fn wait_for_clients(&self, clients: usize) {
        let mut open = self.server.clients.subscribe();
        // The sender is the server's, which is alive.
        let _reached = open.wait_for(|open| *open == clients).await;
    }

    /// Statistics.
    pub fn stats(&self) -> Stats {
        self.server.stats()
    }

    /// The expected events of all kept frames, in order.
    pub fn expected(&self) -> Vec<ExpectedEvent> {
        self.server.history.expected()
    }

    /// Stops publishing; connections stay open.
    pub fn pause(&self) {
        self.pace.send_modify(|pace| pace.is_paused = true);
    }

    /// Publishes some frames at once, even while paused, and waits until that is done.
    pub async fn publish(&self, frames: u64) {
        let until = self.produced() + frames;
        self.pace.send_modify(|pace| pace.wanted += frames);
        self.wait_until_produced(until).await;
    }

    /// Continues the numbering at `base`, and drops all published frames except the last `repeated` ones, which get new
    /// seqs: like a relay that was re-created under the same name. Connections stay open.
    pub fn renumber(&self, base: u64, repeated: usize) {
        self.server.history.renumber(base, repeated);
    }

    /// Resumes publishing.
    pub fn resume(&self) {
        self.pace.send_modify(|pace| pace.is_paused = false);
    }

    /// Cuts all open connections, without a closing handshake.
    pub fn disconnect_all(&self) {
        self.server.disconnect_all();
    }

    /// Cuts all connections and accepts no more, until [`Self::go_up`]. The world continues.
    pub fn go_down(&self) {
        self.server.is_down.store(true, Ordering::SeqCst);
        self.server.disconnect_all();
    }

    /// Drops all frames with a record of a collection from now on; `None` ends that.
    pub fn mute(&self, collection: Option<&str>) {
        self.server.mute.set(collection.map(|collection| MuteRule {
            collection: collection.to_owned(),
            after: 0,
        }));
    }

    /// Accepts connections again.
    pub fn go_up(&self) {
        self.server.is_down.store(false, Ordering::SeqCst);
    }

    /// Waits until the simulator stops by itself, which happens only on failure.
    pub async fn stopped(&self) {
        self.server.shutdown.cancelled().await;
    }

    /// Stops everything and waits for it.
    ///
    /// # Errors
    /// The publishing error, if there was one.
    pub async fn shutdown(mut self) -> Result<Stats, SimulatorError> {
        self.server.shutdown.cancel();
        self.server.tasks.wait().await;
        if let Some(producer) = self.producer.take() {
            producer.join().await;
        }
        match self.failure.lock().take() {
            Some(error) => Err(error),
            None => Ok(self.server.stats()),
        }
    }
}

impl Drop for SimulatorHandle {
    fn drop(&mut self) {
        self.server.shutdown.cancel();
    }
}
