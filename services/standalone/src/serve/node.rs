//! The services and what they share.

use std::net::SocketAddr;
use std::sync::Arc;

use fanjet_edge::{Edge, EdgeConfig, EdgeDeps, EdgeHandle, LabelsLog, OtherLogs};
use fanjet_ingest::{Candidacy, Ingest};
use fanjet_output::say;
use fanjet_runtime::{Stop, SystemClock};
use fanjet_service::{Failure, Process};
use fanjet_telemetry::Health;

use super::ServeSettings;
use super::labelers::Labelers;
use super::open_log::Opened;
use super::producer::Producer;
use super::raw_log::{labels_log, raw_log};

/// Ingest and edge over one log, and a Kafka producer if there is one.
pub(crate) struct Node {
    ingest: Ingest,
    candidacy: Candidacy,
    edge: EdgeHandle,
    kafka: Option<Producer>,
    labels: Option<Labelers>,
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
            embedded,
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
        let labels_log = labels_log(settings);
        let labels = Labelers::of(settings, labels_log.clone(), process)?;
        let kafka = Producer::of(settings, logs.kafka, bookmarks, process)?;
        let deps = EdgeDeps {
            log: logs.edge,
            cluster_state: notices,
            clock: Arc::new(SystemClock),
            instance: process.instance().to_owned(),
            tracer: process.tracer("fanjet-edge"),
        };
        let labels_log = labels_log.map(|log| LabelsLog::new(log, &settings.labels));
        let others = OtherLogs {
            raw,
            labels: labels_log,
        };
        let edge = Edge::start_with(
            edge_config(settings),
            deps,
            others,
            &process.meter("fanjet-edge"),
            process.stop(),
        )?;
        if let Some(log) = embedded
            && kafka.is_none()
        {
            log.prompt_while(edge.has_subscribers());
        }
        let others = [
            kafka.as_ref().map(Producer::health),
            labels.as_ref().map(Labelers::fact),
        ];
        let all = [health, ingest.health(), edge.health()].into_iter();
        let health = Health::all(all.chain(others.into_iter().flatten()));
        process.serve_ops(&settings.ops, health)?;
        say(format_args!("listening {}", edge.url()));
        Ok(Self {
            ingest,
            candidacy,
            edge,
            kafka,
            labels,
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
        let labelled = async {
            let Some(labels) = self.labels else {
                return Ok(());
            };
            let outcome = labels.run(stop.clone()).await;
            stop.cancel();
            outcome
        };
        let (ingested, served, produced, labelled) = tokio::join!(
            Box::pin(ingested),
            served,
            Box::pin(produced),
            Box::pin(labelled)
        );
        ingested?;
        served?;
        produced?;
        labelled
    }
}

/// The edge's settings. The relay that is read also answers over HTTP, unless another one is named.
fn edge_config(settings: &ServeSettings) -> EdgeConfig {
    let mut config = settings.edge.clone();
    if config.raw.upstream_http.is_empty() {
        let host = http_host(&settings.ingest.upstream.url);
        config.raw.upstream_http = host.unwrap_or_default();
    }
    config
}

/// Scheme and host of a stream, for HTTP.
fn http_host(stream: &str) -> Option<String> {
    let (scheme, rest) = stream.split_once("://")?;
    let scheme = match scheme {
        "ws" => "http",
        "wss" => "https",
        _ => return None,
    };
    let host = rest.split(['/', '?']).next()?;
    Some(format!("{scheme}://{host}")).filter(|_| !host.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_relays_http_is_where_its_stream_is() {
        for (stream, http) in [
            ("wss://relay.test", Some("https://relay.test")),
            (
                "ws://127.0.0.1:2470/xrpc?x=y",
                Some("http://127.0.0.1:2470"),
            ),
            ("wss://me:secret@relay.test", None),
            ("relay.test", None),
        ] {
            assert_eq!(http_host(stream).as_deref(), http, "{stream}");
        }
    }
}
