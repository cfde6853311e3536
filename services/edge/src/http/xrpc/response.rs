//! Responses in the form of XRPC.

use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, Resource, web};
use serde_json::json;

use crate::refusal::Refusal;

/// Whatever a page of any origin may read: it is public.
pub(in crate::http) fn open_to_all(mut response: HttpResponse) -> HttpResponse {
    let any = header::HeaderValue::from_static("*");
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    let readable = header::HeaderValue::from_static(
        "content-range, etag, fanjet-gap, retry-after, x-zstd-dictionary-id",
    );
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, readable);
    response
}

/// An error with its name.
pub(in crate::http) fn error(status: StatusCode, name: &str, message: &str) -> HttpResponse {
    let body = json!({"error": name, "message": message}).to_string();
    let mut response = HttpResponse::build(status);
    open_to_all(response.content_type("application/json").body(body))
}

pub(in crate::http) fn invalid(message: &str) -> HttpResponse {
    error(StatusCode::BAD_REQUEST, "InvalidRequest", message)
}

pub(in crate::http) fn object(body: &serde_json::Value) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    open_to_all(
        response
            .content_type("application/json")
            .body(body.to_string()),
    )
}

/// A refused request.
pub(in crate::http) fn refused(refusal: &Refusal) -> HttpResponse {
    let (status, name) = refusal.xrpc();
    let mut response = error(status, name, &refusal.text());
    refusal.put_headers(status, response.headers_mut());
    response
}

/// A path that is only read.
pub(in crate::http) fn reads(path: &str) -> Resource {
    let others =
        |request: HttpRequest| async move { method_not_allowed(&request, "GET, HEAD, OPTIONS") };
    web::resource(path.to_owned()).default_service(web::to(others))
}

/// The methods that a path has.
pub(in crate::http) fn method_not_allowed(
    request: &HttpRequest,
    methods: &'static str,
) -> HttpResponse {
    let allow = header::HeaderValue::from_static(methods);
    let mut response = if request.method() == Method::OPTIONS {
        let mut response = open_to_all(HttpResponse::NoContent().finish());
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, allow.clone());
        let settable = header::HeaderValue::from_static(
            "authorization, content-type, range, if-range, if-none-match",
        );
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, settable);
        response
    } else {
        let message = format!(
            "method {} not allowed (allowed: {methods})",
            request.method()
        );
        error(StatusCode::METHOD_NOT_ALLOWED, "InvalidRequest", &message)
    };
    response.headers_mut().insert(header::ALLOW, allow);
    response
}

pub(in crate::http) fn not_implemented(request: &HttpRequest) -> HttpResponse {
    let method = request.path().trim_start_matches("/xrpc/");
    let message = format!("{method} is not implemented here");
    error(
        StatusCode::NOT_IMPLEMENTED,
        "MethodNotImplemented",
        &message,
    )
}
