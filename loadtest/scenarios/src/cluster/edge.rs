//! One edge as a process: it can be stopped or killed, and started again on the port that its clients know.

use anyhow::Result;
use fanjet_testkit::Process;
use fanjet_tools::programs::Profile;

use crate::service::{Service, get, wait_until_ready};

/// An edge. Dropping kills it.
pub(crate) struct Edge {
    service: Service,
    /// `ws://host:port`, the same in every life of the process.
    pub(crate) url: String,
    /// `host:port` of its ops server, the same in every life, too.
    pub(crate) ops: String,
}

impl Edge {
    /// Starts one on ports that are free, unless the settings name others, and waits until it is ready for traffic.
    pub(crate) async fn start(profile: Profile, settings: &[(&str, &str)]) -> Result<Self> {
        let mut all = settings.to_vec();
        for key in ["http.listen", "ops.listen"] {
            if settings.iter().all(|(named, _)| *named != key) {
                all.push((key, "127.0.0.1:0"));
            }
        }
        let mut service = Service::start("edge".to_owned(), "edge", profile, &all)?;
        let url = format!("ws://{}", service.keep("listening ", "http.listen").await?);
        let ops = service.keep("ops http://", "ops.listen").await?;
        wait_until_ready(service.process()?).await?;
        Ok(Self { service, url, ops })
    }

    /// The process.
    pub(crate) fn process(&self) -> Result<&Process> {
        self.service.process()
    }

    /// Stops it as an operator would (SIGTERM).
    pub(crate) async fn stop(&mut self) -> Result<()> {
        self.service.end(false).await
    }

    /// Kills it (SIGKILL): no client hears a word.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        self.service.end(true).await
    }

    /// Starts it again on the same port.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.service.launch()?;
        wait_until_ready(self.service.process()?).await
    }

    /// The value of a metric, of the series with this label if one is named; 0 when there is none yet.
    pub(crate) async fn metric(&self, name: &str, label: &str) -> Result<f64> {
        let metrics = get(&self.ops, "/metrics").await?;
        let series = metrics.lines().filter(|line| line.starts_with(name));
        let mut series = series.filter(|line| line.contains(label));
        let value = series.find_map(|line| line.rsplit_once(' ')?.1.parse().ok());
        Ok(value.unwrap_or(0.0))
    }
}
