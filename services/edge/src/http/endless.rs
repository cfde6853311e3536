//! The body of a response that never completes.
//!
//! Clients that see a proper end of the body treat it as complete, and several never reconnect. So the body is cut off
//! instead: this module writes the chunks itself and never writes the last one, which the server would add. Before HTTP/1.1
//! there are no chunks, and only the end of the connection ends a body.

use std::convert::Infallible;

use actix_web::http::Version;
use actix_web::http::header::{HeaderValue, TRANSFER_ENCODING};
use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use fanjet_http::chunk;
use futures::stream::iter;

/// A response with these first bytes, which the connection's new owner continues. The connection closes after it, so that a
/// draining node does not wait for another request.
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

/// Whether such a response is chunked.
pub(super) fn is_chunked(version: Version) -> bool {
    version >= Version::HTTP_11
}

/// The server writes the bytes unchanged.
fn unchunked(mut response: HttpResponse) -> HttpResponse {
    response.head_mut().no_chunking(true);
    response
}
