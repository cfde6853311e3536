//! Removes messages that are too long from a server's stream before the WebSocket library collects them.
//!
//! A WebSocket library can only end the connection at such a message, and a server of events sends it again after the
//! reconnect, forever. This filter reads and discards its bytes, and the following bytes continue as if it had not
//! existed. It keeps only the start of the message, from which its seq or time can be read. Everything else passes
//! unchanged: validation is up to the library.

mod head;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use head::Head;

/// How much is read at once.
const INPUT: usize = 64 << 10;
/// How much of a skipped message is kept. In a firehose frame with sorted keys the seq is behind the list of operations
/// at the latest.
const BEGINNING: usize = 64 << 10;

/// What a server may send at the end of a fragmented message.
const EMPTY_LAST_FRAGMENT: [u8; 2] = [0x80, 0];
const END_OF_HANDSHAKE: [u8; 4] = *b"\r\n\r\n";

/// A message that was too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped {
    /// Its seq or time, if its start contains it.
    pub place: Option<u64>,
    /// Its size in bytes; the bytes so far, if it never ended.
    pub bytes: u64,
}

/// Reads a message's seq, time or other cursor value from its start.
pub type PlaceOf = fn(&[u8]) -> Option<u64>;

/// A stream of a server's WebSocket bytes, including the handshake.
#[derive(Debug)]
pub struct Sieve<S> {
    inner: S,
    max_bytes: u64,
    place_of: PlaceOf,
    input: Box<[u8]>,
    /// Input that has not been examined yet.
    unread: std::ops::Range<usize>,
    /// Output that comes before anything else.
    output: Vec<u8>,
    state: ParserState,
    message: Message,
    skipped: Vec<Skipped>,
}

/// What the next byte belongs to.
#[derive(Debug)]
enum ParserState {
    /// The handshake response; this many bytes of its end were just seen.
    Handshake(usize),
    /// A frame's head.
    Head(Head),
    /// A payload that passes; this many bytes are left.
    Payload(u64),
    /// A payload that is skipped.
    Skipping { left: u64, is_last: bool },
}

/// The message that is being read.
#[derive(Debug)]
enum Message {
    /// It passes. Its bytes so far; `None` if the last message is complete.
    Passing(u64),
    /// It is too long.
    Skipping { beginning: Vec<u8>, bytes: u64 },
}

impl<S> Sieve<S> {
    /// Passes messages of at most `max_bytes`. `place_of` is called for the others.
    pub fn new(inner: S, max_bytes: usize, place_of: PlaceOf) -> Self {
        Self {
            inner,
            max_bytes: max_bytes as u64,
            place_of,
            input: vec![0; INPUT].into(),
            unread: 0..0,
            output: Vec::new(),
            state: ParserState::Handshake(0),
            message: Message::Passing(0),
            skipped: Vec::new(),
        }
    }

    /// The wrapped stream.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Takes the messages that were skipped since the last call.
    pub fn take_skipped(&mut self) -> Vec<Skipped> {
        std::mem::take(&mut self.skipped)
    }

    /// The message that is being skipped. If the connection ends in it, it may be endless.
    pub fn unfinished(&self) -> Option<Skipped> {
        match &self.message {
            Message::Skipping { beginning, bytes } => Some(Skipped {
                place: (self.place_of)(beginning),
                bytes: *bytes,
            }),
            Message::Passing(_) => None,
        }
    }

    /// Moves passing bytes from the input to `out`, until one of them is used up.
    fn pass(&mut self, out: &mut ReadBuf<'_>) {
        loop {
            let output = self.output.len().min(out.remaining());
            out.put_slice(&self.output[..output]);
            self.output.drain(..output);
            if out.remaining() == 0 || self.unread.is_empty() {
                return;
            }
            let unread = &self.input[self.unread.clone()];
            let used = match &mut self.state {
                ParserState::Handshake(seen) => {
                    let byte = unread[0];
                    self.output.push(byte);
                    *seen = match byte == END_OF_HANDSHAKE[*seen] {
                        true => *seen + 1,
                        // A broken end sequence restarts with its first byte only.
                        false => usize::from(byte == END_OF_HANDSHAKE[0]),
                    };
                    if *seen == END_OF_HANDSHAKE.len() {
                        self.state = ParserState::Head(Head::default());
                    }
                    1
                }
                ParserState::Head(head) => {
                    if head.push(unread[0]) {
                        let head = std::mem::take(head);
                        self.judge(&head);
                    }
                    1
                }
                ParserState::Payload(left) => {
                    let most = unread.len().min(out.remaining());
                    let used = usize::try_from(*left).map_or(most, |left| left.min(most));
                    out.put_slice(&unread[..used]);
                    *left -= used as u64;
                    if *left == 0 {
                        self.state = ParserState::Head(Head::default());
                    }
                    used
                }
                ParserState::Skipping { left, is_last } => {
                    let most = unread.len();
                    let used = usize::try_from(*left).map_or(most, |left| left.min(most));
                    if let Message::Skipping { beginning, bytes } = &mut self.message {
                        let room = BEGINNING - beginning.len();
                        beginning.extend_from_slice(&unread[..used.min(room)]);
                        *bytes += used as u64;
                    }
                    *left -= used as u64;
                    if *left == 0 {
                        let is_last = *is_last;
                        self.end_frame(is_last);
                    }
                    used
                }
            };
            self.unread.start += used;
        }
    }

    /// Decides what happens to a frame.
    fn judge(&mut self, head: &Head) {
        let is_message_over = match &mut self.message {
            _ if head.is_control() => false,
            Message::Skipping { .. } => {
                self.state = ParserState::Skipping {
                    left: head.payload(),
                    is_last: head.is_last(),
                };
                if head.payload() == 0 {
                    self.end_frame(head.is_last());
                }
                return;
            }
            Message::Passing(bytes) => {
                *bytes = bytes.saturating_add(head.payload());
                if *bytes > self.max_bytes {
                    if head.is_continuation() {
                        // Its start has passed already; terminate it here.
                        self.output.extend_from_slice(&EMPTY_LAST_FRAGMENT);
                    }
                    self.message = Message::Skipping {
                        bytes: *bytes - head.payload(),
                        beginning: Vec::new(),
                    };
                    self.state = ParserState::Skipping {
                        left: head.payload(),
                        is_last: head.is_last(),
                    };
                    return;
                }
                head.is_last()
            }
        };
        if is_message_over {
            self.message = Message::Passing(0);
        }
        self.output.extend_from_slice(head.bytes());
        self.state = match head.payload() {
            0 => ParserState::Head(Head::default()),
            left => ParserState::Payload(left),
        };
    }

    /// A skipped frame ends, and the message with its last frame.
    fn end_frame(&mut self, is_last: bool) {
        self.state = ParserState::Head(Head::default());
        if is_last {
            self.skipped.extend(self.unfinished());
            self.message = Message::Passing(0);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Sieve<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = out.filled().len();
        let this = &mut *self;
        loop {
            this.pass(out);
            if out.filled().len() > before || out.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            let mut input = ReadBuf::new(&mut this.input);
            ready!(Pin::new(&mut this.inner).poll_read(context, &mut input))?;
            this.unread = 0..input.filled().len();
            if this.unread.is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Sieve<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
