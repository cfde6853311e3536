//! Connections to the ops port: few, and whoever comes gets one.
//!
//! A probe is over in milliseconds; what stays longer has no reason to. So a full server takes the place of a connection that is
//! there: of the address that has most of them the oldest. Somebody who holds as many as there are, or opens them faster than
//! they end, keeps nobody else out, not even from the same address. It must never wait for a client.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;

use opentelemetry::metrics::Counter;
use parking_lot::Mutex;
use socket2::SockRef;
use tracing::debug;

/// Who is connected, the oldest first.
#[derive(Debug)]
pub(super) struct Places {
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
    /// A handle of its own, with which it can be ended.
    stream: TcpStream,
}

/// The place of one connection; dropping it makes room.
#[derive(Debug)]
pub(super) struct Place {
    id: u64,
    places: Arc<Places>,
}

impl Places {
    pub(super) fn new(max: usize, replaced: Counter<u64>) -> Self {
        Self {
            max,
            open: Mutex::default(),
            replaced,
        }
    }

    /// A place for a connection.
    ///
    /// # Errors
    /// Those of the system: without a handle it could not be ended, and is not let in.
    pub(super) fn take(self: &Arc<Self>, stream: &impl AsFd) -> io::Result<Place> {
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
        Ok(Place {
            id,
            places: Arc::clone(self),
        })
    }
}

impl Connection {
    /// The server sees that it is over, and lets go of it.
    fn end(self) {
        if let Err(error) = self.stream.shutdown(Shutdown::Both) {
            debug!(%error, "a connection that ended by itself");
        }
    }
}

/// The oldest of those from the address that has most. `peers` are sorted by age.
fn dispensable(peers: &[IpAddr]) -> Option<usize> {
    let mut counts = HashMap::new();
    for peer in peers {
        *counts.entry(peer).or_insert(0) += 1;
    }
    let most = counts.values().max()?;
    peers.iter().position(|peer| counts.get(peer) == Some(most))
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.places.open.lock();
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
