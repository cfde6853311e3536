//! Injects one fault, and reports whether it took effect.

use std::time::Duration;

use anyhow::Result;
use fanjet_testkit::{Link, LinkState};
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::plan::{Blow, Fault, Line, Step, Trouble, Victim};
use super::testbed::Testbed;
use crate::service::Service;

const DELAY: Duration = Duration::from_millis(40);

/// Returns when everything is repaired. `false`: no bytes used the link meanwhile, or the folder was empty.
pub(super) async fn inject(testbed: &Testbed, step: &Step) -> Result<bool> {
    let (which, lasts) = (step.which, step.lasts);
    match step.fault {
        Fault::Process(Victim::Simulator, _) => {
            let simulator = testbed.simulator.lock().await;
            simulator.freeze().await?;
            sleep(lasts).await;
            simulator.thaw()?;
        }
        Fault::Process(Victim::Ingest, blow) => {
            let mut ingest = testbed.ingests[which % testbed.ingests.len()].lock().await;
            strike_service(&mut ingest, blow, lasts).await?;
        }
        Fault::Process(Victim::Labels, blow) => {
            let mut labels = testbed.labels[which % testbed.labels.len()].lock().await;
            strike_service(&mut labels, blow, lasts).await?;
        }
        Fault::Process(Victim::Edge, blow) => {
            let mut edge = testbed.edges[which % testbed.edges.len()].lock().await;
            strike_service(&mut edge, blow, lasts).await?;
        }
        Fault::Process(Victim::Nats, blow) => strike_server(testbed, which, blow, lasts).await?,
        Fault::Tier(damage) => return testbed.tiers.damage(which, damage),
        Fault::Line(line, trouble) => {
            let lines = &testbed.lines;
            let links = match line {
                Line::IngestToSimulator => &lines.ingests_to_simulator,
                Line::IngestToNats => &lines.ingest_to_nats[which % lines.ingest_to_nats.len()],
                Line::LabelsToLabelers => &lines.labels_to_labelers,
                Line::LabelsToNats => &lines.labels_to_nats[which % lines.labels_to_nats.len()],
                Line::EdgeToNats => &lines.edge_to_nats[which % lines.edge_to_nats.len()],
                Line::ClientsToEdge => &lines.clients_to_edge[which % lines.clients_to_edge.len()],
            };
            return Ok(strike_line(links, trouble, lasts).await);
        }
    }
    Ok(true)
}

/// Starts it again after `lasts`.
async fn strike_service(service: &mut Service, blow: Blow, lasts: Duration) -> Result<()> {
    service.check()?;
    if blow == Blow::Freeze {
        service.process()?.freeze().await?;
        sleep(lasts).await;
        return service.process()?.thaw();
    }
    let ended = match blow {
        Blow::Kill => service.kill().await,
        _ => service.stop().await,
    };
    sleep(lasts).await;
    service.restart()?;
    ended
}

async fn strike_server(testbed: &Testbed, which: usize, blow: Blow, lasts: Duration) -> Result<()> {
    let mut servers = testbed.nats.lock().await;
    let index = which % servers.len();
    let server = &mut servers[index];
    if blow == Blow::Freeze {
        server.freeze().await?;
        sleep(lasts).await;
        return server.thaw();
    }
    let name = server.name();
    let mut said = vec![format!("=== {name}, then {blow:?}")];
    said.extend(server.process().iter().flat_map(|process| process.lines()));
    testbed.servers_said.lock().await.extend(said);
    match blow {
        Blow::Kill => server.kill().await?,
        _ => server.stop().await?,
    }
    sleep(lasts).await;
    server.restart().await
}

async fn strike_line(links: &Mutex<Vec<Link>>, trouble: Trouble, lasts: Duration) -> bool {
    let links = links.lock().await;
    let injected = || links.iter().map(Link::injected).sum::<u64>();
    let before = injected();
    let state = match trouble {
        Trouble::Cut => LinkState::Cut,
        Trouble::Blackhole => LinkState::Dead,
        Trouble::Delay => LinkState::Slow(DELAY),
    };
    links.iter().for_each(|link| link.set(state));
    sleep(lasts).await;
    links.iter().for_each(|link| link.set(LinkState::Open));
    injected() > before
}
