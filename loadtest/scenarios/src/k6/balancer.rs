//! HAProxy in front of the edges, configured as in production: it checks each edge's readiness, and routes new
//! connections to the one with the fewest.

use std::fmt::Write;
use std::time::Duration;

use anyhow::{Context, Result};
use fanjet_testkit::Process;
use fanjet_testkit::process::Program;
use tempfile::TempDir;

use super::tool;
use crate::http::get;
use crate::service::{Service, free_address};

const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// A running HAProxy. Dropping it kills it.
pub(super) struct Balancer {
    process: Process,
    address: String,
    statistics: String,
    _folder: TempDir,
}

impl Balancer {
    pub(super) async fn start(edges: &[Service]) -> Result<Self> {
        let (address, statistics) = (free_address()?, free_address()?);
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("haproxy.cfg");
        std::fs::write(&file, configuration(&address, &statistics, edges)?)?;
        let process = Program::new(tool::haproxy()?)
            .args(["-db", "-f"])
            .arg(file)
            .start()?;
        let balancer = Self {
            process,
            address,
            statistics,
            _folder: folder,
        };
        for edge in 0..edges.len() {
            balancer.wait_until_up(edge).await?;
        }
        Ok(balancer)
    }

    /// `host:port` for clients.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Waits until it routes clients to an edge.
    pub(super) async fn wait_until_up(&self, edge: usize) -> Result<()> {
        let line = format!("edges,edge{edge},");
        let up = async {
            loop {
                let (_, shown) = get(&self.statistics, "/;csv").await.unwrap_or_default();
                let mut lines = shown.lines().filter(|it| it.starts_with(&line));
                if lines.any(|it| it.split(',').any(|field| field == "UP")) {
                    return;
                }
                tokio::time::sleep(POLL).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, up).await;
        waited.with_context(|| {
            let said = self.process.lines().join("\n");
            format!("HAProxy does not report edge {edge} as up:\n{said}")
        })
    }
}

fn configuration(address: &str, statistics: &str, edges: &[Service]) -> Result<String> {
    let mut text = format!(
        "global
    maxconn 4000
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout tunnel 1h
    option forwardfor
    option redispatch
frontend clients
    bind {address}
    default_backend edges
frontend statistics
    bind {statistics}
    stats enable
    stats uri /
backend edges
    balance leastconn
    option httpchk
    http-check send meth GET uri /readyz
    default-server inter 500ms fall 2 rise 1
"
    );
    for (number, edge) in edges.iter().enumerate() {
        let address = edge.address()?;
        let (host, port) = edge.ops.rsplit_once(':').context("no port")?;
        writeln!(
            text,
            "    server edge{number} {address} check addr {host} port {port}"
        )?;
    }
    Ok(text)
}
