//! A process that is started again and again under one name, and everything that it ever said.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fanjet_testkit::Process;
use fanjet_tools::programs::Profile;

use super::plan::Blow;
use crate::service::{PATIENCE, listening, program, set};

/// An ingest or an edge. Dropping kills it.
pub(super) struct Service {
    name: String,
    binary: &'static str,
    profile: Profile,
    settings: Vec<(String, String)>,
    process: Option<Process>,
    said: Vec<String>,
}

impl Service {
    pub(super) fn start(
        name: String,
        binary: &'static str,
        profile: Profile,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let settings = settings
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let mut service = Self {
            name,
            binary,
            profile,
            settings: settings.collect(),
            process: None,
            said: Vec::new(),
        };
        service.launch()?;
        Ok(service)
    }

    /// The port on which it serves clients, which it keeps from now on.
    pub(super) async fn keep_port(&mut self) -> Result<u16> {
        let url = listening(self.process()?).await?;
        let address = url.trim_start_matches("ws://").to_owned();
        let port = address.rsplit_once(':').context("no port")?.1.parse()?;
        self.settings.retain(|(key, _)| key != "http.listen");
        self.settings.push(("http.listen".to_owned(), address));
        Ok(port)
    }

    pub(super) fn process(&self) -> Result<&Process> {
        self.process
            .as_ref()
            .with_context(|| format!("{} does not run", self.name))
    }

    /// Strikes it, and has it up again after `lasts`.
    pub(super) async fn strike(&mut self, blow: Blow, lasts: Duration) -> Result<()> {
        self.check()?;
        if blow == Blow::Freeze {
            self.process()?.freeze().await?;
            tokio::time::sleep(lasts).await;
            return self.process()?.thaw();
        }
        let process = self.process.take().context("it does not run")?;
        let status = match blow {
            Blow::Kill => process.kill().await?,
            _ => process.stop(PATIENCE).await?,
        };
        let said = process.lines();
        // Until it has said something it may not even be able to hear the signal: then that ends it.
        let never_heard = said.is_empty();
        let is_in_order = blow == Blow::Kill || status.success() || never_heard;
        self.said.extend(said);
        self.said.push(format!("=== {blow:?}: {status}"));
        tokio::time::sleep(lasts).await;
        self.launch()?;
        ensure!(
            is_in_order,
            "{} was asked to stop and ended with {status}",
            self.name
        );
        Ok(())
    }

    /// That it has not ended by itself.
    ///
    /// # Errors
    /// How it ended.
    pub(super) fn check(&self) -> Result<()> {
        let status = self.process()?.exit_status();
        ensure!(
            status.is_none(),
            "{} ended by itself: {status:?}",
            self.name
        );
        Ok(())
    }

    /// Writes what it said in all its lives.
    pub(super) fn keep_log(&self, folder: &Path) -> Result<()> {
        let mut lines = self.said.clone();
        lines.extend(self.process.iter().flat_map(Process::lines));
        std::fs::write(
            folder.join(format!("{}.log", self.name)),
            lines.join("\n") + "\n",
        )?;
        Ok(())
    }

    fn launch(&mut self) -> Result<()> {
        let mut program = program(self.profile, self.binary);
        for (key, value) in &self.settings {
            program = program.args(set(key, value));
        }
        self.process = Some(program.start()?);
        Ok(())
    }
}
