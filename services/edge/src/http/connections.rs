//! TCP connections of any kind: limits them per address, and counts those without a request.
//!
//! A connection costs a file descriptor and a slot of the server's accept limit long before it becomes a subscriber.

use std::cell::OnceCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::HttpRequest;
use fanjet_http::Gate;
use hashbrown::HashMap;
use ipnet::IpNet;
use parking_lot::Mutex;

use super::descriptors::Descriptors;
use crate::config::HttpConfig;
use crate::limits::{counted_as, unless_zero};
use crate::metrics::Metrics;
use crate::sockets::{Socket, WatchedSocket};

/// Why a connection was closed early; labels of a metric.
const TOO_MANY: &str = "address_full";
/// The limit on open files leaves no room for another one.
const NODE_FULL: &str = "node_full";
const NO_REQUEST: &str = "no_request";
/// The client sent too many bytes after its request.
const OVERRUN: &str = "overrun";
#[cfg(test)]
pub(crate) const REFUSED_CONNECTION_REASONS: [&str; 4] = [TOO_MANY, NODE_FULL, NO_REQUEST, OVERRUN];

/// The connections of all workers, by address.
#[derive(Debug)]
pub(crate) struct Connections {
    max: usize,
    max_per_address: usize,
    /// Their connections belong to many clients.
    trusted_proxies: Vec<IpNet>,
    open: Mutex<Open>,
    metrics: Metrics,
}

/// The open connections.
#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One connection; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Connection {
    all: Arc<Connections>,
    /// The address that it counts for, if it is counted.
    address: Option<IpAddr>,
    /// The gate of its request, when one was received.
    gate: OnceCell<Rc<Gate>>,
}

impl Connections {
    pub(crate) fn new(config: &HttpConfig, descriptors: Descriptors, metrics: Metrics) -> Self {
        Self {
            max: descriptors.max_connections(),
            max_per_address: unless_zero(config.max_connections_per_address),
            trusted_proxies: config.trusted_proxies.clone(),
            open: Mutex::default(),
            metrics,
        }
    }

    /// Accepts a connection; `None` when the node or its address has reached its limit.
    pub(crate) fn accept(self: &Arc<Self>, peer: Option<IpAddr>) -> Option<Connection> {
        let address = peer
            .map(|peer| peer.to_canonical())
            .filter(|peer| !self.trusted_proxies.iter().any(|net| net.contains(peer)))
            .map(counted_as);
        if let Err(reason) = self
            .open
            .lock()
            .take(address, self.max, self.max_per_address)
        {
            self.metrics.connection_refused(reason);
            return None;
        }
        Some(Connection {
            all: Arc::clone(self),
            address,
            gate: OnceCell::new(),
        })
    }
}

impl Open {
    fn take(
        &mut self,
        address: Option<IpAddr>,
        max: usize,
        max_per_address: usize,
    ) -> Result<(), &'static str> {
        if self.all >= max {
            return Err(NODE_FULL);
        }
        if let Some(address) = address {
            let here = self.by_address.entry(address).or_default();
            if *here >= max_per_address {
                return Err(TOO_MANY);
            }
            *here += 1;
        }
        self.all += 1;
        Ok(())
    }

    fn give_back(&mut self, address: Option<IpAddr>) {
        self.all -= 1;
        let Some(address) = address else { return };
        if let Some(here) = self.by_address.get_mut(&address) {
            *here -= 1;
            if *here == 0 {
                self.by_address.remove(&address);
            }
        }
    }
}

/// The state of a connection that outlives the parts that serve it.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) connection: Connection,
    /// `None`: the connection is not watched.
    pub(super) watched: Option<WatchedSocket>,
}

/// Notes that a request arrived on its connection.
pub(super) fn note_request(request: &HttpRequest) {
    let accepted = request.conn_data::<Rc<Accepted>>();
    if let (Some(accepted), Some(gate)) = (accepted, gate_of(request)) {
        accepted.connection.gate.get_or_init(|| gate);
    }
}

/// The socket of a request.
pub(super) fn socket_of(request: &HttpRequest) -> Option<Arc<Socket>> {
    let accepted = request.conn_data::<Rc<Accepted>>()?;
    accepted.watched.as_ref().map(WatchedSocket::socket)
}

/// The gate that limits how much more is read from the connection of a request.
pub(super) fn gate_of(request: &HttpRequest) -> Option<Rc<Gate>> {
    request.conn_data::<Rc<Gate>>().cloned()
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.open.lock().give_back(self.address);
        match self.gate.get() {
            None => self.all.metrics.connection_refused(NO_REQUEST),
            Some(gate) if gate.is_overrun() => self.all.metrics.connection_refused(OVERRUN),
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry_sdk::metrics::SdkMeterProvider;

    use super::*;

    fn connections(allowed: u64) -> Arc<Connections> {
        let config = HttpConfig {
            max_connections_per_address: 2,
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            ..HttpConfig::default()
        };
        let metrics = Metrics::new(&SdkMeterProvider::default().meter("test"));
        Arc::new(Connections::new(
            &config,
            Descriptors::limited_to(allowed),
            metrics,
        ))
    }

    #[test]
    fn connections_per_address_are_limited() {
        let connections = connections(20_000);
        let accept = |address: &str| connections.accept(Some(address.parse().unwrap()));
        let first = accept("192.0.2.1").unwrap();
        let _second = accept("::ffff:192.0.2.1").unwrap();
        assert!(accept("192.0.2.1").is_none());
        let _another = accept("192.0.2.2").unwrap();
        drop(first);
        assert!(accept("192.0.2.1").is_some());
        assert_eq!(connections.open.lock().by_address.len(), 2);
    }

    #[test]
    fn trusted_proxies_are_not_limited() {
        let connections = connections(20_000);
        let proxy = Some("10.1.2.3".parse().unwrap());
        let held: Vec<_> = (0..10).map(|_| connections.accept(proxy)).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(connections.open.lock().by_address.is_empty());
    }

    #[test]
    fn connections_beyond_the_descriptors_are_closed() {
        let connections = connections(40);
        let accept = |last: u8| connections.accept(Some([192, 0, 2, last].into()));
        let mut held: Vec<_> = (0..15).map(accept).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(accept(15).is_none());
        held.pop();
        assert!(accept(15).is_some());
    }
}
