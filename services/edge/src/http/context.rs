//! The state that requests are served from.

use std::sync::Arc;

use fanjet_runtime::{Clock, Stop};

use super::admit::AdmitContext;
use super::dictionaries::ServedDictionaries;
use crate::metrics::Metrics;
use crate::status::{Cluster, StatusChannel};
use crate::subscriber::SubscriberContext;

/// One per node, shared by its workers.
pub(crate) struct HttpContext {
    pub(crate) admit_context: AdmitContext,
    pub(crate) subscribers: Arc<SubscriberContext>,
    pub(crate) dictionaries: ServedDictionaries,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) channel: Arc<StatusChannel>,
    pub(crate) max_status_viewers: usize,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) metrics: Metrics,
    pub(crate) draining: Stop,
}
