//! Peers that occupy a port.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::testbed::PATIENCE;
use super::trial::Trial;
use crate::service::Launch;

/// More than the port's limit.
const HOLDERS: u64 = 300;
const POLL: Duration = Duration::from_millis(20);

/// Connections that occupy the ops port, and reconnect when they are closed.
pub(super) async fn ops_held(trial: &mut Trial) -> Result<()> {
    let data = trial.testbed.folder().join("data");
    trial.testbed.serve(&data, &Launch::default(), &[]).await?;
    trial.inject().await?;
    let made = Arc::<AtomicU64>::default();
    let mut holders = JoinSet::new();
    for number in 0..HOLDERS {
        let ops = trial.testbed.service("serve")?.ops.clone();
        // One holder: ends when all are dropped.
        holders.spawn(hold(ops, number % 2 == 0, Arc::clone(&made)));
    }
    let all = async {
        while made.load(Ordering::SeqCst) < HOLDERS {
            sleep(POLL).await;
        }
    };
    let all = timeout(PATIENCE, all).await;
    ensure!(all.is_ok(), "failed to open all connections");
    trial.evidence(format!("{HOLDERS} connections are open"));
    trial.meanwhile().await?;
    // As a container's probe does: with its own program and settings.
    let check = trial.testbed.service("serve")?.program();
    let checked = check.arg("--healthcheck=live").start()?;
    let checked = checked.wait(PATIENCE).await?;
    ensure!(checked.success(), "--healthcheck=live ended with {checked}");
    drop(holders);
    trial.afterwards().await
}

/// Half of the holders have had a response and stay, the others send an incomplete request.
async fn hold(ops: String, is_polite: bool, made: Arc<AtomicU64>) {
    let end = if is_polite { "\r\n" } else { "" };
    let question = format!("GET /livez HTTP/1.1\r\nHost: {ops}\r\n{end}");
    loop {
        if let Ok(mut stream) = TcpStream::connect(&ops).await
            && stream.write_all(question.as_bytes()).await.is_ok()
        {
            made.fetch_add(1, Ordering::SeqCst);
            let mut answer = [0; 1024];
            while matches!(stream.read(&mut answer).await, Ok(read) if read > 0) {}
        }
        sleep(POLL).await;
    }
}
