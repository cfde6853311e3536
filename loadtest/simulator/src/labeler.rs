//! A labeler: `com.atproto.label.subscribeLabels` with real signatures, in the styles of the labelers that exist, and with their
//! faults.
//!
//! Each has an address of its own, as its DID document says. It knows nothing of the world: its labels are about made-up posts.

mod config;
mod label;
mod server;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fanjet_event::Did;
use parking_lot::Mutex;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::world::keys::AccountKey;
use crate::{Directory, SimulatorError};
pub use config::{ConnectionResponse, LabelerConfig, Style};
pub use label::LabelSpec;
use server::Shared;

/// A running labeler. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Labeler {
    address: SocketAddr,
    config: LabelerConfig,
    shared: Arc<Shared>,
    keys: Mutex<Keys>,
    directory: Directory,
}

#[derive(Debug)]
struct Keys {
    rng: ChaCha8Rng,
    label: AccountKey,
    account: AccountKey,
}

impl Labeler {
    /// Listens, and writes its document into a directory.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(
        config: LabelerConfig,
        directory: Directory,
    ) -> Result<Self, SimulatorError> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let failed = |source| SimulatorError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        let keys = Keys {
            label: AccountKey::generate(&mut rng),
            account: AccountKey::generate(&mut rng),
            rng,
        };
        let shared = Arc::new(Shared {
            is_inclusive: config.is_inclusive,
            frames: watch::Sender::new(Vec::new()),
            response: Mutex::default(),
            cursors: Mutex::default(),
            documents: AtomicU64::new(0),
            shutdown: CancellationToken::new(),
            disconnect: Mutex::new(CancellationToken::new()),
            tasks: TaskTracker::new(),
        });
        // The accept loop: ends with the shutdown token.
        shared.tasks.spawn(Arc::clone(&shared).run(listener));
        let labeler = Self {
            address,
            config,
            shared,
            keys: Mutex::new(keys),
            directory,
        };
        labeler.write_document();
        Ok(labeler)
    }

    /// Its name.
    pub fn did(&self) -> &Did {
        &self.config.did
    }

    /// `ws://host:port`.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Publishes one frame with a label for each of these, and returns its bytes.
    pub fn publish(&self, labels: &[LabelSpec]) -> Bytes {
        let mut frame = Bytes::new();
        self.shared.frames.send_modify(|frames| {
            let last = frames.last().map_or(0, |(seq, _)| *seq);
            let seq = last + self.config.seq_step;
            let keys = self.keys.lock();
            frame = label::frame(seq, labels, &self.config, &keys.label, &keys.account);
            frames.push((seq, frame.clone()));
        });
        frame
    }

    /// Publishes so many frames of one ordinary label each.
    pub fn publish_many(&self, frames: u64) {
        let first = self.shared.frames.borrow().len() as u64;
        for number in first..first + frames {
            self.publish(&[LabelSpec::numbered(number)]);
        }
    }

    /// Publishes bytes that may be no frame, and counts them as the next number.
    pub fn publish_raw(&self, bytes: Bytes) {
        self.shared.frames.send_modify(|frames| {
            let last = frames.last().map_or(0, |(seq, _)| *seq);
            frames.push((last + self.config.seq_step, bytes));
        });
    }

    /// All frames, each with its number.
    pub fn frames(&self) -> Vec<(u64, Bytes)> {
        self.shared.frames.borrow().clone()
    }

    /// Signs with a new key from now on, which its document names.
    pub fn rotate_key(&self) {
        {
            let mut keys = self.keys.lock();
            let keys = &mut *keys;
            keys.label = AccountKey::generate(&mut keys.rng);
        }
        self.write_document();
    }

    /// Responds to connections in this way from now on, and cuts those that are open.
    pub fn respond_with(&self, response: ConnectionResponse) {
        *self.shared.response.lock() = response;
        self.disconnect();
    }

    /// Cuts all open connections, without a closing handshake.
    pub fn disconnect(&self) {
        std::mem::take(&mut *self.shared.disconnect.lock()).cancel();
    }

    /// The cursors of all connections so far, refused ones too.
    pub fn cursors(&self) -> Vec<Option<u64>> {
        self.shared.cursors.lock().clone()
    }

    /// Waits until so many connections were made, refused ones too.
    pub async fn wait_for_connections(&self, connections: usize) {
        while self.shared.cursors.lock().len() < connections {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// How often its document was written.
    pub fn documents(&self) -> u64 {
        self.shared.documents.load(Ordering::Relaxed)
    }

    fn write_document(&self) {
        let keys = self.keys.lock();
        let endpoint = format!("http://{}", self.address);
        self.shared.documents.fetch_add(1, Ordering::Relaxed);
        self.directory.set_labeler(
            &self.config.did,
            &keys.account.public_multibase(),
            &keys.label.public_multibase(),
            &endpoint,
        );
    }
}

impl Drop for Labeler {
    fn drop(&mut self) {
        self.shared.shutdown.cancel();
        self.disconnect();
    }
}
