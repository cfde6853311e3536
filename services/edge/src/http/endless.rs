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
use fanjet_http::chunk;
use futures::stream::iter;

/// Answers a request of this version with these bytes, behind which more may come by another way. The connection ends with
/// them, so that a node which drains does not wait for another request.
pub(super) fn endless(
    mut response: HttpResponseBuilder,
    version: Version,
    bytes: Option<Bytes>,
) -> HttpResponse {
    response.force_close();
    if !is_chunked(version) {
        return unchunked(response.streaming(iter(bytes.map(Ok::<_, Infallible>))));
    }
    let chunks = bytes.into_iter().flat_map(chunk);
    let mut response = unchunked(response.streaming(iter(chunks.map(Ok::<_, Infallible>))));
    let chunked = HeaderValue::from_static("chunked");
    response.headers_mut().insert(TRANSFER_ENCODING, chunked);
    response
}

/// Whether the bytes of such an answer stand in chunks.
pub(super) fn is_chunked(version: Version) -> bool {
    version >= Version::HTTP_11
}

/// The server writes what it gets, and nothing around it.
fn unchunked(mut response: HttpResponse) -> HttpResponse {
    response.head_mut().no_chunking(true);
    response
}
