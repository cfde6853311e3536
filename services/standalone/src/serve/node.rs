//! The services and what they share.

use std::net::SocketAddr;
use std::sync::Arc;

use fanjet_edge::{Edge, EdgeDeps, EdgeHandle};
use fanjet_ingest::{Candidacy, Ingest};
use fanjet_output::say;
use fanjet_runtime::{Stop, SystemClock};
use fanjet_service::{Failure, Process};
use fanjet_telemetry::Health;

use super::ServeSettings;
use super::open_log::Opened;
use super::producer::Producer;
use super::raw_log::raw_log;

/// Ingest and edge over one log, and a Kafka producer if there is one.
pub(crate) struct Node {
    ingest: Ingest,
    candidacy: Candidacy,
    edge: EdgeHandle,
    kafka: Option<Producer>,
}

impl Node {
    /// Starts to serve, and prints the address.
    ///
    /// # Errors
    /// An invalid setting, or an address that cannot be bound.
    pub(crate) fn start(
        settings: &ServeSettings,
        opened: Opened,
        process: &mut Process,
    ) -> Result<Self, Failure> {
        let Opened {
            logs,
            candidacy,
            notices,
            bookmarks,
            health,
        } = opened;
        let mut ingest = Ingest::new(
            settings.ingest.clone(),
            logs.ingest,
            Arc::new(SystemClock),
            &process.meter("fanjet-ingest"),
        )?
        .with_cluster_state(Arc::clone(&notices))
        .recording(Arc::clone(&bookmarks))
        .traced_by(process.tracer("fanjet-ingest"));
        let raw = raw_log(settings);
        if let Some(raw) = raw.clone() {
            ingest = ingest.with_raw_log(raw, &process.meter("fanjet-ingest"))?;
        }
        let kafka = Producer::of(settings, logs.kafka, bookmarks, process)?;
        let deps = EdgeDeps {
            log: logs.edge,
            cluster_state: notices,
            clock: Arc::new(SystemClock),
            instance: process.instance().to_owned(),
            tracer: process.tracer("fanjet-edge"),
        };
        let edge = Edge::start_with_raw(
            settings.edge.clone(),
            deps,
            raw,
            &process.meter("fanjet-edge"),
            process.stop(),
        )?;
        let health = match &kafka {
            Some(kafka) => Health::all([health, ingest.health(), edge.health(), kafka.health()]),
            None => Health::all([health, ingest.health(), edge.health()]),
        };
        process.serve_ops(&settings.ops, health)?;
        say(format_args!("listening {}", edge.url()));
        Ok(Self {
            ingest,
            candidacy,
            edge,
            kafka,
        })
    }

    /// Where clients connect.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.edge.addr()
    }

    /// Runs until `stop`. If one service fails, the others are stopped.
    ///
    /// # Errors
    /// The failure of the first service that failed.
    pub(crate) async fn run(self, stop: Stop) -> Result<(), Failure> {
        let ingested = async {
            let outcome = self.ingest.run(self.candidacy, stop.clone()).await;
            stop.cancel();
            outcome
        };
        let served = async {
            let outcome = self.edge.join().await;
            stop.cancel();
            outcome
        };
        let produced = async {
            let Some(kafka) = self.kafka else {
                return Ok(());
            };
            let outcome = kafka.run(stop.clone()).await;
            stop.cancel();
            outcome
        };
        let (ingested, served, produced) =
            tokio::join!(Box::pin(ingested), served, Box::pin(produced));
        ingested?;
        served?;
        produced
    }
}
