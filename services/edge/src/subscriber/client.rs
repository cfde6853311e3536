//! The reading half: what comes from a client, as messages.

use std::cell::Cell;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use fanjet_filter::{ClientMessage, MessageError};
use futures::future::LocalBoxFuture;
use tokio::io::{AsyncRead, ReadBuf};

use super::inbound::{Broken, Inbound};
use super::message::Message;
use crate::limits::InboundMemory;

/// Read in one go; on the stack, so that it costs nothing while nothing comes.
const READ_AT_ONCE: usize = 8 << 10;
/// Bytes of a client that has nothing to say that are dropped before the connection is.
const MAX_DROPPED: usize = 64 << 10;

/// The result of parsing a long message.
type Parsed = Option<Result<ClientMessage, MessageError>>;

/// What is read of a client.
pub(super) enum Client {
    /// It speaks WebSocket.
    Speaks(Box<Inbound>),
    /// It speaks WebSocket, and a long message of it is being parsed: until that has taken effect nothing else is read.
    Parsing(Box<Inbound>, LocalBoxFuture<'static, Parsed>),
    /// It has nothing to say.
    SendOnly(Excess),
    /// What it sends cannot be understood any more, and is dropped until it or the time ends.
    Ignored,
    /// It has ended its half of the connection, or all of it.
    Gone,
}

/// A client whatever comes from which is dropped, up to a bound.
pub(super) struct Excess {
    left: usize,
    /// Set when it has sent more.
    is_overrun: Rc<Cell<bool>>,
}

impl Client {
    /// A client that gets a stream over plain HTTP.
    pub(super) fn send_only(is_overrun: Rc<Cell<bool>>) -> Self {
        let left = MAX_DROPPED;
        Self::SendOnly(Excess { left, is_overrun })
    }

    /// What comes next from the client.
    pub(super) fn poll_message(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> Poll<Message> {
        match self {
            Self::Speaks(inbound) => {
                let received =
                    ready!(inbound.poll_message(cx, |cx, bytes| read_into(cx, stream, bytes)));
                Poll::Ready(match received {
                    Ok(received) => Message::Received(received),
                    Err(broken) => Message::Unreadable(broken),
                })
            }
            Self::Parsing(_, parsing) => {
                let parsed = ready!(parsing.as_mut().poll(cx));
                if let Self::Parsing(inbound, _) = std::mem::replace(self, Self::Gone) {
                    *self = Self::Speaks(inbound);
                }
                Poll::Ready(Message::Parsed(parsed))
            }
            Self::SendOnly(excess) => {
                while let Some(dropped) = ready!(drop_some(cx, stream)) {
                    let Some(left) = excess.left.checked_sub(dropped) else {
                        excess.is_overrun.set(true);
                        break;
                    };
                    excess.left = left;
                }
                Poll::Ready(Message::Unreadable(Broken::Gone))
            }
            Self::Ignored => {
                while ready!(drop_some(cx, stream)).is_some() {}
                Poll::Ready(Message::Unreadable(Broken::Gone))
            }
            Self::Gone => Poll::Pending,
        }
    }

    /// Parses a long message on another thread; it comes back as [`Message::Parsed`].
    pub(super) fn parse_aside(&mut self, text: Bytes, memory: &Arc<InboundMemory>) {
        let memory = Arc::clone(memory);
        let parsing = async move {
            let parsed = memory.read_aside(move || ClientMessage::parse(&text)).await;
            parsed.ok()
        };
        if let Self::Speaks(inbound) = std::mem::replace(self, Self::Gone) {
            *self = Self::Parsing(inbound, Box::pin(parsing));
        }
    }
}

/// Reads what has come and drops it, as far as it does not end: closing a connection with something unread makes the system
/// take back what the client has yet to read.
pub(super) fn drop_arrived(cx: &mut Context<'_>, stream: &mut (impl AsyncRead + Unpin)) {
    let mut left = MAX_DROPPED;
    while let Poll::Ready(Some(dropped)) = drop_some(cx, stream)
        && let Some(less) = left.checked_sub(dropped)
    {
        left = less;
    }
}

fn read_into(
    cx: &mut Context<'_>,
    stream: &mut (impl AsyncRead + Unpin),
    bytes: &mut BytesMut,
) -> Poll<io::Result<usize>> {
    poll_some(cx, stream, |read| bytes.extend_from_slice(read))
}

/// How many bytes came; `None` at the end.
fn drop_some(cx: &mut Context<'_>, stream: &mut (impl AsyncRead + Unpin)) -> Poll<Option<usize>> {
    let dropped = ready!(poll_some(cx, stream, |_| {}));
    Poll::Ready(dropped.ok().filter(|&bytes| bytes > 0))
}

fn poll_some(
    cx: &mut Context<'_>,
    stream: &mut (impl AsyncRead + Unpin),
    take: impl FnOnce(&[u8]),
) -> Poll<io::Result<usize>> {
    let mut bytes = [MaybeUninit::uninit(); READ_AT_ONCE];
    let mut buf = ReadBuf::uninit(&mut bytes);
    ready!(Pin::new(stream).poll_read(cx, &mut buf))?;
    take(buf.filled());
    Poll::Ready(Ok(buf.filled().len()))
}
