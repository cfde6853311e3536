//! Peers that hold a port.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::stage::PATIENCE;
use super::trial::Trial;
use crate::service::Launch;

/// More than the port takes.
const HOLDERS: u64 = 300;
const POLL: Duration = Duration::from_millis(20);

/// Connections that hold the operators' port, and come again when they are closed.
pub(super) async fn ops_held(trial: &mut Trial) -> Result<()> {
    let data = trial.stage.folder().join("data");
    trial.stage.serve(&data, &Launch::default(), &[]).await?;
    trial.strike().await?;
    let made = Arc::<AtomicU64>::default();
    let mut holders = JoinSet::new();
    for number in 0..HOLDERS {
        let ops = trial.stage.service("serve")?.ops.clone();
        // One holder: ends when they are dropped.
        holders.spawn(hold(ops, number % 2 == 0, Arc::clone(&made)));
    }
    let all = async {
        while made.load(Ordering::SeqCst) < HOLDERS {
            sleep(POLL).await;
        }
    };
    let all = timeout(PATIENCE, all).await;
    ensure!(all.is_ok(), "not all connections can be made");
    trial.evidence(format!("{HOLDERS} connections were made and are held"));
    trial.meanwhile().await?;
    // As a container's probe does: with its own program and settings.
    let check = trial.stage.service("serve")?.program();
    let checked = check.arg("--healthcheck=live").start()?;
    let checked = checked.wait(PATIENCE).await?;
    ensure!(checked.success(), "--healthcheck=live ended with {checked}");
    drop(holders);
    trial.afterwards().await
}

/// Half of the holders have had an answer and stay, the others do not end their question.
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
