//! A proxy to the upstream: to the simulator, or to a hostile server under the same address.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// What a hostile server sends after the handshake. It reads nothing.
#[derive(Debug, Clone)]
pub(super) struct Script {
    /// Sent once.
    pub(super) once: Vec<u8>,
    /// Then sent again and again; empty: silence.
    pub(super) again: Vec<u8>,
}

/// What the proxy does.
#[derive(Debug, Clone)]
enum Host {
    Simulator,
    Closed,
    Hostile(Arc<Script>),
}

/// What hostile servers have done so far.
#[derive(Debug, Default)]
struct Damage {
    /// Completed handshakes.
    connections: AtomicU64,
    /// Bytes that the program, or its kernel, has accepted.
    bytes: AtomicU64,
    /// Connections that were closed immediately.
    refused: AtomicU64,
}

/// A local port. Dropping it closes its connections.
pub(super) struct UpstreamProxy {
    port: u16,
    host: watch::Sender<Host>,
    damage: Arc<Damage>,
    _tasks: JoinSet<()>,
}

impl UpstreamProxy {
    /// Listens, and forwards to the simulator's port.
    pub(super) async fn start(simulator: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let host = watch::Sender::new(Host::Simulator);
        let damage = Arc::<Damage>::default();
        let mut tasks = JoinSet::new();
        // The accept loop: ends with the proxy.
        tasks.spawn(accept(listener, simulator, host.clone(), damage.clone()));
        Ok(Self {
            port,
            host,
            damage,
            _tasks: tasks,
        })
    }

    pub(super) fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// Closes existing connections; new ones meet the script.
    pub(super) fn turn_hostile(&self, script: Script) {
        self.host.send_replace(Host::Hostile(Arc::new(script)));
    }

    /// Closes existing and new connections.
    pub(super) fn close(&self) {
        self.host.send_replace(Host::Closed);
    }

    /// Closes existing connections, and forwards to the simulator again.
    pub(super) fn open(&self) {
        self.host.send_replace(Host::Simulator);
    }

    /// Handshakes of a hostile server.
    pub(super) fn connections(&self) -> u64 {
        self.damage.connections.load(Ordering::SeqCst)
    }

    /// Bytes that a hostile server has sent.
    pub(super) fn bytes(&self) -> u64 {
        self.damage.bytes.load(Ordering::SeqCst)
    }

    /// Connections that were closed immediately.
    pub(super) fn refused(&self) -> u64 {
        self.damage.refused.load(Ordering::SeqCst)
    }
}

async fn accept(
    listener: TcpListener,
    simulator: u16,
    host: watch::Sender<Host>,
    damage: Arc<Damage>,
) {
    let mut lines = JoinSet::new();
    loop {
        let near = tokio::select! {
            near = listener.accept() => near,
            Some(_ended) = lines.join_next() => continue,
        };
        let Ok((near, _)) = near else { continue };
        let (mut changes, damage) = (host.subscribe(), Arc::clone(&damage));
        let host = changes.borrow_and_update().clone();
        // One connection: ends by itself, or when the host changes.
        lines.spawn(async move {
            tokio::select! {
                () = answer(near, simulator, host, &damage) => {}
                _ = changes.changed() => {}
            }
        });
    }
}

async fn answer(mut near: TcpStream, simulator: u16, host: Host, damage: &Damage) {
    match host {
        Host::Simulator => {
            if let Ok(mut far) = TcpStream::connect(("127.0.0.1", simulator)).await {
                // One side has closed: the other one detects it.
                drop(copy_bidirectional(&mut near, &mut far).await);
            }
        }
        Host::Closed => drop(damage.refused.fetch_add(1, Ordering::SeqCst)),
        Host::Hostile(script) => {
            // The program has disconnected: it reconnects.
            drop(play(near, &script, damage).await);
        }
    }
}

async fn play(mut near: TcpStream, script: &Script, damage: &Damage) -> Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(near.read_u8().await?);
    }
    near.write_all(accepted(&head)?.as_bytes()).await?;
    damage.connections.fetch_add(1, Ordering::SeqCst);
    let mut send = async |bytes: &[u8]| {
        near.write_all(bytes).await?;
        let sent = bytes.len() as u64;
        damage.bytes.fetch_add(sent, Ordering::SeqCst);
        anyhow::Ok(())
    };
    send(&script.once).await?;
    while !script.again.is_empty() {
        send(&script.again).await?;
    }
    std::future::pending().await
}

/// The response to a WebSocket handshake.
fn accepted(head: &[u8]) -> Result<String> {
    let head = std::str::from_utf8(head)?;
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("sec-websocket-key")
            .then_some(value)
    });
    let key = derive_accept_key(key.context("no WebSocket handshake")?.as_bytes());
    Ok(format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {key}\r\n\r\n"
    ))
}
