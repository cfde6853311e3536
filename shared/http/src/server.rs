//! A listening server and its worker threads.

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use actix_http::body::MessageBody;
use actix_http::error::DispatchError;
use actix_http::{Extensions, HttpService, KeepAlive, Request, Response};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, fn_service, map_config,
};
use actix_web::dev::{AppConfig, Server};
use actix_web::error::Error;
use fanjet_runtime::Stop;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::debug;

use crate::io::Io;
use crate::{Tls, Wire};

/// Connections that wait for the server to accept them.
const BACKLOG: i32 = 2048;

/// What the system keeps of a connection that is not read, at most; in its own reckoning twice as much. Left to itself it keeps
/// megabytes, and whoever sends more than is read fills them. A long message comes as fast as this allows in each round trip.
pub const RECEIVE_BUFFER: usize = 64 << 10;

/// The server reckons its deadlines from a time up to half a second old, and one that is over before it is waited for
/// never comes: the connection would stay for ever.
const SHORTEST_DEADLINE: Duration = Duration::from_millis(600);

/// How a server listens.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Where.
    pub listen: SocketAddr,
    /// Threads that serve.
    pub workers: usize,
    /// Connections of one thread at one time; more wait.
    pub max_connections: usize,
    /// What encrypts connections, where they are encrypted.
    pub tls: Option<Tls>,
    /// How long a request head may take, and the handshake before it.
    pub head_timeout: Duration,
    /// How long the rest of a request that is answered already may take.
    pub linger: Duration,
    /// Answers are asked for more while fewer bytes than this are unwritten. `None`: the server's own default.
    pub write_buffer: Option<usize>,
    /// How long connections may last after the stop.
    pub shutdown_timeout: Duration,
}

/// A bound server that has not begun to accept.
pub struct Listening {
    server: Server,
    addr: SocketAddr,
    /// Tells connections that no request may come any more.
    ending: Stop,
}

/// Listens. `accept` says whether a connection is let in, and may leave something that its request finds as connection data.
///
/// # Errors
/// Those of the system.
pub fn listen<A, F, I, S, B>(setup: Setup, accept: A, app: F) -> io::Result<Listening>
where
    A: Fn(&TcpStream, &mut Extensions) -> bool + Send + Clone + 'static,
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
            let mut data = Extensions::new();
            let is_in = accept(&stream, &mut data);
            let tls = tls.clone();
            async move {
                if !is_in {
                    return Err(refused());
                }
                if let Err(error) = stream.set_nodelay(true) {
                    debug!(%error, "a connection that ended by itself");
                }
                let peer = stream.peer_addr().ok();
                let io = match tls {
                    None => Io::Plain(stream),
                    Some(tls) => encrypted(stream, &tls, patience).await?,
                };
                Ok((Wire::new(io, data), peer))
            }
        };
        let ending = for_connections.clone();
        let mut http = HttpService::build()
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
        if let Some(bytes) = config.write_buffer {
            http = http.h1_write_buffer_size(bytes);
        }
        let app = app().into_factory();
        let app = app.map_err(|error| error.into().error_response());
        let http = http.h1(map_config(app, |()| AppConfig::default()));
        fn_service(let_in).and_then(http)
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
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until `stop`, then waits for the connections to end, at most for [`Setup::shutdown_timeout`].
    ///
    /// # Errors
    /// When the server ends by itself.
    pub async fn run(self, stop: Stop) -> io::Result<()> {
        let handle = self.server.handle();
        let mut server = pin!(self.server);
        let early = tokio::select! {
            ended = &mut server => Some(ended),
            () = stop.cancelled() => None,
        };
        if let Some(ended) = early {
            let nobody_asked = || io::Error::other("it ended by itself");
            return Err(ended.err().unwrap_or_else(nobody_asked));
        }
        self.ending.cancel();
        let (ended, ()) = futures::join!(server, handle.stop(true));
        ended
    }
}

async fn encrypted(stream: TcpStream, tls: &Tls, patience: Duration) -> Result<Io, DispatchError> {
    let handshake = timeout(patience, tls.acceptor().accept(stream));
    let stream = handshake.await.map_err(|_| refused())?;
    let stream = stream.map_err(|error| {
        debug!(%error, "failed TLS handshake");
        DispatchError::Io(error)
    })?;
    Ok(Io::Tls(Box::new(stream)))
}

fn listener(addr: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    // Connections inherit it. Later would be too late: a window is scaled by it when a connection begins.
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// The server only looks whether there is one.
fn refused() -> DispatchError {
    DispatchError::Io(io::ErrorKind::ConnectionRefused.into())
}
