//! The paths of a server, so that every other method and path is rejected in the same way.

use std::future::{Ready, ready};

use actix_web::http::{Method, header};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder, web};

/// The methods of a read-only path.
const READ: &str = "GET, HEAD, OPTIONS";
/// All supported methods.
const ALL: &str = "GET, HEAD, OPTIONS, POST";

/// The paths of a server, for the error about an unknown one.
#[derive(Debug, Clone, Copy)]
pub struct Paths(pub &'static [&'static str]);

/// A read-only path.
pub fn get<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path)
        .get(handler)
        .default_service(web::to(|request: HttpRequest| async move {
            allow(&request, READ)
        }))
}

/// The response to an unsupported method: it lists the supported ones.
pub fn allow(request: &HttpRequest, methods: &'static str) -> HttpResponse {
    if request.method() == Method::OPTIONS {
        return HttpResponse::NoContent()
            .insert_header((header::ALLOW, methods))
            .finish();
    }
    HttpResponse::MethodNotAllowed()
        .insert_header((header::ALLOW, methods))
        .content_type("text/plain; charset=utf-8")
        .body(format!(
            "method {} not allowed (allowed: {methods})",
            request.method()
        ))
}

impl Paths {
    /// Responds to every other path.
    pub fn others(self) -> impl Fn(HttpRequest) -> Ready<HttpResponse> + Clone + 'static {
        move |request| {
            let whole_server = request.method() == Method::OPTIONS && request.path() == "*";
            ready(match whole_server {
                true => allow(&request, ALL),
                false => self.not_found(&request),
            })
        }
    }

    fn not_found(self, request: &HttpRequest) -> HttpResponse {
        HttpResponse::NotFound()
            .content_type("text/plain; charset=utf-8")
            .body(format!(
                "not found: {} (allowed: {})",
                request.path(),
                self.0.join(", ")
            ))
    }
}
