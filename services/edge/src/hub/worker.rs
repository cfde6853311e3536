//! What one worker thread has: its shard and the hub that drives it.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use actix::Addr;
use fanjet_filter::SubscriberOptions;
use fanjet_wire::close::CloseReason;
use tokio::sync::oneshot;

use super::actor::{Draining, Hub};
use super::{Shard, ShardLimits, SharedShard};
use crate::edge::Node;
use crate::replay::Start;
use crate::subscriber::Feed;

/// One per worker thread.
pub(crate) struct Worker {
    node: Node,
    shard: SharedShard,
    hub: RefCell<Addr<Hub>>,
}

impl Worker {
    /// Starts the hub on this thread, and what looks after its connections.
    pub(crate) fn start(node: Node) -> Self {
        let limits = ShardLimits {
            flush_bytes: node.config.hub.flush_bytes,
            catch_up_bytes: node.config.subscriber.catch_up_bytes,
            max_pending_bytes: node.config.subscriber.max_pending_bytes,
        };
        let shard = Shard::new(
            Arc::clone(&node.tail.ring),
            Arc::clone(&node.desk),
            Arc::clone(&node.tail.window),
            limits,
            node.metrics.clone(),
        )
        .compressing_with(node.compression.clone());
        let shard = Rc::new(RefCell::new(shard));
        let hub = RefCell::new(start_hub(&node, &shard));
        Arc::clone(&node.stalls).start(node.ending.over.clone());
        Self { node, shard, hub }
    }

    /// The node this worker belongs to.
    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    /// The subscribers of this thread.
    pub(crate) fn shard(&self) -> &SharedShard {
        &self.shard
    }

    /// Adds a subscriber; returns its bytes and what resolves when they end.
    pub(crate) fn join(
        &self,
        options: SubscriberOptions,
        start: Start,
    ) -> (Feed, oneshot::Receiver<()>) {
        self.revive_hub();
        let member = if options.require_hello {
            self.shard
                .borrow_mut()
                .join_waiting(options.encoding, start)
        } else {
            self.shard
                .borrow_mut()
                .join(options.filter, options.encoding, start)
        };
        if !start.is_in(self.node.tail.ring.head()) {
            // The log was replaced after the start was found, and the hub has sent away who was there then.
            member.outbox().close(CloseReason::LogReplaced);
        }
        if self.node.ending.draining.is_cancelled() {
            // The hub sends away who was there when it began.
            member.outbox().close(CloseReason::Draining);
        }
        let metrics = self.node.metrics.clone();
        Feed::new(Rc::clone(&self.shard), member, metrics)
    }

    /// A hub that a defect has ended has sent its members away; a new one starts with a clean shard.
    fn revive_hub(&self) {
        if !self.hub.borrow().connected() && !self.node.ending.draining.is_cancelled() {
            self.hub.replace(start_hub(&self.node, &self.shard));
        }
    }
}

fn start_hub(node: &Node, shard: &SharedShard) -> Addr<Hub> {
    let hub = Hub::start(
        Rc::clone(shard),
        node.tail.ring.watch(),
        node.config.hub.flush_floor,
        Draining {
            begins: node.ending.draining.clone(),
            spread: node.config.drain.spread,
        },
        node.metrics.clone(),
    );
    #[cfg(feature = "fault-injection")]
    node.hubs.lock().push(hub.clone());
    hub
}
