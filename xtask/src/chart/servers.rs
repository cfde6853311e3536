//! The chart's NATS configuration on real servers: they form a cluster, and a server with invented passwords does not join it.

mod settings;
mod process;

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};

use super::render::Rendered;
use process::until;

pub(super) use process::{Ports, Server, free_ports};
pub(super) use settings::Settings;

/// The shape with several servers.
const SHAPE: &str = "default-values";
const SERVERS: usize = 3;
/// The line without which every server may join.
const GUARD: &str = "authorization { user: route";

/// # Errors
/// When the servers do not find each other, or another one finds them.
pub(super) fn check(rendered: &[Rendered]) -> Result<()> {
    let shape = rendered.iter().find(|it| it.shape == SHAPE);
    let shape = shape.with_context(|| format!("no shape {SHAPE}"))?;
    let mut settings = Settings::of(&shape.manifests)?;
    ensure!(
        !intruder_joins(&settings)?,
        "a server with invented passwords joined the chart's NATS servers"
    );
    // A check that finds nothing without the guard checks nothing.
    let lines = settings.conf.lines().filter(|line| !line.contains(GUARD));
    let unguarded = lines.collect::<Vec<_>>().join("\n");
    ensure!(unguarded != settings.conf, "nats.conf has no {GUARD:?}");
    settings.conf = unguarded;
    ensure!(
        intruder_joins(&settings)?,
        "without its guard a server could not join either"
    );
    println!("chart: {SERVERS} NATS servers form a cluster, a stranger does not join");
    Ok(())
}

fn intruder_joins(settings: &Settings) -> Result<bool> {
    let folder = tempfile::tempdir()?;
    let ports = (0..=SERVERS)
        .map(|_| free_ports())
        .collect::<Result<Vec<_>>>()?;
    let start = |number: usize, secret: &str| {
        let folder = folder.path().join(number.to_string());
        Server::start(settings, &folder, number, &ports, secret)
    };
    let servers = (0..SERVERS)
        .map(|number| start(number, "chosen"))
        .collect::<Result<Vec<_>>>()?;
    until("the servers find each other", || {
        for server in &servers {
            if joined(server)?.len() < SERVERS - 1 {
                return Ok(false);
            }
        }
        Ok(true)
    })?;
    let intruder = start(SERVERS, "invented")?;
    let mut has_joined = false;
    until("a stranger is refused, or joins", || {
        has_joined = !joined(&intruder)?.is_empty();
        let log = servers
            .iter()
            .map(Server::log)
            .collect::<Result<String>>()?;
        Ok(has_joined || log.contains("authentication error - User \"route\""))
    })?;
    for server in &servers {
        has_joined |= joined(server)?.len() > SERVERS - 1;
    }
    Ok(has_joined)
}

/// The servers that one is connected with.
fn joined(server: &Server) -> Result<BTreeSet<String>> {
    let routes: serde_json::Value = serde_json::from_str(&server.get("/routez")?)?;
    let routes = routes["routes"].as_array().cloned().unwrap_or_default();
    let names = routes.iter().filter_map(|it| it["remote_name"].as_str());
    Ok(names.map(str::to_owned).collect())
}
