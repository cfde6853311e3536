//! The HTTP server and its worker threads.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::rt::net::TcpStream;
use actix_web::{App, web};
use fanjet_http::{Listening, Paths, Setup, Tls, get, listen, semantics};
use fanjet_runtime::Stop;
use socket2::{SockRef, TcpKeepalive};
use tracing::{info, warn};

use super::connections::{Accepted, Connections, note_request};
use super::context::HttpContext;
use super::descriptors::{Descriptors, SPARE_CONNECTIONS};
use super::events::{events, other_methods, posted_events};
use super::firehose::{FirehoseContext, SUBSCRIBE_REPOS, subscribe_repos};
use super::front_page::front_page;
use super::labels::{LABELER, LabelsContext, SUBSCRIBE_LABELS, labels_endpoints};
use super::status::{status, status_collections, status_live};
use super::subscribe::subscribe;
use super::sync::sync_endpoints;
use super::worker::{Worker, WorkerContext};
use super::xrpc::{SUBSCRIBE_EVENTS, endpoints};
use crate::config::SubscriberConfig;
use crate::sockets::{Socket, WatchedSocket, WriteStalls};
use crate::{EdgeConfig, EdgeError};

const SUBSCRIBE: &str = "/subscribe";
/// Where WebSockets are.
const WEBSOCKETS: &[&str] = &[
    SUBSCRIBE,
    SUBSCRIBE_EVENTS,
    SUBSCRIBE_REPOS,
    SUBSCRIBE_LABELS,
    LABELER,
];
const PATHS: Paths = Paths(&[
    "/",
    SUBSCRIBE,
    SUBSCRIBE_REPOS,
    SUBSCRIBE_LABELS,
    "/events",
    SUBSCRIBE_EVENTS,
    "/status",
    "/status/live",
    "/status/collections",
]);

/// A bound server that does not accept connections yet.
pub(crate) struct Server(Listening);

impl Server {
    /// Binds the listener.
    ///
    /// # Errors
    /// [`EdgeError::Listen`].
    pub(crate) fn bind(
        config: &EdgeConfig,
        tls: Option<Tls>,
        descriptors: Descriptors,
        context: HttpContext,
        firehose: Option<FirehoseContext>,
        labels: Option<LabelsContext>,
        workers: WorkerContext,
    ) -> Result<Self, EdgeError> {
        let subscriber = config.subscriber.clone();
        let deadline = config.drain.deadline;
        let config = &config.http;
        descriptors.warn_if_low(config.max_subscribers);
        let setup = Setup {
            listen: config.listen,
            workers: config.worker_count(),
            max_connections: config.max_subscribers.saturating_add(SPARE_CONNECTIONS),
            tls,
            head_timeout: config.handshake_timeout,
            linger: config.close_linger,
            shutdown_timeout: deadline,
        };
        let write_stalls = Arc::clone(&workers.write_stalls);
        let connections = Connections::new(config, descriptors, context.metrics.clone());
        let connections = Arc::new(connections);
        let accept = move |stream: &TcpStream| {
            let peer = stream.peer_addr().ok().map(|peer| peer.ip());
            let connection = connections.accept(peer)?;
            let watched = prepare(stream, &subscriber, &write_stalls);
            Some(Accepted {
                connection,
                watched,
            })
        };
        let context = web::Data::new(context);
        let firehose = web::Data::new(firehose);
        let labels = web::Data::new(labels);
        let app = move || {
            let worker = web::Data::new(Worker::start(workers.clone()));
            App::new()
                .app_data(context.clone())
                .app_data(firehose.clone())
                .app_data(labels.clone())
                .app_data(worker)
                .wrap_fn(|request, service| {
                    note_request(request.request());
                    semantics(request, service, WEBSOCKETS)
                })
                .service(get("/", front_page))
                .service(get("/status", status))
                .service(get("/status/collections", status_collections))
                .service(get("/status/live", status_live))
                .service(get(SUBSCRIBE, subscribe))
                .service(get(SUBSCRIBE_REPOS, subscribe_repos))
                .configure(labels_endpoints)
                .service(
                    web::resource("/events")
                        .get(events)
                        .post(posted_events)
                        .default_service(web::to(other_methods)),
                )
                .configure(endpoints)
                .configure(sync_endpoints)
                .default_service(web::to(PATHS.others()))
        };
        let listening = listen(setup, accept, app);
        let listening = listening.map_err(|source| EdgeError::Listen {
            addr: config.listen,
            source,
        })?;
        Ok(Self(listening))
    }

    /// The address that it listens on.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.0.addr()
    }

    /// Serves until `stop`, then waits for the connections to end, at most until the deadline.
    ///
    /// # Errors
    /// [`EdgeError::Server`].
    pub(crate) async fn run(self, stop: Stop) -> Result<(), EdgeError> {
        info!(addr = %self.addr(), "listening");
        self.0.run(stop).await.map_err(EdgeError::Server)
    }
}

/// Sets the options of a connection and watches it. When no descriptor is left for a second handle, the connection is not
/// watched.
fn prepare(
    stream: &TcpStream,
    config: &SubscriberConfig,
    write_stalls: &Arc<WriteStalls>,
) -> Option<WatchedSocket> {
    if let Err(error) = set_options(stream, config) {
        warn!(%error, "failed to set the socket options of a connection");
    }
    match Socket::of(stream) {
        Ok(socket) => Some(write_stalls.watch_socket(socket)),
        Err(error) => {
            warn!(%error, "failed to watch a connection, serving it without a write-stall timeout");
            None
        }
    }
}

/// TCP keepalive detects dead peers while nothing is sent: NDJSON streams have no pings.
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
