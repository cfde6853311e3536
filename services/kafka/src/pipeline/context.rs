//! What outlives a session: the settings, the log, the instruments, and the state behind readiness.

use std::collections::HashSet;
use std::sync::Arc;

use fanjet_log::{Bookmarks, EventLog, Seq};
use fanjet_runtime::Clock;

use super::bookmark::BookmarkKeeper;
use super::progress::Progress;
use super::rules::Rules;
use crate::KafkaError;
use crate::config::{Delivery, KafkaConfig};
use crate::enrich::Enricher;
use crate::metrics::{Metrics, Tally};

/// What sessions work with.
pub(super) struct Context {
    pub(super) config: Arc<KafkaConfig>,
    pub(super) host: String,
    pub(super) log: Arc<dyn EventLog>,
    pub(super) bookmarks: Arc<BookmarkKeeper>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Metrics,
    pub(super) progress: Arc<Progress>,
    pub(super) rules: Arc<Rules>,
    pub(super) enricher: Option<Arc<Enricher>>,
    pub(super) tally: Tally,
    pub(super) refused: HashSet<Seq>,
}

impl Context {
    pub(super) fn new(
        config: Arc<KafkaConfig>,
        host: String,
        (log, bookmarks): (Arc<dyn EventLog>, Arc<dyn Bookmarks>),
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Result<Self, KafkaError> {
        let rules = Rules::new(&config)?;
        let enricher = match config.enrich.enabled {
            true => Some(Enricher::new(&config.enrich, &metrics)?),
            false => None,
        };
        Ok(Self {
            enricher: enricher.map(Arc::new),
            bookmarks: Arc::new(BookmarkKeeper::new(&config, bookmarks)),
            config,
            host,
            log,
            clock,
            metrics,
            progress: Arc::default(),
            rules: Arc::new(rules),
            tally: Tally::default(),
            refused: HashSet::new(),
        })
    }

    pub(super) fn is_transactional(&self) -> bool {
        self.config.delivery == Delivery::ExactlyOnce
    }
}
