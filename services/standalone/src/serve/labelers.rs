//! The labelers in this process, with the lease that decides which process reads them.

use std::sync::Arc;

use fanjet_ingest::{Candidacy, Labels, LeaseConfig};
use fanjet_log::RawLog;
use fanjet_log_nats::{NatsConfig, NatsLog};
use fanjet_runtime::{Clock, Stop, SystemClock};
use fanjet_service::{Failure, Process};
use fanjet_telemetry::Health;

use super::ServeSettings;
use super::settings::LogKind;

/// Reads the labelers, if there are any.
pub(crate) struct Labelers {
    service: Labels,
    instance: String,
    /// Where the lease is, unless this is the only writer.
    shared: Option<(NatsConfig, LeaseConfig)>,
}

impl Labelers {
    /// Those of the settings.
    ///
    /// # Errors
    /// An invalid setting.
    pub(crate) fn of(
        settings: &ServeSettings,
        log: Option<RawLog>,
        process: &Process,
    ) -> Result<Option<Self>, Failure> {
        let Some(log) = log else {
            return Ok(None);
        };
        let (ingest, labels) = (settings.ingest.clone(), settings.labels.clone());
        let is_shared = settings.log.kind == LogKind::Nats && ingest.lease.enabled;
        let shared = is_shared.then(|| {
            (
                settings.nats.of_labels(&labels),
                settings.ingest.lease.clone(),
            )
        });
        let meter = process.meter("fanjet-labels");
        Ok(Some(Self {
            service: Labels::new(ingest, labels, log, Arc::new(SystemClock), &meter)?,
            instance: process.instance().to_owned(),
            shared,
        }))
    }

    /// The state of their log, which does not decide whether the process is ready.
    pub(crate) fn fact(&self) -> Health {
        self.service.fact()
    }

    /// Runs until `stop`.
    ///
    /// # Errors
    /// Why it cannot continue.
    pub(crate) async fn run(self, stop: Stop) -> Result<(), Failure> {
        let candidacy = match &self.shared {
            None => Candidacy::alone(&self.instance)?,
            Some((nats, lease)) => {
                let connecting = NatsLog::connect_patiently(nats.clone(), || SystemClock.now_us());
                let log = tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    log = Box::pin(connecting) => log?,
                };
                Candidacy::shared(Arc::new(log.lease().await?), &self.instance, lease)?
            }
        };
        Ok(self.service.run(candidacy, stop).await?)
    }
}
