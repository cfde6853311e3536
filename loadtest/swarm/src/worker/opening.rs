//! How a thread opens its connections.

use std::cmp::Reverse;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use fanjet_oracle::Filter;
use mio::net::TcpStream;
use mio::{Interest, Poll, Token};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use socket2::{Domain, Protocol, Socket, Type};

use super::{BUFFER, Part, Worker};
use crate::SwarmError;
use crate::connection::Connection;
use crate::mix::World;
use crate::opening::Opening;
use crate::plan::{Plan, Share};
use crate::sample::{Sample, SampleEncoding};
use crate::shared::{Phase, Shared};
use crate::target::Target;

/// Different filters of short-lived connections.
const CHURN_OPENINGS: usize = 200;
/// Local ports, if connections come from several addresses.
const FIRST_PORT: u16 = 10_000;
const LAST_PORT: u16 = 65_000;
/// Ports that are tried for one connection.
const TRIES: u32 = 50;

impl<'a> Worker<'a> {
    pub(crate) fn new(
        plan: &'a Plan,
        share: Share,
        target: &'a Target,
        world: &'a World,
        sources: &'a [IpAddr],
        shared: &'a Shared,
    ) -> Result<Self, SwarmError> {
        let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
        // The streams of the subscribers are numbered from the other end.
        rng.set_stream(u64::MAX - share.part);
        let made = if share.churn > 0.0 { CHURN_OPENINGS } else { 0 };
        let churn_openings = (0..made).map(|_| {
            let filter = Filter {
                dids: world.draw_dids(plan.churn_dids, &mut rng),
                ..Filter::default()
            };
            Opening::of(&filter, true)
        });
        Ok(Self {
            churn_openings: churn_openings.collect(),
            plan,
            share,
            target,
            world,
            sources,
            shared,
            rng,
            poll: Poll::new().map_err(|error| SwarmError::Io("cannot watch sockets", error))?,
            buffer: vec![0; BUFFER],
            places: Vec::new(),
            free: Vec::new(),
            lives: std::collections::BinaryHeap::new(),
            opened: 0,
            churn_open: 0,
            phase: Phase::Reference,
            awake: Instant::now(),
            reference: None,
            part: Part::default(),
        })
    }

    /// Opens the next long-lived connection.
    pub(super) fn open(&mut self, index: u64) -> Result<(), SwarmError> {
        let number = self.share.number(index);
        let (_, filter) = self.plan.mix.draw(self.plan.seed, number, self.world);
        self.connect(&filter, self.share.is_sampled(index), false)
    }

    /// Opens a short-lived connection, unless their limit is reached.
    pub(super) fn open_churning(&mut self, now: Instant) -> Result<(), SwarmError> {
        if self.churn_open >= self.share.churn_open {
            self.part.report.connections.churn_skipped += 1;
            return Ok(());
        }
        let life = self.rng.random_range(0.0..=2.0) * self.plan.churn_life;
        let opening = self.rng.random_range(0..self.churn_openings.len());
        let opening = self.churn_openings[opening].clone();
        let connection = match self.begin() {
            Ok(stream) => Connection::new(stream, opening, None, now),
            Err(error) => {
                self.not_begun(&error);
                return Ok(());
            }
        };
        self.churn_open += 1;
        let (place, number) = self.keep(connection, true)?;
        self.lives.push(Reverse((
            now + Duration::from_secs_f64(life),
            place,
            number,
        )));
        Ok(())
    }

    pub(super) fn connect(
        &mut self,
        filter: &Filter,
        is_sampled: bool,
        is_reference: bool,
    ) -> Result<(), SwarmError> {
        let by_message = self.plan.by_message && !is_reference;
        let mut opening = match self.plan.v2 {
            true => Opening::of_v2(filter),
            false => Opening::of(filter, by_message),
        };
        let encoding = SampleEncoding {
            is_v2: self.plan.v2,
            is_compressed: self.plan.zstd,
        };
        if let Some(parameter) = encoding.parameter() {
            opening.push(&parameter);
        }
        let sample = is_sampled.then(|| Sample::new(filter, encoding, is_reference));
        let sample = sample.transpose()?.map(Box::new);
        match self.begin() {
            Ok(stream) => {
                let connection = Connection::new(stream, opening, sample, Instant::now());
                self.keep(connection, false)?;
            }
            Err(error) => {
                self.not_begun(&error);
                Shared::add(&self.shared.decided, u64::from(!is_reference));
            }
        }
        Ok(())
    }

    fn not_begun(&mut self, error: &io::Error) {
        let refused = &mut self.part.report.connections.refused;
        *refused.entry(error.to_string()).or_default() += 1;
    }

    fn keep(
        &mut self,
        mut connection: Connection,
        is_churn: bool,
    ) -> Result<(usize, u64), SwarmError> {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() - 1
        });
        connection.is_churn = is_churn;
        connection.number = self.opened;
        register(&self.poll, &mut connection, place)?;
        let number = connection.number;
        self.places[place] = Some(connection);
        Ok((place, number))
    }

    /// Starts to connect, from the next local address and its next port.
    fn begin(&mut self) -> io::Result<TcpStream> {
        let mut tries = 0;
        loop {
            let number = self.opened * self.share.parts + self.share.part;
            self.opened += 1;
            tries += 1;
            match dial(self.target.address, source(self.sources, number)) {
                // Used by another program, or not free again yet.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries < TRIES => {}
                outcome => return outcome,
            }
        }
    }
}

/// The local address of the connection with this number, if we choose it. The kernel's own search for a free port would
/// take longer than everything else, among thousands that are in TIME_WAIT.
fn source(addresses: &[IpAddr], number: u64) -> Option<SocketAddr> {
    let count = u64::try_from(addresses.len()).ok().filter(|it| *it > 0)?;
    let address = addresses.get(usize::try_from(number % count).ok()?)?;
    let ports = u64::from(LAST_PORT - FIRST_PORT) + 1;
    let port = u64::from(FIRST_PORT) + number / count % ports;
    Some(SocketAddr::new(*address, u16::try_from(port).ok()?))
}

fn register(poll: &Poll, connection: &mut Connection, place: usize) -> Result<(), SwarmError> {
    let interest = Interest::READABLE | Interest::WRITABLE;
    poll.registry()
        .register(&mut connection.stream, Token(place), interest)
        .map_err(|error| SwarmError::Io("cannot watch a socket", error))
}

fn dial(to: SocketAddr, from: Option<SocketAddr>) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    if let Some(from) = from {
        // Ports of connections that have just ended may be reused.
        socket.set_reuse_address(true)?;
        socket.bind(&from.into())?;
    }
    match socket.connect(&to.into()) {
        Ok(()) => {}
        Err(error)
            if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
        Err(error) => return Err(error),
    }
    Ok(TcpStream::from_std(socket.into()))
}
