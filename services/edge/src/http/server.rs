//! The HTTP server and its worker threads.

use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpServer, web};
use fanjet_actors::Stop;
use socket2::{SockRef, TcpKeepalive};
use tracing::{info, warn};

use super::events::{events, other_methods};
use super::filters::store_filter;
use super::front_page::front_page;
use super::status::{status, status_collections, status_live};
use super::subscribe::subscribe;
use crate::EdgeError;
use crate::edge::Node;
use crate::hub::Worker;

/// Connections per worker above the subscribers, so that a full node can still say that it is full.
const SPARE_CONNECTIONS: usize = 256;

/// A bound server that has not begun to accept.
pub(crate) struct Server {
    server: actix_web::dev::Server,
    addr: SocketAddr,
}

impl Server {
    /// Listens.
    ///
    /// # Errors
    /// [`EdgeError::Listen`].
    pub(crate) fn bind(node: &Node) -> Result<Self, EdgeError> {
        let config = &node.config.http;
        let stall_timeout = node.config.subscriber.write_stall_timeout;
        let for_workers = node.clone();
        let server = HttpServer::new(move || {
            let worker = web::Data::new(Worker::start(for_workers.clone()));
            App::new()
                .app_data(worker)
                .route("/", web::get().to(front_page))
                .route("/status", web::get().to(status))
                .route("/status/collections", web::get().to(status_collections))
                .route("/status/live", web::get().to(status_live))
                .route("/subscribe", web::get().to(subscribe))
                .service(
                    web::resource("/events")
                        .get(events)
                        .default_service(web::to(other_methods)),
                )
                .route("/subscribe/filters", web::post().to(store_filter))
        })
        .workers(config.worker_count())
        .max_connections(config.max_subscribers.saturating_add(SPARE_CONNECTIONS))
        .client_request_timeout(config.handshake_timeout)
        .client_disconnect_timeout(config.close_linger)
        .h1_allow_half_closed(false)
        .tcp_nodelay(true)
        .on_connect(move |io, _| limit_stalls(io, stall_timeout))
        .shutdown_timeout(node.config.drain.deadline.as_secs())
        .disable_signals();
        let listen = config.listen;
        let bound = server.bind(listen).map_err(|source| EdgeError::Listen {
            addr: listen,
            source,
        })?;
        Ok(Self {
            addr: bound.addrs().first().copied().unwrap_or(listen),
            server: bound.run(),
        })
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until `stop`, then waits for the connections to end, at most for the deadline.
    ///
    /// # Errors
    /// [`EdgeError::Server`].
    pub(crate) async fn run(self, stop: Stop) -> Result<(), EdgeError> {
        info!(addr = %self.addr, "listening");
        let handle = self.server.handle();
        let mut server = pin!(self.server);
        let early = tokio::select! {
            ended = &mut server => Some(ended),
            () = stop.cancelled() => None,
        };
        if let Some(ended) = early {
            let nobody_asked = || io::Error::other("it ended by itself");
            return Err(EdgeError::Server(ended.err().unwrap_or_else(nobody_asked)));
        }
        let (ended, ()) = futures::join!(server, handle.stop(true));
        ended.map_err(EdgeError::Server)
    }
}

/// Lets the system drop a connection whose other end takes nothing for this long: without it a client that never
/// reads would hold its place and its buffers for ever. While nothing is sent the system asks by itself whether the
/// other end is still there: lines over plain HTTP have no pings.
fn limit_stalls(io: &dyn Any, timeout: Duration) {
    if timeout.is_zero() {
        return;
    }
    let Some(stream) = io.downcast_ref::<TcpStream>() else {
        return;
    };
    let socket = SockRef::from(stream);
    let asking = TcpKeepalive::new().with_time(timeout);
    let limited = socket
        .set_tcp_user_timeout(Some(timeout))
        .and_then(|()| socket.set_tcp_keepalive(&asking));
    if let Err(error) = limited {
        warn!(%error, "cannot limit how long a socket may stall");
    }
}
