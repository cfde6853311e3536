//! What the readers and the writer of a term share.

use std::sync::Arc;

use fanjet_log::LabelsConfig;
use fanjet_runtime::Clock;

use super::endpoint::Endpoints;
use super::metrics::LabelsMetrics;
use crate::config::IngestConfig;
use crate::status::Status;

/// What the readers and the writer of a term share.
pub(super) struct LabelersContext {
    pub(super) config: IngestConfig,
    pub(super) labels: LabelsConfig,
    pub(super) endpoints: Endpoints,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: LabelsMetrics,
    pub(super) status: Status,
}
