//! State shared by all subscribers of a node.

use std::sync::Arc;
use std::time::Duration;

use super::inbound::InboundLimits;
use super::max_age::MaxAge;
use crate::config::EdgeConfig;
use crate::tail::Pool;

/// One per node.
#[derive(Debug)]
pub(crate) struct SubscriberContext {
    pub(crate) timeouts: Timeouts,
    pub(crate) pool: Arc<Pool>,
    pub(crate) inbound: InboundLimits,
    pub(crate) max_age: MaxAge,
}

/// The timeouts of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    pub(crate) ping_interval: Duration,
    pub(crate) pong_timeout: Duration,
    pub(crate) hello_timeout: Duration,
    /// How long the client may take to answer a close frame.
    pub(crate) close_linger: Duration,
}

impl Timeouts {
    pub(crate) fn of(config: &EdgeConfig) -> Self {
        Self {
            ping_interval: config.subscriber.ping_interval,
            pong_timeout: config.subscriber.pong_timeout,
            hello_timeout: config.subscriber.hello_timeout,
            close_linger: config.http.close_linger,
        }
    }
}
