//! A listening server and its worker threads.

use std::cell::RefCell;
use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::time::Duration;

use actix_http::body::MessageBody;
use actix_http::error::DispatchError;
use actix_http::{Extensions, HttpService, KeepAlive, Request, Response};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, apply_fn_factory, fn_service,
    map_config,
};
use actix_web::dev::{AppConfig, Server};
use actix_web::error::Error;
use fanjet_runtime::Stop;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::debug;

use crate::wire::Left;
use crate::{Gate, Io, Tls, Upgraded, Wire};

/// The accept backlog.
const BACKLOG: i32 = 2048;

/// Receive buffer of a connection; the kernel counts twice as much. By default it grows to megabytes, which a client
/// that sends more than is read can fill. This also limits a long message to one buffer per round trip.
pub const RECEIVE_BUFFER: usize = 64 << 10;

/// The HTTP server computes its deadlines from a cached time that is up to half a second old. A deadline that has
/// passed before the wait starts never fires, and the connection would stay forever.
const SHORTEST_DEADLINE: Duration = Duration::from_millis(600);

/// Configuration of a server.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Listen address.
    pub listen: SocketAddr,
    /// Worker threads.
    pub workers: usize,
    /// Connections per worker; more wait in the backlog.
    pub max_connections: usize,
    /// The TLS configuration, if connections are encrypted.
    pub tls: Option<Tls>,
    /// Deadline of the TLS handshake and the request head.
    pub head_timeout: Duration,
    /// Deadline for the rest of a request whose response is complete.
    pub linger: Duration,
    /// How long connections may last after the stop.
    pub shutdown_timeout: Duration,
}

/// A connection that was accepted, and what is kept until it has ended.
type Served<C> = (Wire<Io>, Option<SocketAddr>, Rc<C>);

/// A bound server that does not accept yet.
pub struct Listening {
    server: Server,
    addr: SocketAddr,
    /// Ends connections that wait for a request.
    ending: Stop,
}

/// Listens. `accept` decides whether a connection is accepted: what it returns is kept until the connection has ended, and is
/// connection data of its request, in an `Rc`.
///
/// # Errors
/// Errors of the system.
pub fn listen<A, C, F, I, S, B>(setup: Setup, accept: A, app: F) -> io::Result<Listening>
where
    A: Fn(&TcpStream) -> Option<C> + Send + Clone + 'static,
    C: 'static,
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Error: Into<Error>,
    S::InitError: Debug,
    S::Response: Into<Response<B>>,
    B: MessageBody + 'static,
{
    let listener = listener(setup.listen)?;
    let addr = listener.local_addr()?;
    let ending = Stop::new();
    let for_connections = ending.clone();
    let config = setup.clone();
    let factory = move || {
        let accept = accept.clone();
        let tls = config.tls.clone();
        let patience = config.head_timeout;
        let let_in = move |stream: TcpStream| {
            let accepted = accept(&stream).map(Rc::new);
            let tls = tls.clone();
            async move {
                let accepted = accepted.ok_or_else(refused)?;
                if let Err(error) = stream.set_nodelay(true) {
                    debug!(%error, "connection ended before its request");
                }
                let peer = stream.peer_addr().ok();
                let io = match tls {
                    None => Io::Plain(stream),
                    // Apart: it is large, and the connection's task keeps the size of its largest part.
                    Some(tls) => Box::pin(encrypted(stream, &tls, patience)).await?,
                };
                let mut data = Extensions::new();
                data.insert(Rc::clone(&accepted));
                Ok((Wire::new(io, data), peer, accepted))
            }
        };
        let ending = for_connections.clone();
        let http = HttpService::build()
            .keep_alive(KeepAlive::Disabled)
            .client_request_timeout(config.head_timeout.max(SHORTEST_DEADLINE))
            .client_disconnect_timeout(config.linger.max(SHORTEST_DEADLINE))
            .h1_allow_half_closed(false)
            .local_addr(addr)
            .graceful_shutdown_signal(move || ending.clone().cancelled_owned())
            .on_connect_ext(|wire: &Wire<Io>, data: &mut Extensions| {
                data.insert(Rc::clone(wire.gate()));
                data.extend(wire.take_data());
            });
        let app = app().into_factory();
        let app = app.map_err(|error| error.into().error_response());
        let http = http.h1(map_config(app, |()| AppConfig::default()));
        let connection = apply_fn_factory(http, |(wire, peer, accepted): Served<C>, http| {
            let (gate, left) = (Rc::clone(wire.gate()), Rc::clone(wire.left()));
            let served = Box::pin(http.call((wire, peer)));
            serve(served, gate, left, accepted)
        });
        fn_service(let_in).and_then(connection)
    };
    let server = Server::build()
        .workers(setup.workers)
        .max_concurrent_connections(setup.max_connections)
        .shutdown_timeout(setup.shutdown_timeout.as_secs())
        .disable_signals()
        .listen("http", listener, factory)?
        .run();
    Ok(Listening {
        server,
        addr,
        ending,
    })
}

impl Listening {
    /// The listen address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until `stop`, then waits for open connections, at most for [`Setup::shutdown_timeout`].
    ///
    /// # Errors
    /// When the server ends unexpectedly.
    pub async fn run(self, stop: Stop) -> io::Result<()> {
        let handle = self.server.handle();
        let mut server = pin!(self.server);
        let early = tokio::select! {
            ended = &mut server => Some(ended),
            () = stop.cancelled() => None,
        };
        if let Some(ended) = early {
            let unexpected = || io::Error::other("the server ended unexpectedly");
            return Err(ended.err().unwrap_or_else(unexpected));
        }
        self.ending.cancel();
        let (ended, ()) = futures::join!(server, handle.stop(true));
        ended
    }
}

/// One connection: served by the HTTP server first, then by the handler that takes it over. `accepted` is kept until it ends.
async fn serve<C>(
    served: Pin<Box<impl Future<Output = Result<(), DispatchError>>>>,
    gate: Rc<Gate>,
    left: Rc<RefCell<Option<Left<Io>>>>,
    accepted: Rc<C>,
) -> Result<(), DispatchError> {
    let served = served.await;
    let (takeover, left) = (gate.take_takeover(), left.take());
    let is_overrun = gate.overrun_mark();
    drop(gate);
    if let (Some(takeover), Some(Left { io, early })) = (takeover, left) {
        let upgraded = Upgraded {
            stream: io,
            early,
            is_overrun,
        };
        takeover(upgraded).await;
    }
    drop(accepted);
    served
}

async fn encrypted(stream: TcpStream, tls: &Tls, patience: Duration) -> Result<Io, DispatchError> {
    let handshake = timeout(patience, tls.acceptor().accept(stream));
    let stream = handshake.await.map_err(|_| refused())?;
    let stream = stream.map_err(|error| {
        debug!(%error, "TLS handshake failed");
        DispatchError::Io(error)
    })?;
    Ok(Io::Tls(Box::new(stream)))
}

fn listener(addr: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    // Connections inherit it from the listening socket. Setting it later has no effect: the window scale is fixed when
    // a connection is established.
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// The server only checks whether a handler is set.
fn refused() -> DispatchError {
    DispatchError::Io(io::ErrorKind::ConnectionRefused.into())
}
