//! The state of one worker thread: its shards and the hub that drives them.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use fanjet_filter::SubscriberOptions;
use fanjet_runtime::Promptness;
use fanjet_wire::close::CloseReason;

use crate::hub::{Draining, Hub, Shard, ShardLimits, Shards, SharedShards};
use crate::metrics::{Metrics, WorkerMetrics, WorkerNumbers};
use crate::replay::{PageRequests, Start};
use crate::shutdown::Shutdown;
use crate::sockets::WriteStalls;
use crate::subscriber::Feed;
use crate::tail::{Compression, Tail};

/// State shared by all worker threads.
#[derive(Clone)]
pub(crate) struct WorkerContext {
    pub(crate) limits: ShardLimits,
    /// How much CPU time flushing at once may take.
    pub(crate) promptness: Promptness,
    /// Numbers the workers for metric labels.
    pub(crate) numbers: Arc<WorkerNumbers>,
    /// How long closing the subscribers may take.
    pub(crate) spread: Duration,
    pub(crate) tail: Tail,
    pub(crate) page_requests: Arc<PageRequests>,
    pub(crate) compression: Compression,
    pub(crate) write_stalls: Arc<WriteStalls>,
    pub(crate) metrics: Metrics,
    pub(crate) shutdown: Shutdown,
    #[cfg(feature = "fault-injection")]
    pub(crate) hubs: Arc<parking_lot::Mutex<Vec<Addr<Hub>>>>,
}

/// One per worker thread.
pub(crate) struct Worker {
    context: WorkerContext,
    shards: SharedShards,
    metrics: WorkerMetrics,
    hub: RefCell<Addr<Hub>>,
}

impl Worker {
    /// Starts the hub of this thread and watches its connections.
    pub(crate) fn start(context: WorkerContext) -> Self {
        let shard = Shard::new(
            Arc::clone(&context.tail.ring),
            Arc::clone(&context.page_requests),
            Arc::clone(&context.tail.window),
            context.limits,
            context.metrics.clone(),
        )
        .compressing_with(context.compression.clone());
        let shards = Rc::new(RefCell::new(Shards::new(shard)));
        let metrics = context.metrics.of_worker(context.numbers.next());
        let hub = RefCell::new(context.start_hub(&shards, &metrics));
        Arc::clone(&context.write_stalls).start(context.shutdown.finished.clone());
        Self {
            context,
            shards,
            metrics,
            hub,
        }
    }

    /// The subscribers of this thread.
    pub(crate) fn shards(&self) -> &SharedShards {
        &self.shards
    }

    /// Adds a subscriber; returns its feed.
    pub(crate) fn join(&self, options: SubscriberOptions, start: Start) -> Feed {
        self.restart_crashed_hub();
        let member = {
            let mut shards = self.shards.borrow_mut();
            let member = if options.require_hello {
                shards.join_waiting(options.encoding, start)
            } else {
                shards.join(options.filter, options.encoding, start)
            };
            shards.set_delay(&member, options.max_delay);
            member
        };
        if !start.is_in(self.context.tail.ring.head()) {
            // The log was replaced after the start was resolved, and the hub has already closed the members of that time.
            member.outbox().close(CloseReason::LogReplaced);
        }
        if self.context.shutdown.draining.is_cancelled() {
            // The hub closes only the members that were present when draining began.
            member.outbox().close(CloseReason::Draining);
        }
        let metrics = self.context.metrics.clone();
        Feed::new(Rc::clone(&self.shards), member, metrics)
    }

    /// A hub that panicked has closed its members; a new one starts with an empty shard.
    fn restart_crashed_hub(&self) {
        if !self.hub.borrow().connected() && !self.context.shutdown.draining.is_cancelled() {
            self.hub
                .replace(self.context.start_hub(&self.shards, &self.metrics));
        }
    }
}

impl WorkerContext {
    fn start_hub(&self, shards: &SharedShards, metrics: &WorkerMetrics) -> Addr<Hub> {
        let hub = Hub::start(
            Rc::clone(shards),
            self.tail.ring.watch(),
            self.promptness,
            Draining {
                begins: self.shutdown.draining.clone(),
                spread: self.spread,
            },
            metrics.clone(),
        );
        #[cfg(feature = "fault-injection")]
        self.hubs.lock().push(hub.clone());
        hub
    }
}
