//! TCP connections of any kind: limits them per address, and counts those without a request.
//!
//! A connection costs a file descriptor and a slot of the server's accept limit long before it becomes a subscriber.

use std::cell::OnceCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::HttpRequest;
use fanjet_http::Gate;
use ipnet::IpNet;

use super::descriptors::Descriptors;
use crate::config::HttpConfig;
use crate::limits::{Full, Slot, Slots, counted_as};
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
    /// Their connections belong to many clients, and count for the node only.
    trusted_proxies: Vec<IpNet>,
    slots: Arc<Slots<IpAddr>>,
    metrics: Metrics,
}

/// One connection; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Connection {
    metrics: Metrics,
    _slot: Slot<IpAddr>,
    /// The gate of its request, when one was received.
    gate: OnceCell<Rc<Gate>>,
}

impl Connections {
    pub(crate) fn new(config: &HttpConfig, descriptors: Descriptors, metrics: Metrics) -> Self {
        Self {
            trusted_proxies: config.trusted_proxies.clone(),
            slots: Arc::new(Slots::new(
                descriptors.max_connections(),
                config.max_connections_per_address,
            )),
            metrics,
        }
    }

    /// Accepts a connection; `None` when the node or its address has reached its limit.
    pub(crate) fn accept(&self, peer: Option<IpAddr>) -> Option<Connection> {
        let address = peer
            .map(|peer| peer.to_canonical())
            .filter(|peer| !self.trusted_proxies.iter().any(|net| net.contains(peer)))
            .map(counted_as);
        match self.slots.take(address) {
            Ok(slot) => Some(Connection {
                metrics: self.metrics.clone(),
                _slot: slot,
                gate: OnceCell::new(),
            }),
            Err(full) => {
                self.metrics.connection_refused(match full {
                    Full::Node { .. } => NODE_FULL,
                    Full::Holder { .. } => TOO_MANY,
                });
                None
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
        match self.gate.get() {
            None => self.metrics.connection_refused(NO_REQUEST),
            Some(gate) if gate.is_overrun() => self.metrics.connection_refused(OVERRUN),
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
        assert_eq!(connections.slots.holders(), 2);
    }

    #[test]
    fn trusted_proxies_are_not_limited() {
        let connections = connections(20_000);
        let proxy = Some("10.1.2.3".parse().unwrap());
        let held: Vec<_> = (0..10).map(|_| connections.accept(proxy)).collect();
        assert!(held.iter().all(Option::is_some));
        assert_eq!(connections.slots.holders(), 0);
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
