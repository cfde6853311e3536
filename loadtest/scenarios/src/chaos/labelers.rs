//! Labelers of a run, in two of four runs, and the settings of what reads and serves them.

use std::sync::Arc;

use anyhow::{Context, Result};
use fanjet_simulator::{
    Labeler, LabelerConfig, Rate, Simulator, SimulatorConfig, SimulatorHandle, Source, WorldConfig,
};
use fanjet_testkit::Link;

const LABELERS: u8 = 3;

/// Whether a run has labels.
pub(super) fn has_labels(seed: u64) -> bool {
    (seed / 2).is_multiple_of(2)
}

/// The labelers of a run, and where their documents are.
pub(super) struct Labelers {
    directory: SimulatorHandle,
    pub(super) all: Arc<Vec<Labeler>>,
}

impl Labelers {
    /// They have sent nothing yet.
    pub(super) async fn start() -> Result<Self> {
        let directory = Simulator::start(SimulatorConfig {
            source: Source::World(WorldConfig {
                accounts: 1,
                ..WorldConfig::default()
            }),
            rate: Rate::PerSecond(1.0),
            limit: Some(1),
            wait_for_client: true,
            ..SimulatorConfig::default()
        })
        .await?;
        let mut all = Vec::new();
        for number in 0..LABELERS {
            let config = LabelerConfig::numbered(number);
            all.push(Labeler::start(config, directory.directory()).await?);
        }
        Ok(Self {
            directory,
            all: Arc::new(all),
        })
    }

    /// A link to each.
    pub(super) async fn links(&self) -> Result<Vec<Link>> {
        let mut links = Vec::new();
        for labeler in self.all.iter() {
            let url = labeler.url();
            let (_, port) = url.rsplit_once(':').context("no port")?;
            links.push(Link::start(port.parse()?).await?);
        }
        Ok(links)
    }

    /// The settings of an edge.
    pub(super) fn for_edges(&self) -> Vec<(&'static str, String)> {
        let names: Vec<_> = self.all.iter().map(|it| it.did().to_string()).collect();
        vec![
            ("labels.labelers", names.join(",")),
            ("labels.max_bytes", "1000000000".to_owned()),
            // Small, so that a client that was away reads the log.
            ("edge.labels.ring_bytes", "65536".to_owned()),
        ]
    }

    /// The settings of a process that reads the labelers over these links.
    pub(super) fn for_readers(&self, links: &[Link]) -> Vec<(&'static str, String)> {
        let labelers = self.all.iter().zip(links);
        let labelers: Vec<_> = labelers
            .map(|(labeler, link)| format!("{}=ws://127.0.0.1:{}", labeler.did(), link.port()))
            .collect();
        vec![
            ("labels.labelers", labelers.join(",")),
            ("labels.max_bytes", "1000000000".to_owned()),
            ("labels.verify", "enforce".to_owned()),
            ("ingest.verify.plc_url", self.directory.did_url()),
            ("ingest.lease.ttl", "3s".to_owned()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_with_labels_have_local_tiers_or_not() {
        assert_eq!(
            [0, 1, 2, 3, 4].map(has_labels),
            [true, true, false, false, true]
        );
    }
}
