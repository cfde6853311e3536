//! The endpoints of an archive that does not exist: lists are empty, nothing is found.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;
use url::form_urlencoded;

use super::response::{error, invalid, object};

/// `listSegments`: none.
pub(super) async fn list_segments(request: HttpRequest) -> HttpResponse {
    match parameter(&request, "limit").map(|limit| limit.parse::<u64>()) {
        None | Some(Ok(1..)) => {}
        Some(_) => return invalid("limit must be an integer from 1 on"),
    }
    match parameter(&request, "cursor").map(|cursor| cursor.parse::<u64>()) {
        None | Some(Ok(_)) => object(&json!({"segments": []})),
        Some(Err(_)) => invalid("cursor must be a segment index"),
    }
}

/// `getSegment`: none is found.
pub(super) async fn get_segment(request: HttpRequest) -> HttpResponse {
    absent_segment(parameter(&request, "name"))
}

/// `getBlock`: none is found.
pub(super) async fn get_block(request: HttpRequest) -> HttpResponse {
    let index = parameter(&request, "blockIndex");
    match index.map(|index| index.parse::<u32>()) {
        Some(Ok(_)) => absent_segment(parameter(&request, "segment")),
        _ => invalid("blockIndex must be an integer from 0 on"),
    }
}

fn absent_segment(name: Option<String>) -> HttpResponse {
    match name.filter(|name| is_segment(name)) {
        Some(name) => {
            let message = format!("no segment {name}");
            error(StatusCode::NOT_FOUND, "SegmentNotFound", &message)
        }
        None => invalid("invalid segment name (allowed: seg_, ten base-36 digits, .jss)"),
    }
}

fn is_segment(name: &str) -> bool {
    let digits = name
        .strip_prefix("seg_")
        .and_then(|rest| rest.strip_suffix(".jss"));
    digits.is_some_and(|digits| {
        let is_digit = |digit: u8| digit.is_ascii_digit() || digit.is_ascii_lowercase();
        digits.len() == 10 && digits.bytes().all(is_digit)
    })
}

fn parameter(request: &HttpRequest, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(request.query_string().as_bytes());
    let found = pairs.find(|(key, _)| key == name);
    found.map(|(_, value)| value.into_owned())
}
