//! The reading half: turns client bytes into messages.

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

use super::inbound::{Inbound, ReceiveError};
use super::message::Message;
use crate::limits::InboundMemory;

/// Bytes per read; on the stack, so that idle clients cost nothing.
const READ_AT_ONCE: usize = 8 << 10;
/// Bytes that a send-only client may send before its connection is closed.
const MAX_DROPPED: usize = 64 << 10;

/// The result of parsing a long message.
type Parsed = Option<Result<ClientMessage, MessageError>>;

/// The reading state of a client.
pub(super) enum Client {
    /// A WebSocket client.
    WebSocket(Box<Inbound>),
    /// A WebSocket client whose long message is being parsed: nothing else is read until it is applied.
    Parsing(Box<Inbound>, LocalBoxFuture<'static, Parsed>),
    /// A client of an HTTP stream, which sends nothing.
    SendOnly(Excess),
    /// A client after a protocol error: its bytes are dropped until it disconnects or the linger timeout ends.
    Ignored,
    /// The client has closed its half of the connection, or all of it.
    Gone,
}

/// Drops the bytes of a client, up to a limit.
pub(super) struct Excess {
    left: usize,
    /// Set when the client has exceeded the limit.
    is_overrun: Rc<Cell<bool>>,
}

impl Client {
    /// A client that receives a stream over plain HTTP.
    pub(super) fn send_only(is_overrun: Rc<Cell<bool>>) -> Self {
        let left = MAX_DROPPED;
        Self::SendOnly(Excess { left, is_overrun })
    }

    /// The next message from the client.
    pub(super) fn poll_message(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> Poll<Message> {
        match self {
            Self::WebSocket(inbound) => {
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
                    *self = Self::WebSocket(inbound);
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
                Poll::Ready(Message::Unreadable(ReceiveError::Gone))
            }
            Self::Ignored => {
                while ready!(drop_some(cx, stream)).is_some() {}
                Poll::Ready(Message::Unreadable(ReceiveError::Gone))
            }
            Self::Gone => Poll::Pending,
        }
    }

    /// Parses a long message on another thread; the result arrives as [`Message::Parsed`].
    pub(super) fn parse_blocking(&mut self, text: Bytes, memory: &Arc<InboundMemory>) {
        let memory = Arc::clone(memory);
        let parsing = async move {
            let parsed = memory
                .run_blocking(move || ClientMessage::parse(&text))
                .await;
            parsed.ok()
        };
        if let Self::WebSocket(inbound) = std::mem::replace(self, Self::Gone) {
            *self = Self::Parsing(inbound, Box::pin(parsing));
        }
    }
}

/// Reads and drops the bytes that have arrived, up to a limit. When a socket is closed with unread data, the kernel resets the
/// connection, and the client loses what it has not read yet.
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

/// The number of bytes dropped; `None` at the end.
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
