//! The chart's NATS configuration on real servers: they form a cluster, a server with invented passwords does not join it, and
//! one with new passwords of users does (docs/operate/changes.md).

mod settings;
mod process;

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::render::Rendered;
use process::until;

pub(super) use process::{Passwords, Ports, Server, free_ports};
pub(super) use settings::Settings;

/// The shape with several servers.
const SHAPE: &str = "default-values";
const SERVERS: usize = 3;
/// The passwords of the first servers.
const CHOSEN: &str = "chosen";
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
    let guarded = std::mem::replace(&mut settings.conf, unguarded);
    ensure!(
        intruder_joins(&settings)?,
        "without its guard a server could not join either"
    );
    settings.conf = guarded;
    rotates(&settings)?;
    println!("chart: {SERVERS} NATS servers form a cluster, a stranger does not join");
    Ok(())
}

/// Passwords of users change one server at a time: it joins the others, and takes the new ones only, they the old ones.
fn rotates(settings: &Settings) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut servers, ports) = cluster(settings, folder.path())?;
    let last = SERVERS - 1;
    drop(servers.pop());
    let passwords = Passwords {
        users: "rotated",
        routes: CHOSEN,
    };
    let at = folder.path().join(last.to_string());
    servers.push(Server::start(settings, &at, last, &ports, passwords)?);
    find_each_other(&servers)?;
    for (number, server) in servers.iter().enumerate() {
        let is_new = number == last;
        for (secret, is_theirs) in [("rotated", is_new), (CHOSEN, !is_new)] {
            ensure!(
                server.admits("edge", secret)? == is_theirs,
                "server {number} takes the passwords {secret}: {}",
                !is_theirs
            );
        }
    }
    Ok(())
}

fn find_each_other(servers: &[Server]) -> Result<()> {
    until("the servers find each other", || {
        for server in servers {
            if joined(server)?.len() < SERVERS - 1 {
                return Ok(false);
            }
        }
        Ok(true)
    })
}

/// Servers that have found each other, and the ports of one more.
fn cluster(settings: &Settings, folder: &Path) -> Result<(Vec<Server>, Vec<Ports>)> {
    let ports = (0..=SERVERS)
        .map(|_| free_ports())
        .collect::<Result<Vec<_>>>()?;
    let servers = (0..SERVERS).map(|number| {
        let folder = folder.join(number.to_string());
        Server::start(settings, &folder, number, &ports, Passwords::all(CHOSEN))
    });
    let servers = servers.collect::<Result<Vec<_>>>()?;
    find_each_other(&servers)?;
    Ok((servers, ports))
}

fn intruder_joins(settings: &Settings) -> Result<bool> {
    let folder = tempfile::tempdir()?;
    let (servers, ports) = cluster(settings, folder.path())?;
    let at = folder.path().join(SERVERS.to_string());
    let passwords = Passwords::all("invented");
    let intruder = Server::start(settings, &at, SERVERS, &ports, passwords)?;
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
