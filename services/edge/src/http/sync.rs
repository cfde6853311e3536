//! `com.atproto.sync.*` beside the stream: what a relay answers over HTTP. This node has no repos, so it asks its upstream, sends
//! the client there, or says that it does not serve a method.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use fanjet_http::get;
use serde::Deserialize;
use serde_json::json;

use super::api_key::api_key;
use super::client_address::client_address;
use super::firehose::{FirehoseContext, SERVER};
use super::posted::read_posted;
use super::xrpc::response::{
    error, invalid, method_not_allowed, not_implemented, object, open_to_all, reads, refused,
};
use crate::limits::Holder;
use crate::refusal::Refusal;
use crate::upstream_api::{NoAnswer, UpstreamAnswer, method_url};

/// Asked of the upstream, whose answer is passed on.
const PROXIED: [&str; 5] = [
    "listRepos",
    "getRepoStatus",
    "getLatestCommit",
    "listHosts",
    "getHostStatus",
];
/// Longest body of a request.
const MAX_BODY: usize = 4 << 10;
/// By this in `Via` or `User-Agent` relays are recognised.
const RELAY: &str = "atproto-relay";

type Context = web::Data<Option<FirehoseContext>>;

/// All endpoints but the stream.
pub(super) fn sync_endpoints(config: &mut web::ServiceConfig) {
    for method in PROXIED {
        config.service(reads(&nsid(method)).get(proxied));
    }
    let posts = |request: HttpRequest| async move { method_not_allowed(&request, "POST, OPTIONS") };
    config
        .service(reads(&nsid("getRepo")).get(get_repo))
        .service(reads(&nsid("listReposByCollection")).get(list_repos_by_collection))
        .service(
            web::resource(nsid("requestCrawl"))
                .post(request_crawl)
                .default_service(web::to(posts)),
        )
        .service(web::resource(nsid("{method}")).default_service(web::to(
            |request: HttpRequest| async move { as_relay(not_implemented(&request)) },
        )))
        .service(get("/_health", health))
        .service(get("/xrpc/_health", health));
}

fn nsid(method: &str) -> String {
    format!("/xrpc/com.atproto.sync.{method}")
}

async fn health() -> HttpResponse {
    as_relay(object(&json!({"status": "ok"})))
}

/// The answer of the upstream.
async fn proxied(request: HttpRequest, context: Context) -> HttpResponse {
    let Some((context, upstream)) = upstream_of(&context) else {
        return as_relay(not_implemented(&request));
    };
    let holder = holder_of(&request, context);
    let method = request.path().trim_start_matches("/xrpc/com.atproto.sync.");
    let answer = upstream.get(holder, method, request.query_string());
    as_relay(tokio::select! {
        answer = answer => passed_on(answer),
        () = context.draining.cancelled() => refused(&Refusal::Draining),
    })
}

/// A repo is large: its bytes do not go through this node.
async fn get_repo(request: HttpRequest, context: Context) -> HttpResponse {
    let Some((_, upstream)) = upstream_of(&context) else {
        return as_relay(not_implemented(&request));
    };
    let url = upstream.url("getRepo", request.query_string());
    as_relay(found(url.as_str()))
}

/// Another service answers this one.
async fn list_repos_by_collection(request: HttpRequest, context: Context) -> HttpResponse {
    let base = (**context).as_ref().and_then(|it| it.collections.as_ref());
    as_relay(match base {
        Some(base) => {
            let url = method_url(base, "listReposByCollection", request.query_string());
            found(url.as_str())
        }
        None => not_implemented(&request),
    })
}

#[derive(Deserialize)]
struct Crawl {
    hostname: String,
}

async fn request_crawl(request: HttpRequest, body: web::Payload, context: Context) -> HttpResponse {
    as_relay(match crawl(&request, body, &context).await {
        Ok(response) => response,
        Err(refusal) => {
            if let Some(context) = (**context).as_ref() {
                context.refusals.refused(&refusal);
            }
            refused(&refusal)
        }
    })
}

async fn crawl(
    request: &HttpRequest,
    body: web::Payload,
    context: &Context,
) -> Result<HttpResponse, Refusal> {
    let Some((context, upstream)) = upstream_of(context).filter(|(it, _)| it.may_request_crawl)
    else {
        return Ok(not_implemented(request));
    };
    if went_through_a_relay(request.headers()) {
        return Ok(invalid(
            "this request went through a relay already, or comes from one",
        ));
    }
    let client = client_address(request, &context.trusted_proxies);
    let key = api_key(request);
    let slot = context.admission.admit(client, key.as_deref())?;
    let parse = |text: &[u8]| serde_json::from_slice::<Crawl>(text).ok();
    let (sending, draining) = (slot.sending(), &context.draining);
    let crawl = read_posted(
        request,
        body,
        sending,
        &context.inbound,
        draining,
        MAX_BODY,
        parse,
    );
    let Some(Crawl { hostname }) = crawl.await? else {
        return Ok(invalid("the body must be {\"hostname\": \"...\"}"));
    };
    let answer = upstream.request_crawl(holder_of(request, context), &hostname);
    tokio::select! {
        answer = answer => Ok(passed_on(answer)),
        () = context.draining.cancelled() => Err(Refusal::Draining),
    }
}

/// A chain of relays that ask each other would never end.
fn went_through_a_relay(headers: &HeaderMap) -> bool {
    let names = [header::VIA, header::USER_AGENT];
    names.iter().any(|name| {
        let mut values = headers.get_all(name);
        values.any(|value| String::from_utf8_lossy(value.as_bytes()).contains(RELAY))
    })
}

fn upstream_of(context: &Context) -> Option<(&FirehoseContext, &crate::upstream_api::UpstreamApi)> {
    let context = (***context).as_ref()?;
    Some((context, context.upstream.as_ref()?))
}

fn holder_of(request: &HttpRequest, context: &FirehoseContext) -> Holder {
    Holder::of(client_address(request, &context.trusted_proxies), None)
}

fn passed_on(answer: Result<UpstreamAnswer, NoAnswer>) -> HttpResponse {
    match answer {
        Ok(answer) => {
            let mut response = HttpResponse::build(answer.status);
            response.content_type("application/json");
            let mut response = open_to_all(response.body(answer.body));
            let headers = response.headers_mut();
            put(headers, header::LOCATION, answer.location);
            put(headers, header::RETRY_AFTER, answer.retry_after);
            response
        }
        Err(NoAnswer::Failed) => error(
            StatusCode::BAD_GATEWAY,
            "UpstreamFailure",
            "the relay behind this node did not answer",
        ),
        Err(NoAnswer::Busy(_)) => {
            let message = "too many requests to the relay behind this node, try again later";
            let status = StatusCode::SERVICE_UNAVAILABLE;
            let mut response = error(status, "ServiceUnavailable", message);
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: Option<Vec<u8>>) {
    let value = value.and_then(|value| HeaderValue::from_bytes(&value).ok());
    if let Some(value) = value {
        headers.insert(name, value);
    }
}

fn found(url: &str) -> HttpResponse {
    let mut response = HttpResponse::Found();
    open_to_all(response.insert_header((header::LOCATION, url)).finish())
}

fn as_relay(mut response: HttpResponse) -> HttpResponse {
    let headers = response.headers_mut();
    headers.insert(header::SERVER, HeaderValue::from_static(SERVER));
    response
}
