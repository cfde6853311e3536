//! The processes of a cluster, on one thread: two ingests that share a lease, three edges, and what they share.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use fanjet_edge::simulated::SimulatedEdge;
use fanjet_edge::{EdgeConfig, EdgeDeps};
use fanjet_ingest::{Candidacy, Ingest, IngestConfig};
use fanjet_log::memory::{MemoryBookmarks, MemoryClusterState, MemoryLease, MemoryLog};
use fanjet_runtime::{OnFailure, Stop, Tasks};
use opentelemetry::metrics::Meter;
use tokio::sync::watch;

use crate::clock::VirtualClock;
use crate::dice::Dice;
use crate::ledger::Ledger;
use crate::link::Link;
use crate::log::{LinkedLease, LinkedLog};
use crate::relay::{Relay, Relays};

const INGESTS: usize = 2;
const EDGES: usize = 3;

/// Everything that runs.
pub(crate) struct Cluster {
    pub(crate) clock: VirtualClock,
    pub(crate) log: MemoryLog,
    pub(crate) ledger: Ledger,
    pub(crate) lease: Arc<MemoryLease>,
    pub(crate) relays: Vec<Arc<Relay>>,
    pub(crate) ingests: Vec<Slot<Tasks>>,
    pub(crate) edges: Vec<Slot<Rc<SimulatedEdge>>>,
    /// Asks each client to change the delay of its events, in milliseconds.
    pub(crate) updates: Vec<watch::Sender<u64>>,
    /// No client pauses any more.
    pub(crate) is_settling: Cell<bool>,
    bookmarks: Arc<MemoryBookmarks>,
    state: Arc<MemoryClusterState>,
    meter: Meter,
}

/// The place of one process, which may be down.
pub(crate) struct Slot<P> {
    pub(crate) link: Arc<Link>,
    running: RefCell<Option<(P, Stop)>>,
    starts: RefCell<u32>,
}

impl<P> Slot<P> {
    fn new(dice: Dice) -> Self {
        Self {
            link: Arc::new(Link::new(dice)),
            running: RefCell::default(),
            starts: RefCell::default(),
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.borrow().is_some()
    }

    /// A name that no earlier process had.
    fn next_name(&self, role: &str, index: usize) -> String {
        *self.starts.borrow_mut() += 1;
        format!("{role}-{index}/{}", self.starts.borrow())
    }

    /// Asks the process to stop; it still runs.
    pub(crate) fn stop(&self) {
        if let Some((_, stop)) = &*self.running.borrow() {
            stop.cancel();
        }
    }
}

impl Cluster {
    pub(crate) fn new(
        relays: Vec<Arc<Relay>>,
        clients: usize,
        clock: VirtualClock,
        dice: &Dice,
    ) -> Self {
        let log = MemoryLog::new();
        Self {
            clock,
            ledger: Ledger::new(log.clone()),
            log,
            lease: Arc::new(MemoryLease::new()),
            relays,
            ingests: (0..INGESTS).map(|_| Slot::new(dice.split())).collect(),
            edges: (0..EDGES).map(|_| Slot::new(dice.split())).collect(),
            updates: (0..clients).map(|_| watch::Sender::default()).collect(),
            is_settling: Cell::default(),
            bookmarks: Arc::default(),
            state: Arc::default(),
            meter: opentelemetry::global::meter("simulation"),
        }
    }

    /// Starts an ingest that is down.
    pub(crate) fn start_ingest(&self, index: usize) -> Result<()> {
        let slot = &self.ingests[index];
        let mut config = IngestConfig::default();
        config.upstream.url = self.relays[0].url();
        config.upstream.fallbacks = self.relays[1..].iter().map(|it| it.url()).collect();
        config.upstream.fail_after = Duration::from_secs(10);
        config.upstream.return_after = Duration::from_secs(60);
        config.pipeline.decode_workers = 1;
        // Small enough to be decoded in place: another thread has no simulated time.
        config.pipeline.batch_bytes = 8 << 10;
        let lease = Arc::new(LinkedLease {
            lease: Arc::clone(&self.lease),
            link: Arc::clone(&slot.link),
        });
        let name = slot.next_name("ingest", index);
        let candidacy = Candidacy::shared(lease, &name, &config.lease)?;
        let log = LinkedLog::new(self.log.clone(), Arc::clone(&slot.link));
        let ingest = Ingest::new(config, Arc::new(log), Arc::new(self.clock), &self.meter)?
            .with_cluster_state(Arc::clone(&self.state) as _)
            .recording(Arc::clone(&self.bookmarks) as _)
            .dialing_with(Arc::new(Relays(self.relays.clone())));
        let stop = Stop::new();
        let running = ingest.run(candidacy, stop.clone());
        let mut tasks = Tasks::new(stop.clone());
        tasks.spawn("ingest", OnFailure::Log, running);
        *slot.running.borrow_mut() = Some((tasks, stop));
        Ok(())
    }

    /// Ends an ingest at once.
    pub(crate) fn crash_ingest(&self, index: usize) {
        drop(self.ingests[index].running.take());
    }

    /// Starts an edge that is down.
    pub(crate) fn start_edge(&self, index: usize) -> Result<()> {
        let slot = &self.edges[index];
        let mut config = EdgeConfig::default();
        // Small, so that much is read from the log.
        config.tail.ring_bytes = 64 << 10;
        config.tail.warm_entries = 40;
        config.replay.page_bytes = 16 << 10;
        config.replay.cache_bytes = 256 << 10;
        config.drain.spread = Duration::from_secs(2);
        let log = LinkedLog::new(self.log.clone(), Arc::clone(&slot.link));
        let deps = EdgeDeps {
            log: Arc::new(log),
            cluster_state: Arc::clone(&self.state) as _,
            clock: Arc::new(self.clock),
            instance: slot.next_name("edge", index),
            tracer: None,
        };
        let stop = Stop::new();
        let edge = SimulatedEdge::start(&config, deps, None, &self.meter, stop.clone())?;
        *slot.running.borrow_mut() = Some((Rc::new(edge), stop));
        Ok(())
    }

    /// Ends an edge at once, with all connections of its clients.
    pub(crate) fn crash_edge(&self, index: usize) {
        drop(self.edges[index].running.take());
    }

    /// An edge that a load balancer would choose.
    pub(crate) fn any_edge(&self, dice: &Dice) -> Option<Rc<SimulatedEdge>> {
        let ready = self.edges.iter().filter_map(|slot| {
            let running = slot.running.borrow();
            let (edge, _) = running.as_ref()?;
            edge.readiness().is_ready().then(|| Rc::clone(edge))
        });
        let ready: Vec<_> = ready.collect();
        (!ready.is_empty()).then(|| Rc::clone(dice.pick(&ready)))
    }
}
