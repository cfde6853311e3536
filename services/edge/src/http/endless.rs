//! The body of an answer that is never complete.
//!
//! A reader that finds the proper end of a body takes it for all there is, and several never come back: whoever is sent away
//! would be lost. So the body is cut off. The server itself would write the last chunk; the chunks are made here, and there is
//! no last one. Before HTTP/1.1 there are no chunks: there the end of the connection is the only one.

use std::convert::Infallible;

use actix_web::http::Version;
use actix_web::http::header::{HeaderValue, TRANSFER_ENCODING};
use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use futures::stream::iter;
use futures::{Stream, StreamExt};

const LINE_END: Bytes = Bytes::from_static(b"\r\n");

/// Answers a request of this version with bytes that go on until the client is sent away. The connection ends with them, so
/// that a node which drains does not wait for another request.
pub(super) fn endless(
    mut response: HttpResponseBuilder,
    version: Version,
    bytes: impl Stream<Item = Bytes> + 'static,
) -> HttpResponse {
    response.force_close();
    if version < Version::HTTP_11 {
        return unchunked(response.streaming(bytes.map(Ok::<_, Infallible>)));
    }
    let chunks = bytes.flat_map(|bytes| iter(chunk(bytes)).map(Ok::<_, Infallible>));
    let mut response = unchunked(response.streaming(chunks));
    let chunked = HeaderValue::from_static("chunked");
    response.headers_mut().insert(TRANSFER_ENCODING, chunked);
    response
}

/// RFC 9112, section 7.1. One without bytes would be the last.
fn chunk(bytes: Bytes) -> impl Iterator<Item = Bytes> {
    let size = format!("{:X}\r\n", bytes.len());
    let parts = [Bytes::from(size), bytes, LINE_END];
    let is_chunk = !parts[1].is_empty();
    parts.into_iter().filter(move |_| is_chunk)
}

/// The server writes what it gets, and nothing around it.
fn unchunked(mut response: HttpResponse) -> HttpResponse {
    response.head_mut().no_chunking(true);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_what_the_standard_says_and_none_is_the_last() {
        let text = |bytes: Bytes| -> String {
            let parts: Vec<_> = chunk(bytes).collect();
            String::from_utf8(parts.concat()).unwrap()
        };
        assert_eq!(
            text(Bytes::from_static(b"0123456789")),
            "A\r\n0123456789\r\n"
        );
        assert_eq!(text(vec![b'x'; 300].into()).lines().next(), Some("12C"));
        assert_eq!(text(Bytes::new()), "");
    }
}
