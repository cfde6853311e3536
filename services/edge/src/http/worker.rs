//! What one worker thread has: its shards and the hub that drives them.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use fanjet_filter::SubscriberOptions;
use fanjet_runtime::Promptness;
use fanjet_wire::close::CloseReason;

use crate::ending::Ending;
use crate::hub::{Draining, Hub, Shard, ShardLimits, Shards, SharedShards};
use crate::metrics::{Metrics, WorkerMetrics, WorkerNumbers};
use crate::replay::{Desk, Start};
use crate::sockets::Stalls;
use crate::subscriber::Feed;
use crate::tail::{Compression, Tail};

/// What all worker threads share.
#[derive(Clone)]
pub(crate) struct WorkerContext {
    pub(crate) limits: ShardLimits,
    /// How much may be spent on flushing at once.
    pub(crate) promptness: Promptness,
    /// How the workers are called in metrics.
    pub(crate) numbers: Arc<WorkerNumbers>,
    /// How long sending away the subscribers may take.
    pub(crate) spread: Duration,
    pub(crate) tail: Tail,
    pub(crate) desk: Arc<Desk>,
    pub(crate) compression: Compression,
    pub(crate) stalls: Arc<Stalls>,
    pub(crate) metrics: Metrics,
    pub(crate) ending: Ending,
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
    /// Starts the hub on this thread, and what looks after its connections.
    pub(crate) fn start(context: WorkerContext) -> Self {
        let shard = Shard::new(
            Arc::clone(&context.tail.ring),
            Arc::clone(&context.desk),
            Arc::clone(&context.tail.window),
            context.limits,
            context.metrics.clone(),
        )
        .compressing_with(context.compression.clone());
        let shards = Rc::new(RefCell::new(Shards::new(shard)));
        let metrics = context.metrics.of_worker(context.numbers.next());
        let hub = RefCell::new(context.start_hub(&shards, &metrics));
        Arc::clone(&context.stalls).start(context.ending.over.clone());
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

    /// Adds a subscriber; returns its bytes.
    pub(crate) fn join(&self, options: SubscriberOptions, start: Start) -> Feed {
        self.revive_hub();
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
            // The log was replaced after the start was found, and the hub has sent away who was there then.
            member.outbox().close(CloseReason::LogReplaced);
        }
        if self.context.ending.draining.is_cancelled() {
            // The hub sends away who was there when it began.
            member.outbox().close(CloseReason::Draining);
        }
        let metrics = self.context.metrics.clone();
        Feed::new(Rc::clone(&self.shards), member, metrics)
    }

    /// A hub that a defect has ended has sent its members away; a new one starts with a clean shard.
    fn revive_hub(&self) {
        if !self.hub.borrow().connected() && !self.context.ending.draining.is_cancelled() {
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
                begins: self.ending.draining.clone(),
                spread: self.spread,
            },
            metrics.clone(),
        );
        #[cfg(feature = "fault-injection")]
        self.hubs.lock().push(hub.clone());
        hub
    }
}
