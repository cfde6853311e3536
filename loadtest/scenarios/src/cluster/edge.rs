//! One edge as a process: it can be stopped or killed, and started again on the port that its clients know.

use anyhow::{Context, Result, ensure};
use fanjet_testkit::Process;
use fanjet_tools::programs::Profile;

use crate::service::{PATIENCE, get, listening, printed, program, set, wait_until_ready};

const LISTEN: &str = "http.listen";

/// An edge. Dropping kills it.
pub(crate) struct Edge {
    process: Option<Process>,
    /// `ws://host:port`, the same in every life of the process.
    pub(crate) url: String,
    /// `host:port` of its ops server, the same in every life, too.
    pub(crate) ops: String,
    profile: Profile,
    settings: Vec<(String, String)>,
}

impl Edge {
    /// Starts one and waits until it is ready for traffic.
    pub(crate) async fn start(profile: Profile, settings: &[(&str, &str)]) -> Result<Self> {
        let address = settings.iter().find(|(key, _)| *key == LISTEN);
        let address = address.map_or("127.0.0.1:0", |(_, address)| *address);
        let settings = settings
            .iter()
            .filter(|(key, _)| *key != LISTEN)
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let mut edge = Self {
            process: None,
            url: String::new(),
            ops: "127.0.0.1:0".to_owned(),
            profile,
            settings,
        };
        edge.launch(address).await?;
        Ok(edge)
    }

    /// The process.
    pub(crate) fn process(&self) -> Result<&Process> {
        self.process.as_ref().context("the edge does not run")
    }

    /// Stops it as an operator would (SIGTERM).
    pub(crate) async fn stop(&mut self) -> Result<()> {
        let process = self.process.take().context("the edge does not run")?;
        let status = process.stop(PATIENCE).await?;
        ensure!(
            status.success(),
            "the edge ended with {status}:\n{}",
            process.lines().join("\n")
        );
        Ok(())
    }

    /// Kills it (SIGKILL): no client hears a word.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        let process = self.process.take().context("the edge does not run")?;
        process.kill().await?;
        Ok(())
    }

    /// Starts it again on the same port.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        ensure!(self.process.is_none(), "the edge still runs");
        let address = self.url.trim_start_matches("ws://").to_owned();
        self.launch(&address).await
    }

    /// The value of a metric, of the series with this label if one is named; 0 when there is none yet.
    pub(crate) async fn metric(&self, name: &str, label: &str) -> Result<f64> {
        let metrics = get(&self.ops, "/metrics").await?;
        let series = metrics.lines().filter(|line| line.starts_with(name));
        let mut series = series.filter(|line| line.contains(label));
        let value = series.find_map(|line| line.rsplit_once(' ')?.1.parse().ok());
        Ok(value.unwrap_or(0.0))
    }

    async fn launch(&mut self, address: &str) -> Result<()> {
        let mut program = program(self.profile, "fanjet-edge")
            .args(set(LISTEN, address))
            .args(set("ops.listen", &self.ops));
        for (key, value) in &self.settings {
            program = program.args(set(key, value));
        }
        let process = program.start()?;
        self.url = listening(&process).await?;
        self.ops = printed(&process, "ops http://").await?;
        wait_until_ready(&process).await?;
        self.process = Some(process);
        Ok(())
    }
}
