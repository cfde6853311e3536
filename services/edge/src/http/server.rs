//! The HTTP server and its worker threads.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Service;
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpRequest, HttpServer, web};
use fanjet_actors::Stop;
use rustix::process::{Resource, getrlimit};
use socket2::{SockRef, TcpKeepalive};
use tracing::{debug, info, warn};

use super::connections::note_request;
use super::events::{events, other_methods};
use super::filters::store_filter;
use super::front_page::front_page;
use super::status::{status, status_collections, status_live};
use super::subscribe::subscribe;
use crate::EdgeError;
use crate::config::{SubscriberConfig, Writer};
use crate::edge::Node;
use crate::hub::Worker;
use crate::sockets::{Held, Socket, Stalls};

/// Connections per worker above the subscribers, so that a full node can still say that it is full.
const SPARE_CONNECTIONS: usize = 256;

/// The server reckons its deadlines from a time up to half a second old, and one that is over before it is waited for
/// never comes: the connection would stay for ever.
const SHORTEST_DEADLINE: Duration = Duration::from_millis(600);

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
        check_open_files(config.max_subscribers);
        let subscriber = node.config.subscriber.clone();
        let stalls = Arc::clone(&node.stalls);
        let connections = Arc::clone(&node.connections);
        let for_workers = node.clone();
        let server = HttpServer::new(move || {
            let worker = web::Data::new(Worker::start(for_workers.clone()));
            App::new()
                .app_data(worker)
                .wrap_fn(|request, service| {
                    note_request(request.request());
                    service.call(request)
                })
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
        .client_request_timeout(config.handshake_timeout.max(SHORTEST_DEADLINE))
        .client_disconnect_timeout(config.close_linger.max(SHORTEST_DEADLINE))
        .h1_allow_half_closed(false)
        .tcp_nodelay(true)
        .on_connect(move |io, data| {
            if let Some(stream) = io.downcast_ref::<TcpStream>() {
                let peer = stream.peer_addr().ok().map(|peer| peer.ip());
                let connection = connections.accept(peer);
                if connection.is_none() {
                    shut(stream);
                    return;
                }
                data.insert(connection);
                data.insert(prepare(stream, &subscriber, &stalls));
            }
        })
        .shutdown_timeout(node.config.drain.deadline.as_secs())
        .disable_signals();
        let server = match node.config.subscriber.writer {
            Writer::Stream => server,
            // A body is asked for more only while fewer bytes than this are unwritten: only when there are none.
            Writer::Direct => server.h1_write_buffer_size(1),
        };
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

/// Every connection has two descriptors: the server's, and that of [`Socket`].
fn check_open_files(max_subscribers: usize) {
    let needed = 2 * (max_subscribers as u64).saturating_add(SPARE_CONNECTIONS as u64);
    if let Some(allowed) = getrlimit(Resource::Nofile).current
        && allowed < needed
    {
        warn!(
            allowed,
            needed,
            max_subscribers,
            "too few open files are allowed for http.max_subscribers: raise ulimit -n"
        );
    }
}

/// The connection that a request came over.
pub(super) fn socket_of(request: &HttpRequest) -> Option<Arc<Socket>> {
    let held = request.conn_data::<Option<Held>>()?.as_ref()?;
    Some(Arc::clone(held.socket()))
}

/// Sets a connection's options and gives it to those who look after it. Without a second handle, when the system has no
/// more, nobody does.
fn prepare(stream: &TcpStream, config: &SubscriberConfig, stalls: &Arc<Stalls>) -> Option<Held> {
    if let Err(error) = set_options(stream, config) {
        warn!(%error, "cannot set a connection's options");
    }
    match Socket::of(stream) {
        Ok(socket) => Some(stalls.hold(socket)),
        Err(error) => {
            warn!(%error, "cannot look after a connection");
            None
        }
    }
}

/// The server finds it at its end.
fn shut(stream: &TcpStream) {
    if let Err(error) = SockRef::from(stream).shutdown(Shutdown::Both) {
        debug!(%error, "a connection that ended by itself");
    }
}

/// While nothing is sent the system asks by itself whether the other end is still there: lines over plain HTTP have no
/// pings.
fn set_options(stream: &TcpStream, config: &SubscriberConfig) -> io::Result<()> {
    let socket = SockRef::from(stream);
    if config.max_unsent_bytes > 0 {
        socket.set_tcp_notsent_lowat(config.max_unsent_bytes)?;
    }
    if !config.write_stall_timeout.is_zero() {
        let asking = TcpKeepalive::new().with_time(config.write_stall_timeout);
        socket.set_tcp_keepalive(&asking)?;
    }
    Ok(())
}
