//! One connection, from the first packet to the last, independent of all others.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::Instant;

use fanjet_oracle::{FrameReader, Piece, client_frame};
use mio::net::TcpStream;
use rustix::net::{RecvFlags, recv};

use crate::opening::Opening;
use crate::sample::Sample;
use crate::target::{Handshake, Target, answer};

/// A subscriber.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    phase: Phase,
    frames: FrameReader,
    /// Bytes that the socket did not accept yet.
    out: Vec<u8>,
    /// `None`: only counted.
    pub(crate) sample: Option<Box<Sample>>,
    pub(crate) begun: Instant,
    pub(crate) is_churn: bool,
    /// Distinguishes it from other connections in the same slot.
    pub(crate) number: u64,
}

#[derive(Debug)]
enum Phase {
    Connecting(Opening),
    /// With the handshake response so far.
    Upgrading(Vec<u8>, Option<Arc<str>>),
    Streaming,
}

/// The result of one turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Got {
    pub(crate) bytes: u64,
    pub(crate) events: u64,
    /// The server has just accepted it.
    pub(crate) is_upgraded: bool,
}

/// Why a connection has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// It was never accepted.
    Refused(String),
    /// The server, or the system, has closed it.
    Unexplained(String),
}

impl Connection {
    pub(crate) fn new(
        stream: TcpStream,
        opening: Opening,
        sample: Option<Box<Sample>>,
        begun: Instant,
    ) -> Self {
        Self {
            stream,
            phase: Phase::Connecting(opening),
            frames: FrameReader::default(),
            out: Vec::new(),
            sample,
            begun,
            is_churn: false,
            number: 0,
        }
    }

    pub(crate) fn is_streaming(&self) -> bool {
        matches!(self.phase, Phase::Streaming)
    }

    /// The socket is writable again, or connected now.
    pub(crate) fn writable(&mut self, target: &Target) -> Result<(), End> {
        if let Phase::Connecting(opening) = &mut self.phase {
            match self.stream.take_error() {
                Ok(None) => {}
                Ok(Some(error)) | Err(error) => return Err(self.broken(&error)),
            }
            if let Err(error) = self.stream.peer_addr() {
                return match error.kind() {
                    ErrorKind::NotConnected => Ok(()),
                    _ => Err(self.broken(&error)),
                };
            }
            let request = target.request(&opening.parameters);
            self.out.extend_from_slice(request.as_bytes());
            self.phase = Phase::Upgrading(Vec::new(), opening.hello.take());
        }
        self.flush()
    }

    /// Reads everything that is available. With `is_blind` the bytes of a stream that is not checked are discarded.
    pub(crate) fn readable(
        &mut self,
        buffer: &mut [u8],
        is_blind: bool,
        see: &mut impl FnMut(&mut Sample, Piece<'_>),
        got: &mut Got,
    ) -> Result<(), End> {
        if matches!(self.phase, Phase::Connecting(_)) {
            return Ok(());
        }
        loop {
            let is_blind = is_blind && self.sample.is_none() && self.is_streaming();
            let read = match is_blind {
                true => recv(&self.stream, &mut *buffer, RecvFlags::TRUNC)
                    .map(|(_, count)| count)
                    .map_err(io::Error::from),
                false => self.stream.read(buffer),
            };
            let count = match read {
                Ok(0) => return Err(self.over("the stream ended without a close frame")),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.broken(&error)),
            };
            if is_blind {
                got.bytes += count as u64;
            } else {
                self.take(&buffer[..count], see, got)?;
            }
            // A short read: nothing is left, and another read would only confirm that.
            if count < buffer.len() {
                return Ok(());
            }
        }
    }

    /// An unsolicited pong that keeps the connection alive.
    pub(crate) fn pong(&mut self) -> Result<(), End> {
        if self.is_streaming() {
            client_frame::pong(&mut self.out, b"");
            self.flush()?;
        }
        Ok(())
    }

    /// Sends a close frame. Whether it is delivered does not matter.
    pub(crate) fn close(&mut self) {
        if self.is_streaming() && self.out.is_empty() {
            client_frame::close(&mut self.out, 1000);
            let _whatever = self.flush();
        }
    }

    fn take(
        &mut self,
        bytes: &[u8],
        see: &mut impl FnMut(&mut Sample, Piece<'_>),
        got: &mut Got,
    ) -> Result<(), End> {
        let Phase::Upgrading(head, hello) = &mut self.phase else {
            return self.stream(bytes, see, got);
        };
        head.extend_from_slice(bytes);
        match answer(head) {
            Handshake::Incomplete => Ok(()),
            Handshake::Rejected(words) => Err(End::Refused(words)),
            Handshake::Upgraded(at) => {
                let rest = head.split_off(at);
                if let Some(hello) = hello.take() {
                    client_frame::text(&mut self.out, &hello);
                }
                self.phase = Phase::Streaming;
                got.is_upgraded = true;
                self.flush()?;
                self.stream(&rest, see, got)
            }
        }
    }

    fn stream(
        &mut self,
        bytes: &[u8],
        see: &mut impl FnMut(&mut Sample, Piece<'_>),
        got: &mut Got,
    ) -> Result<(), End> {
        got.bytes += bytes.len() as u64;
        let (out, sample) = (&mut self.out, &mut self.sample);
        let mut closed = None;
        let read = self.frames.walk(bytes, |piece| match piece {
            Piece::Data { ends, .. } => {
                got.events += u64::from(ends);
                if let Some(sample) = sample {
                    see(sample, piece);
                }
            }
            Piece::Ping(payload) => client_frame::pong(out, payload),
            Piece::Pong(_) => {}
            Piece::Close { code, reason } => {
                closed = Some(format!("{code} {}", String::from_utf8_lossy(reason)));
            }
        });
        if let Some(words) = closed {
            return Err(self.over(&words));
        }
        if let Err(error) = read {
            return Err(self.over(&format!("invalid WebSocket frame: {error}")));
        }
        if self.out.is_empty() {
            return Ok(());
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), End> {
        let mut written = 0;
        while written < self.out.len() {
            match self.stream.write(&self.out[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.broken(&error)),
            }
        }
        self.out.drain(..written);
        if self.out.is_empty() {
            // The next output is a pong; a hello may have been large.
            self.out = Vec::new();
        }
        Ok(())
    }

    fn broken(&self, error: &io::Error) -> End {
        self.over(&error.kind().to_string())
    }

    fn over(&self, words: &str) -> End {
        match self.phase {
            Phase::Streaming => End::Unexplained(words.to_owned()),
            _ => End::Refused(words.to_owned()),
        }
    }
}
