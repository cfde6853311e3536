//! The least that delivery can cost here: a bare loop that writes the same bytes to as many sockets, with no events, no
//! routing and no protocol. What an edge costs at the same batching is compared with it.

use std::cell::RefCell;
use std::io::{IoSlice, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};
use tokio::net::TcpStream as AsyncStream;
use tokio::runtime::Builder;
use tokio::task::{JoinSet, LocalSet};

use super::machine::Cores;
use super::options::Options;
use super::report::Document;
use super::table::{Table, figure};

const SUBSCRIBERS: u64 = 1_000;
/// The mean of a WebSocket frame of the feeder's events, with its head.
const EVENT_BYTES: usize = 557;
/// Events per write.
const BATCHES: [usize; 6] = [1, 4, 11, 16, 64, 256];
/// The rate of the paced column, in events per second and subscriber.
const RATE: f64 = 500.0;
/// What one read takes at most, as in the load generator.
const READ_BYTES: usize = 256 << 10;

pub(super) fn ceiling(options: &Options, document: &mut Document) -> Result<()> {
    let cores = Cores::new(options.server_cores)?;
    let count = options.subscribers.unwrap_or(SUBSCRIBERS);
    let rate = options.rate.unwrap_or(RATE);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let pinned = cores.for_clients()?;
    let readers = thread::Builder::new()
        .name("readers".to_owned())
        .spawn(move || read_all(address, count))?;
    drop(pinned);
    let pinned = cores.for_servers()?;
    let mut sockets = Vec::new();
    for _ in 0..count {
        let (socket, _) = listener.accept()?;
        socket.set_nodelay(true)?;
        sockets.push(socket);
    }
    let mut table = Table::new(&[
        "events per write",
        "CPU us per delivered, as fast as it goes",
        "delivered/s/core",
        "CPU us per delivered, paced",
        "% of a core",
    ]);
    for batch in BATCHES {
        let seconds = Duration::from_secs_f64(options.seconds);
        let fast = write_all(&mut sockets, batch, None, seconds)?;
        let interval = Duration::from_secs_f64(batch as f64 / rate);
        let paced = write_all(&mut sockets, batch, Some(interval), seconds)?;
        let row = [
            batch.to_string(),
            figure(fast.microseconds_per_event()),
            figure(1e6 / fast.microseconds_per_event()),
            figure(paced.microseconds_per_event()),
            figure(paced.cpu / paced.seconds * 100.0),
        ];
        println!("{}", row.join("  "));
        table.row(row);
    }
    drop(pinned);
    drop(sockets);
    readers.join().ok().context("the readers panicked")??;
    let title = format!(
        "A bare loop of writes to {count} sockets, {EVENT_BYTES} bytes per event; paced: {rate} events/s each"
    );
    document.table(&title, &table);
    Ok(())
}

struct Cost {
    events: f64,
    /// CPU seconds of the writing thread.
    cpu: f64,
    seconds: f64,
}

impl Cost {
    fn microseconds_per_event(&self) -> f64 {
        self.cpu / self.events * 1e6
    }
}

/// Writes a batch to every socket, in rounds that start at this interval or follow each other at once.
fn write_all(
    sockets: &mut [TcpStream],
    batch: usize,
    interval: Option<Duration>,
    seconds: Duration,
) -> Result<Cost> {
    let event = [b'x'; EVENT_BYTES];
    let slices = vec![IoSlice::new(&event); batch];
    let (begun, cpu) = (Instant::now(), thread_cpu());
    let (mut events, mut due) = (0, begun);
    while begun.elapsed() < seconds {
        if let Some(interval) = interval {
            due += interval;
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        for socket in &mut *sockets {
            let mut left = slices.clone();
            let mut left = left.as_mut_slice();
            // A write that waits for its reader takes no CPU time.
            while !left.is_empty() {
                let written = socket.write_vectored(left)?;
                IoSlice::advance_slices(&mut left, written);
            }
            events += batch;
        }
    }
    Ok(Cost {
        events: events as f64,
        cpu: thread_cpu() - cpu,
        seconds: begun.elapsed().as_secs_f64(),
    })
}

fn thread_cpu() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Connects, and reads everything until the other side closes.
fn read_all(address: SocketAddr, count: u64) -> Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let buffer = Rc::new(RefCell::new(vec![0; READ_BYTES]));
    LocalSet::new().block_on(&runtime, async {
        let mut readers = JoinSet::new();
        for _ in 0..count {
            let socket = AsyncStream::connect(address).await?;
            let buffer = Rc::clone(&buffer);
            readers.spawn_local(async move {
                while socket.readable().await.is_ok() {
                    match socket.try_read(&mut buffer.borrow_mut()) {
                        Ok(0) => break,
                        Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => break,
                        Ok(_) | Err(_) => (),
                    }
                }
            });
        }
        while readers.join_next().await.is_some() {}
        Ok(())
    })
}
