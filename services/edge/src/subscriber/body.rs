//! The writer for actix-web: a streaming response body. The dispatcher joins what it gets into one write.

use std::convert::Infallible;

use bytes::Bytes;
use futures::Stream;
use futures::stream::poll_fn;

use super::Feed;

/// The body of one subscriber's connection. `held` is kept until the connection is gone.
pub(crate) fn body(
    mut feed: Feed,
    held: impl Sized,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    poll_fn(move |cx| {
        let _ = &held;
        let polled = feed.poll_bytes(cx);
        feed.member().outbox().asked(polled.is_ready());
        polled.map(|bytes| bytes.map(Ok))
    })
}
