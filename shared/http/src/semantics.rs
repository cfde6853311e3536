//! Rules of HTTP for every request, on any path: RFC 9110 and 9112.

use std::future::{Future, ready};
use std::rc::Rc;

use actix_http::body::{BodyStream, BoxBody, MessageBody};
use actix_web::HttpResponse;
use actix_web::body::BodySize;
use actix_web::dev::{RequestHead, Service, ServiceRequest, ServiceResponse};
use actix_web::error::Error;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode, Version};
use actix_web::web::Bytes;
use futures::future::Either;
use futures::stream::empty;

use crate::Gate;

/// What follows a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behind {
    Body(u64),
    WebSocket,
}

/// Why a request is rejected on any path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Misplaced {
    /// A path with percent-encoding. A proxy that allows some paths only compares the raw path.
    Escaped,
    /// WebSockets exist at these paths only.
    WebSocket(&'static [&'static str]),
    /// A body without a Content-Length.
    Chunked,
}

/// Passes a request to `service` and adapts the response to HTTP: HEAD as GET without a body, and nothing that HTTP/1.0
/// does not support. Browsers must not sniff content types. `websockets` are the paths of WebSocket
/// upgrades.
pub fn semantics<S>(
    mut request: ServiceRequest,
    service: &S,
    websockets: &'static [&'static str],
) -> impl Future<Output = Result<ServiceResponse<BoxBody>, Error>> + use<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error>,
{
    let is_head = request.method() == Method::HEAD;
    let behind = behind(request.head(), websockets);
    let gate = request.conn_data::<Rc<Gate>>().cloned();
    if let Some(gate) = &gate {
        match behind {
            Ok(Behind::WebSocket) => gate.ahead(),
            Ok(Behind::Body(bytes)) => gate.body(bytes),
            Err(_) => gate.end(),
        }
    }
    let answer = match behind {
        Err(misplaced) => {
            let answer = misplaced.answer(request.path());
            Either::Left(ready(Ok(request.into_response(answer))))
        }
        Ok(_) => {
            if is_head {
                request.head_mut().method = Method::GET;
            }
            Either::Right(service.call(request))
        }
    };
    async move {
        let answer = answer.await?;
        let is_refused = answer.status() != StatusCode::SWITCHING_PROTOCOLS;
        if let Some(gate) = gate {
            if behind == Ok(Behind::WebSocket) && is_refused {
                // It stays HTTP, and has no body.
                gate.body(0);
            }
            if is_head {
                gate.keep();
            }
        }
        Ok(answered(answer, is_head))
    }
}

/// What follows this head.
fn behind(head: &RequestHead, websockets: &'static [&'static str]) -> Result<Behind, Misplaced> {
    if head.uri.path().contains('%') {
        return Err(Misplaced::Escaped);
    }
    if wants_websocket(&head.headers) {
        let may_upgrade = head.method == Method::GET && head.version >= Version::HTTP_11;
        // On other paths the server would wait for bytes that have no meaning.
        let path = head.uri.path();
        return match may_upgrade && websockets.iter().any(|at| is_at(path, at)) {
            true => Ok(Behind::WebSocket),
            false => Err(Misplaced::WebSocket(websockets)),
        };
    }
    if head.headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(Misplaced::Chunked);
    }
    // The body of a request without a use for it is ignored.
    if head.method != Method::POST {
        return Ok(Behind::Body(0));
    }
    let length = head.headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.trim().parse().ok());
    Ok(Behind::Body(length.unwrap_or_default()))
}

/// Whether a path is this one. `*` stands for one segment.
fn is_at(path: &str, at: &str) -> bool {
    let Some((before, behind)) = at.split_once('*') else {
        return path == at;
    };
    let rest = path.strip_prefix(before);
    let segment = rest.and_then(|rest| rest.strip_suffix(behind));
    segment.is_some_and(|segment| !segment.is_empty() && !segment.contains('/'))
}

/// Whether the server's parser treats this head as a WebSocket upgrade.
fn wants_websocket(headers: &HeaderMap) -> bool {
    let mut protocols = headers.get_all(header::UPGRADE);
    protocols.any(|protocol| {
        let protocol = protocol.as_bytes().trim_ascii();
        protocol.eq_ignore_ascii_case(b"websocket")
    })
}

impl Misplaced {
    fn answer(self, path: &str) -> HttpResponse {
        let (status, words) = match self {
            Self::Escaped => (
                StatusCode::NOT_FOUND,
                format!("not found: {path} (allowed: paths without percent-encoding)"),
            ),
            Self::WebSocket([]) => (
                StatusCode::BAD_REQUEST,
                "no WebSocket on this port (allowed: plain HTTP)".to_owned(),
            ),
            Self::WebSocket(paths) => (
                StatusCode::BAD_REQUEST,
                format!(
                    "no WebSocket at this path (allowed: GET {} with HTTP/1.1)",
                    paths.join(" or ")
                ),
            ),
            Self::Chunked => (
                StatusCode::LENGTH_REQUIRED,
                "chunked body not allowed (allowed: a body with Content-Length)".to_owned(),
            ),
        };
        HttpResponse::build(status)
            .content_type("text/plain; charset=utf-8")
            .body(words)
    }
}

/// Adapts the response to the request's method and version.
fn answered(mut response: ServiceResponse<BoxBody>, is_head: bool) -> ServiceResponse<BoxBody> {
    let nosniff = HeaderValue::from_static("nosniff");
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    if response.request().version() < Version::HTTP_11 {
        // It ends with the connection.
        response.response_mut().head_mut().no_chunking(true);
    }
    let is_stream = response.response().body().size() == BodySize::Stream;
    if is_head && is_stream {
        // Its bytes would be discarded for as long as it lasts.
        let nothing = || BodyStream::new(empty::<Result<Bytes, Error>>()).boxed();
        return response.map_body(|_, _| nothing());
    }
    response
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const AT: &str = "/subscribe";
    const PATHS: &[&str] = &["/other", AT];

    fn head(method: Method, path: &str, headers: &[(&str, &str)], version: Version) -> RequestHead {
        let request = TestRequest::with_uri(path).method(method).version(version);
        let request = headers
            .iter()
            .fold(request, |it, &field| it.append_header(field));
        request.to_http_request().head().clone()
    }

    #[test]
    fn only_what_a_request_needs_is_read_behind_it() {
        let (old, new) = (Version::HTTP_10, Version::HTTP_11);
        let (upgrade, upgrades) = (("upgrade", "WebSocket"), ("upgrade", "h2c, websocket"));
        let misplaced = Err(Misplaced::WebSocket(PATHS));
        for (method, path, headers, version, expected) in [
            (Method::GET, AT, &[upgrade][..], new, Ok(Behind::WebSocket)),
            (Method::GET, AT, &[upgrades], new, Ok(Behind::Body(0))),
            (Method::GET, AT, &[upgrade], old, misplaced),
            (Method::HEAD, AT, &[upgrade], new, misplaced),
            (Method::GET, "/", &[upgrade], new, misplaced),
            (Method::GET, AT, &[], new, Ok(Behind::Body(0))),
            (
                Method::GET,
                "/",
                &[("content-length", "9")],
                new,
                Ok(Behind::Body(0)),
            ),
            (
                Method::POST,
                "/",
                &[("content-length", "9")],
                new,
                Ok(Behind::Body(9)),
            ),
            (Method::POST, "/", &[], new, Ok(Behind::Body(0))),
            (
                Method::POST,
                "/",
                &[("transfer-encoding", "chunked")],
                new,
                Err(Misplaced::Chunked),
            ),
            (
                Method::GET,
                "/",
                &[("transfer-encoding", "chunked")],
                new,
                Err(Misplaced::Chunked),
            ),
        ] {
            let head = head(method, path, headers, version);
            assert_eq!(behind(&head, PATHS), expected, "{head:?}");
        }
    }
}
