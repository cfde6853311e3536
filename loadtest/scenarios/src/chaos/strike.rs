//! Carries out one fault, and says whether it hit anything.

use std::time::Duration;

use anyhow::Result;
use fanjet_testkit::{Link, LinkState};
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::plan::{Blow, Fault, Line, Step, Trouble, Victim};
use super::stage::Stage;
use crate::service::Service;

const DELAY: Duration = Duration::from_millis(40);

/// Returns when everything is whole again. `false`: nothing passed over the line meanwhile.
pub(super) async fn strike(stage: &Stage, step: &Step) -> Result<bool> {
    let (which, lasts) = (step.which, step.lasts);
    match step.fault {
        Fault::Process(Victim::Simulator, _) => {
            let simulator = stage.simulator.lock().await;
            simulator.freeze().await?;
            sleep(lasts).await;
            simulator.thaw()?;
        }
        Fault::Process(Victim::Ingest, blow) => {
            let mut ingest = stage.ingests[which % stage.ingests.len()].lock().await;
            strike_service(&mut ingest, blow, lasts).await?;
        }
        Fault::Process(Victim::Edge, blow) => {
            let mut edge = stage.edges[which % stage.edges.len()].lock().await;
            strike_service(&mut edge, blow, lasts).await?;
        }
        Fault::Process(Victim::Nats, blow) => strike_server(stage, which, blow, lasts).await?,
        Fault::Line(line, trouble) => {
            let lines = &stage.lines;
            let links = match line {
                Line::IngestToSimulator => &lines.ingests_to_simulator,
                Line::IngestToNats => &lines.ingest_to_nats[which % lines.ingest_to_nats.len()],
                Line::EdgeToNats => &lines.edge_to_nats[which % lines.edge_to_nats.len()],
                Line::ClientsToEdge => &lines.clients_to_edge[which % lines.clients_to_edge.len()],
            };
            return Ok(strike_line(links, trouble, lasts).await);
        }
    }
    Ok(true)
}

/// Has it up again after `lasts`.
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

async fn strike_server(stage: &Stage, which: usize, blow: Blow, lasts: Duration) -> Result<()> {
    let mut servers = stage.nats.lock().await;
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
    stage.servers_said.lock().await.extend(said);
    match blow {
        Blow::Kill => server.kill().await?,
        _ => server.stop().await?,
    }
    sleep(lasts).await;
    server.restart().await
}

async fn strike_line(links: &Mutex<Vec<Link>>, trouble: Trouble, lasts: Duration) -> bool {
    let links = links.lock().await;
    let struck = || links.iter().map(Link::struck).sum::<u64>();
    let before = struck();
    let state = match trouble {
        Trouble::Cut => LinkState::Cut,
        Trouble::Blackhole => LinkState::Dead,
        Trouble::Delay => LinkState::Slow(DELAY),
    };
    links.iter().for_each(|link| link.set(state));
    sleep(lasts).await;
    links.iter().for_each(|link| link.set(LinkState::Open));
    struck() > before
}
