//! Takes messages that are too long out of what a server sends, before anything collects them.
//!
//! A WebSocket library can only end a connection at such a message, and a server of events sends it again behind the same
//! cursor, for ever. Here its bytes are read and forgotten, and what follows is read as if it had not been there. All that
//! is kept of it is its beginning, in which its place may stand. Everything else passes unchanged: whether it is good WebSocket is
//! for the library behind this to say.

mod head;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use head::Head;

/// How much is read in one go.
const INPUT: usize = 64 << 10;
/// How much of a message that is too long is kept while it is skipped. The seq of a firehose frame stands behind its list of
/// operations at the latest, when its keys are in order.
const BEGINNING: usize = 64 << 10;

/// What a server may send to end a fragmented message.
const EMPTY_LAST_FRAGMENT: [u8; 2] = [0x80, 0];
const END_OF_HANDSHAKE: [u8; 4] = *b"\r\n\r\n";

/// A message that was too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped {
    /// Its place among all, where its beginning says it.
    pub place: Option<u64>,
    /// Its bytes; so far, when it never ended.
    pub bytes: u64,
}

/// Reads a message's place (a seq, a time, whatever a server can be asked for) from its beginning.
pub type PlaceOf = fn(&[u8]) -> Option<u64>;

/// A stream of a server's WebSocket bytes, its handshake included.
#[derive(Debug)]
pub struct Sieve<S> {
    inner: S,
    max_bytes: u64,
    place_of: PlaceOf,
    input: Box<[u8]>,
    /// What of `input` is not looked at yet.
    unread: std::ops::Range<usize>,
    /// What goes out before anything else.
    output: Vec<u8>,
    place: Place,
    message: Message,
    skipped: Vec<Skipped>,
}

/// Where the next byte stands.
#[derive(Debug)]
enum Place {
    /// In the answer to the handshake, so many bytes of whose end were just seen.
    Handshake(usize),
    /// In a frame's head.
    Head(Head),
    /// In a payload that passes; so much is left.
    Payload(u64),
    /// In a payload that is skipped.
    Skipping { left: u64, is_last: bool },
}

/// The message that is being read.
#[derive(Debug)]
enum Message {
    /// It passes. So many bytes so far; none: the last one is complete.
    Passing(u64),
    /// It is too long.
    Skipping { beginning: Vec<u8>, bytes: u64 },
}

impl<S> Sieve<S> {
    /// Lets messages of at most `max_bytes` pass. `place_of` is asked about the others.
    pub fn new(inner: S, max_bytes: usize, place_of: PlaceOf) -> Self {
        Self {
            inner,
            max_bytes: max_bytes as u64,
            place_of,
            input: vec![0; INPUT].into(),
            unread: 0..0,
            output: Vec::new(),
            place: Place::Handshake(0),
            message: Message::Passing(0),
            skipped: Vec::new(),
        }
    }

    /// What is sieved.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The messages that were skipped since the last call.
    pub fn take_skipped(&mut self) -> Vec<Skipped> {
        std::mem::take(&mut self.skipped)
    }

    /// The message that is being skipped now: where the connection ends in it, it may never have an end.
    pub fn unfinished(&self) -> Option<Skipped> {
        match &self.message {
            Message::Skipping { beginning, bytes } => Some(Skipped {
                place: (self.place_of)(beginning),
                bytes: *bytes,
            }),
            Message::Passing(_) => None,
        }
    }

    /// Moves what passes from the input to `out`, until one of them is used up.
    fn pass(&mut self, out: &mut ReadBuf<'_>) {
        loop {
            let output = self.output.len().min(out.remaining());
            out.put_slice(&self.output[..output]);
            self.output.drain(..output);
            if out.remaining() == 0 || self.unread.is_empty() {
                return;
            }
            let unread = &self.input[self.unread.clone()];
            let used = match &mut self.place {
                Place::Handshake(seen) => {
                    let byte = unread[0];
                    self.output.push(byte);
                    *seen = match byte == END_OF_HANDSHAKE[*seen] {
                        true => *seen + 1,
                        // The end begins anew with its first byte only.
                        false => usize::from(byte == END_OF_HANDSHAKE[0]),
                    };
                    if *seen == END_OF_HANDSHAKE.len() {
                        self.place = Place::Head(Head::default());
                    }
                    1
                }
                Place::Head(head) => {
                    if head.push(unread[0]) {
                        let head = std::mem::take(head);
                        self.judge(&head);
                    }
                    1
                }
                Place::Payload(left) => {
                    let most = unread.len().min(out.remaining());
                    let used = usize::try_from(*left).map_or(most, |left| left.min(most));
                    out.put_slice(&unread[..used]);
                    *left -= used as u64;
                    if *left == 0 {
                        self.place = Place::Head(Head::default());
                    }
                    used
                }
                Place::Skipping { left, is_last } => {
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

    /// Says what becomes of a frame.
    fn judge(&mut self, head: &Head) {
        let is_message_over = match &mut self.message {
            _ if head.is_control() => false,
            Message::Skipping { .. } => {
                self.place = Place::Skipping {
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
                        // Its beginning has passed already, and ends here.
                        self.output.extend_from_slice(&EMPTY_LAST_FRAGMENT);
                    }
                    self.message = Message::Skipping {
                        bytes: *bytes - head.payload(),
                        beginning: Vec::new(),
                    };
                    self.place = Place::Skipping {
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
        self.place = match head.payload() {
            0 => Place::Head(Head::default()),
            left => Place::Payload(left),
        };
    }

    /// A frame that was skipped is over, and with the last one its message.
    fn end_frame(&mut self, is_last: bool) {
        self.place = Place::Head(Head::default());
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
