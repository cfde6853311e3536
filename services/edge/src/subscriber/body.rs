//! The writers for actix-web: streaming response bodies. The dispatcher joins what it gets into one write.

use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use fanjet_http::Gate;
use futures::Stream;
use futures::stream::poll_fn;
use tokio::sync::oneshot;

use super::Feed;

type Next = Poll<Option<Result<Bytes, Infallible>>>;

/// The body of one subscriber's connection. `held` is kept until the connection is gone.
pub(crate) fn body(
    mut feed: Feed,
    held: impl Sized,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    poll_fn(move |cx| {
        let _ = &held;
        poll(&mut feed, cx)
    })
}

/// The body of a WebSocket. `held` is kept until everything is written, the connection until the client's `goodbye` as well:
/// then it ends at once.
pub(crate) fn socket_body(
    feed: Feed,
    held: impl Sized,
    mut goodbye: oneshot::Receiver<()>,
    gate: Option<Rc<Gate>>,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let mut serving = Some((feed, held));
    poll_fn(move |cx| {
        if let Some((feed, _)) = &mut serving {
            let next = poll(feed, cx);
            if !matches!(next, Poll::Ready(None)) {
                return next;
            }
            serving = None;
        }
        let is_said = ready!(Pin::new(&mut goodbye).poll(cx)).is_ok();
        if let (true, Some(gate)) = (is_said, &gate) {
            gate.end();
        }
        Poll::Ready(None)
    })
}

fn poll(feed: &mut Feed, cx: &mut Context<'_>) -> Next {
    let polled = feed.poll_bytes(cx);
    feed.member().outbox().asked(polled.is_ready());
    polled.map(|bytes| bytes.map(Ok))
}
