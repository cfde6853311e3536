//! What requests are answered with.

use std::sync::Arc;

use fanjet_runtime::{Clock, Stop};

use super::admit::Entrance;
use crate::metrics::Metrics;
use crate::status::{Board, Cluster};
use crate::subscriber::SubscriberContext;

/// One per node, shared by its workers.
pub(crate) struct HttpContext {
    pub(crate) entrance: Entrance,
    pub(crate) subscribers: Arc<SubscriberContext>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) board: Arc<Board>,
    pub(crate) max_status_viewers: usize,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) metrics: Metrics,
    pub(crate) draining: Stop,
}
