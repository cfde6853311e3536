//! Clients that only count frames, in their own process, one thread each.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::figures::milliseconds;
use crate::role;
use crate::scenarios::Scenario;

const BUFFER: usize = 256 << 10;
/// A reader without data for this long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the readers saw.
pub(crate) struct Report {
    pub(crate) delivered: u64,
    pub(crate) seconds: f64,
    pub(crate) slowest: f64,
    pub(crate) first_median: f64,
    pub(crate) first_last: f64,
}

/// Starts the readers of a scenario and waits for them.
pub(crate) fn start(addr: &str, scenario: &Scenario) -> Result<Report> {
    let mut command = role(&["readers", addr])?;
    for (query, expected) in &scenario.readers {
        command.args([query, &expected.to_string()]);
    }
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    ensure!(output.status.success(), "the readers failed");
    let output = String::from_utf8(output.stdout)?;
    let numbers = output.split_whitespace().map(str::parse::<f64>);
    let numbers = numbers.collect::<Result<Vec<_>, _>>()?;
    let [delivered, seconds, slowest, first_median, first_last] = numbers[..] else {
        bail!("unexpected output of the readers: {output:?}");
    };
    Ok(Report {
        delivered: delivered as u64,
        seconds,
        slowest,
        first_median,
        first_last,
    })
}

/// Reads; the arguments are pairs of a query and a number of events.
pub(crate) fn run(addr: &str, wanted: &[&str]) -> Result<()> {
    let began = Instant::now();
    let seen = thread::scope(|scope| {
        let readers: Vec<_> = wanted
            .chunks(2)
            .map(|wanted| {
                scope.spawn(move || match wanted {
                    [query, count] => read(addr, query, count.parse()?),
                    _ => bail!("a query without a number"),
                })
            })
            .collect();
        let seen = readers.into_iter().map(|reader| match reader.join() {
            Ok(seen) => seen,
            Err(_) => bail!("a reader panicked"),
        });
        seen.collect::<Result<Vec<_>>>()
    })?;
    let seconds = began.elapsed().as_secs_f64();
    let delivered: u64 = seen.iter().map(|seen| seen.events).sum();
    let rates = seen
        .iter()
        .map(|seen| seen.events as f64 / seen.took.as_secs_f64());
    let slowest = rates.fold(f64::INFINITY, f64::min);
    let mut firsts: Vec<_> = seen.iter().map(|seen| milliseconds(seen.first)).collect();
    firsts.sort_by(f64::total_cmp);
    let last = firsts.last().context("no reader")?;
    let median = firsts[firsts.len() / 2];
    println!("{delivered} {seconds} {slowest} {median} {last}");
    Ok(())
}

struct Seen {
    events: u64,
    first: Duration,
    took: Duration,
}

fn read(addr: &str, query: &str, expected: u64) -> Result<Seen> {
    let began = Instant::now();
    let mut socket = TcpStream::connect(addr)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_nodelay(true)?;
    let head = format!(
        "GET /subscribe?{query} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    socket.write_all(head.as_bytes())?;
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte)?;
        answer.push(byte[0]);
    }
    ensure!(answer.starts_with(b"HTTP/1.1 101"), "refused");
    let (mut frames, mut first) = (Frames::default(), None);
    let mut bytes = vec![0; BUFFER];
    while frames.events < expected {
        let count = socket.read(&mut bytes)?;
        ensure!(count > 0, "ended after {} of {expected}", frames.events);
        frames.take(&bytes[..count])?;
        if frames.events > 0 && first.is_none() {
            first = Some(began.elapsed());
        }
    }
    Ok(Seen {
        events: expected,
        first: first.context("no events were expected")?,
        took: began.elapsed(),
    })
}

/// Counts a server's frames by their headers.
#[derive(Default)]
struct Frames {
    events: u64,
    head: Vec<u8>,
    /// Remaining bytes of the payload.
    rest: usize,
}

impl Frames {
    fn take(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            if self.rest > 0 {
                let passed = self.rest.min(bytes.len());
                self.rest -= passed;
                bytes = &bytes[passed..];
                continue;
            }
            self.head.push(bytes[0]);
            bytes = &bytes[1..];
            let size = match self.head[..] {
                [_, size] if size < 126 => usize::from(size),
                [_, 126, high, low] => usize::from(u16::from_be_bytes([high, low])),
                [_, 127, _, _, _, _, a, b, c, d] => u32::from_be_bytes([a, b, c, d]) as usize,
                _ => continue,
            };
            match self.head[0] & 0xf {
                1 | 2 => self.events += 1,
                8 => bail!("closed after {} events", self.events),
                _ => {}
            }
            self.rest = size;
            self.head.clear();
        }
        Ok(())
    }
}
