//! A real NATS server with JetStream, on a free port of the loopback, with its own store.

mod stranger;

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::process::{Process, Program};
use crate::shared::Shared;

pub use stranger::{Message, UNREADABLE_HEADS, UNREADABLE_SUBJECTS};

/// Startup takes tens of milliseconds; a busy machine and a big store take longer.
const START: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(30);

/// A server process. Dropping kills it and removes its store.
#[derive(Debug)]
pub struct NatsServer {
    process: Option<Process>,
    name: String,
    port: u16,
    extra_config: String,
    // After the process: the store is removed once the process has ended.
    folder: TempDir,
}

impl NatsServer {
    /// Starts a server and waits until it is ready.
    ///
    /// # Errors
    /// When no server is available ([`fanjet_tools::nats_server`]), or it does not become ready; with its log.
    pub async fn start() -> Result<Self> {
        Self::start_with("").await
    }

    /// As [`NatsServer::start`], with more lines for its configuration.
    ///
    /// # Errors
    /// As [`NatsServer::start`].
    pub async fn start_with(extra_config: &str) -> Result<Self> {
        Self::start_named("testkit", extra_config).await
    }

    /// Starts a cluster. A stream can have as many replicas as there are servers; before the first one can be created
    /// the servers must connect and elect a leader, which takes seconds.
    ///
    /// # Errors
    /// As [`NatsServer::start`].
    pub async fn start_cluster(count: usize) -> Result<Vec<Self>> {
        Self::start_cluster_with(count, "").await
    }

    /// As [`NatsServer::start_cluster`], with more settings for the section `cluster`.
    ///
    /// # Errors
    /// As [`NatsServer::start`].
    pub async fn start_cluster_with(count: usize, settings: &str) -> Result<Vec<Self>> {
        let ports = free_ports(count)?;
        let routes: Vec<_> = ports
            .iter()
            .map(|port| format!("\"nats://127.0.0.1:{port}\""))
            .collect();
        let routes = routes.join(", ");
        let mut servers = Vec::with_capacity(count);
        for (number, port) in ports.iter().enumerate() {
            let cluster = format!(
                "cluster {{ name: testkit, listen: \"127.0.0.1:{port}\", routes: [{routes}]\n{settings} }}"
            );
            servers.push(Self::start_named(&format!("testkit-{number}"), &cluster).await?);
        }
        Ok(servers)
    }

    async fn start_named(name: &str, extra_config: &str) -> Result<Self> {
        let mut server = Self {
            process: None,
            name: name.to_owned(),
            port: 0,
            extra_config: extra_config.to_owned(),
            folder: tempfile::tempdir().context("cannot create a folder for the store")?,
        };
        server.restart().await?;
        Ok(server)
    }

    /// One server for all tests of a binary that run at the same time: the last one that drops it stops it.
    ///
    /// # Errors
    /// As [`NatsServer::start`].
    pub async fn shared() -> Result<Arc<Self>> {
        static SHARED: Shared<NatsServer> = Shared::new();
        SHARED.get(Self::start).await
    }

    /// The URL for clients.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Its name in the cluster.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its folder; the store is below it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The configuration lines that it was started with.
    pub fn extra_config(&self) -> &str {
        &self.extra_config
    }

    /// The process, unless it was stopped or killed.
    pub fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }

    /// Kills it (SIGKILL) and keeps port and store.
    ///
    /// # Errors
    /// When the system cannot.
    pub async fn kill(&mut self) -> Result<()> {
        if let Some(process) = self.process.take() {
            process.kill().await?;
        }
        Ok(())
    }

    /// Stops it gracefully (SIGTERM).
    ///
    /// # Errors
    /// When it does not stop in time.
    pub async fn stop(&mut self) -> Result<()> {
        if let Some(process) = self.process.take() {
            process.stop(STOP).await?;
        }
        Ok(())
    }

    /// Starts it again on the same port and store, after stopping it if it runs.
    ///
    /// # Errors
    /// As [`NatsServer::start`].
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        let binary = tokio::task::spawn_blocking(fanjet_tools::nats_server).await??;
        let config = self.folder.path().join("nats.conf");
        std::fs::write(&config, self.config())?;
        let process = Program::new(binary)
            .arg("-c")
            .arg(config)
            .env("GOMEMLIMIT", "400MiB")
            .start()?;
        let listening = process
            .wait_for_line(|line| listening_port(line).is_some(), START)
            .await?;
        process
            .wait_for_line(|line| line.ends_with("Server is ready"), START)
            .await?;
        self.port = listening_port(&listening).context("the line has a port")?;
        self.process = Some(process);
        Ok(())
    }

    /// Starts it again with other configuration lines.
    ///
    /// # Errors
    /// As [`NatsServer::start`].
    pub async fn reconfigure(&mut self, extra_config: &str) -> Result<()> {
        self.extra_config = extra_config.to_owned();
        self.restart().await
    }

    /// Makes it reload other configuration lines while it runs (SIGHUP). It logs the result.
    ///
    /// # Errors
    /// When the system cannot, or it does not run.
    pub async fn reload(&mut self, extra_config: &str) -> Result<()> {
        self.extra_config = extra_config.to_owned();
        std::fs::write(self.folder.path().join("nats.conf"), self.config())?;
        let process = self.process().context("the server does not run")?;
        let said = process.line_count();
        process.reload()?;
        let reloaded = |line: &str| line.contains("Reloaded server configuration");
        process.wait_for_line_after(said, reloaded, START).await?;
        Ok(())
    }

    /// Freezes it (SIGSTOP): connections stay open, nothing responds.
    ///
    /// # Errors
    /// When the system cannot, or it does not run.
    pub async fn freeze(&self) -> Result<()> {
        let process = self.process().context("the server does not run")?;
        process.freeze().await
    }

    /// Resumes it after [`NatsServer::freeze`] (SIGCONT).
    ///
    /// # Errors
    /// When the system cannot, or it does not run.
    pub fn thaw(&self) -> Result<()> {
        self.process().context("the server does not run")?.thaw()
    }

    fn config(&self) -> String {
        // The server picks the port the first time (-1), then it is kept.
        let port = match self.port {
            0 => "-1".to_owned(),
            port => port.to_string(),
        };
        let store = self.folder.path().join("store");
        format!(
            "listen: \"127.0.0.1:{port}\"\n\
             server_name: {}\n\
             max_payload: 8MB\n\
             max_pending: 64MB\n\
             write_deadline: \"10s\"\n\
             jetstream {{ store_dir: {store:?}, max_mem: 256M, max_file: 20G }}\n\
             {}\n",
            self.name, self.extra_config
        )
    }
}

/// Ports that are free now. Another process could take one before it is used, which is unlikely.
pub(crate) fn free_ports(count: usize) -> Result<Vec<u16>> {
    // All are held until all are known, so that they differ.
    let listeners = (0..count)
        .map(|_| TcpListener::bind("127.0.0.1:0"))
        .collect::<std::io::Result<Vec<_>>>()?;
    let ports = listeners
        .iter()
        .map(|listener| Ok(listener.local_addr()?.port()));
    ports.collect()
}

fn listening_port(line: &str) -> Option<u16> {
    let (_, address) = line.split_once("Listening for client connections on ")?;
    address.rsplit_once(':')?.1.parse().ok()
}

#[cfg(test)]
mod tests;
