//! Connection slots of the ops port: a new connection always gets one.
//!
//! A probe takes milliseconds; no client has a reason to stay longer. So a full server closes an existing connection:
//! the oldest one of the address with the most connections. A client that holds all slots, or opens connections faster
//! than they end, locks no other client out, not even one at the same address. It must never wait for a client.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;

use opentelemetry::metrics::Counter;
use parking_lot::Mutex;
use socket2::SockRef;
use tracing::debug;

/// Open connections, the oldest first.
#[derive(Debug)]
pub(super) struct Slots {
    max: usize,
    open: Mutex<Open>,
    replaced: Counter<u64>,
}

#[derive(Debug, Default)]
struct Open {
    last_id: u64,
    connections: Vec<Connection>,
}

#[derive(Debug)]
struct Connection {
    id: u64,
    peer: IpAddr,
    /// A duplicate of the socket, used to close it.
    stream: TcpStream,
}

/// The slot of one connection; dropping it frees the slot.
#[derive(Debug)]
pub(super) struct ConnectionSlot {
    id: u64,
    slots: Arc<Slots>,
}

impl Slots {
    pub(super) fn new(max: usize, replaced: Counter<u64>) -> Self {
        Self {
            max,
            open: Mutex::default(),
            replaced,
        }
    }

    /// Assigns a slot to a connection.
    ///
    /// # Errors
    /// Errors of the system: a socket that cannot be duplicated could not be closed, and is rejected.
    pub(super) fn take(self: &Arc<Self>, stream: &impl AsFd) -> io::Result<ConnectionSlot> {
        let stream: TcpStream = SockRef::from(stream).try_clone()?.into();
        let peer = stream.peer_addr()?.ip().to_canonical();
        let mut open = self.open.lock();
        while open.connections.len() >= self.max {
            let peers: Vec<_> = open.connections.iter().map(|it| it.peer).collect();
            let Some(index) = dispensable(&peers) else {
                break;
            };
            open.connections.remove(index).end();
            self.replaced.add(1, &[]);
        }
        open.last_id += 1;
        let id = open.last_id;
        open.connections.push(Connection { id, peer, stream });
        drop(open);
        Ok(ConnectionSlot {
            id,
            slots: Arc::clone(self),
        })
    }
}

impl Connection {
    /// The server detects the end and drops the connection.
    fn end(self) {
        if let Err(error) = self.stream.shutdown(Shutdown::Both) {
            debug!(%error, "connection ended before its request");
        }
    }
}

/// The oldest connection of the address that has the most. `peers` are sorted by age.
fn dispensable(peers: &[IpAddr]) -> Option<usize> {
    let mut counts = HashMap::new();
    for peer in peers {
        *counts.entry(peer).or_insert(0) += 1;
    }
    let most = counts.values().max()?;
    peers.iter().position(|peer| counts.get(peer) == Some(most))
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let mut open = self.slots.open.lock();
        open.connections.retain(|it| it.id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_of_who_has_most_goes() {
        let peers = |last: &[u8]| -> Vec<IpAddr> {
            last.iter().map(|&it| [192, 0, 2, it].into()).collect()
        };
        for (open, gone) in [
            (&[][..], None),
            (&[1], Some(0)),
            (&[1, 2, 3], Some(0)),
            (&[1, 2, 2], Some(1)),
            (&[2, 1, 2, 1, 1], Some(1)),
            (&[3, 1, 2, 1, 2], Some(1)),
        ] {
            assert_eq!(dispensable(&peers(open)), gone, "{open:?}");
        }
    }
}
