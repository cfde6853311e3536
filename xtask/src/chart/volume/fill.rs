//! Appends to the log in NATS' own protocol: this crate must stay light, and a client library is not.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, bail, ensure};

/// Of an event. Larger ones fill a volume sooner.
const EVENT: usize = 4 << 10;
/// Events under way without an acknowledgement.
const WINDOW: usize = 256;

/// A connection as ingest.
pub(super) struct Log {
    stream: TcpStream,
    answers: BufReader<TcpStream>,
}

impl Log {
    pub(super) fn connect(port: u16, password: &str) -> Result<Self> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        let answers = BufReader::new(stream.try_clone()?);
        write!(
            stream,
            "CONNECT {{\"verbose\":false,\"pedantic\":false,\"headers\":true,\"user\":\"ingest\",\"pass\":\"{password}\"}}\r\n\
             SUB _INBOX_fanjet_ingest.acks 1\r\n"
        )?;
        Ok(Self { stream, answers })
    }

    /// Appends so many bytes that do not compress, each event acknowledged. Returns the number of events.
    pub(super) fn append(&mut self, bytes: u64) -> Result<u64> {
        let mut random = File::open("/dev/urandom")?;
        let mut body = vec![0; EVENT];
        let events = bytes / EVENT as u64;
        for _ in 0..events / WINDOW as u64 {
            for _ in 0..WINDOW {
                random.read_exact(&mut body)?;
                write!(
                    self.stream,
                    "PUB atp.commit.com.example.record _INBOX_fanjet_ingest.acks {EVENT}\r\n"
                )?;
                self.stream.write_all(&body)?;
                self.stream.write_all(b"\r\n")?;
            }
            for _ in 0..WINDOW {
                self.acknowledged()?;
            }
        }
        Ok(events)
    }

    fn acknowledged(&mut self) -> Result<()> {
        loop {
            let mut line = String::new();
            let read = self.answers.read_line(&mut line)?;
            ensure!(read > 0, "the server closed the connection");
            match line.split_whitespace().next() {
                Some("PING") => self.stream.write_all(b"PONG\r\n")?,
                Some("INFO" | "PONG") => {}
                Some("MSG") => {
                    let size = line.split_whitespace().last().context("no size")?;
                    let mut answer = vec![0; size.parse::<usize>()? + 2];
                    self.answers.read_exact(&mut answer)?;
                    let answer = String::from_utf8_lossy(&answer);
                    ensure!(!answer.contains("error"), "an event was refused: {answer}");
                    return Ok(());
                }
                _ => bail!("an unexpected answer: {line}"),
            }
        }
    }
}
