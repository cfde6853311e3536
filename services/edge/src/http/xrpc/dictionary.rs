//! `getZstdDictionary`: the dictionaries of compressed frames. Served whatever state the node is in.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use url::form_urlencoded;

use super::response::{error, invalid, open_to_all};
use crate::http::context::HttpContext;

/// An id names the same bytes for ever.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// Without an id, which bytes these are changes with the settings.
const CURRENT: &str = "public, max-age=300";

pub(super) async fn get_zstd_dictionary(
    request: HttpRequest,
    context: web::Data<HttpContext>,
) -> HttpResponse {
    let served = &context.dictionaries;
    let current = served.ids().first().copied().unwrap_or_default();
    let mut query = form_urlencoded::parse(request.query_string().as_bytes());
    let asked = query.find(|(name, _)| name == "id").map(|(_, id)| id);
    let id = match asked.as_deref() {
        None => i64::from(current),
        Some(id) => match id.parse::<i64>() {
            Ok(id) => id,
            Err(_) => return invalid("id must be an integer zstd dictionary ID"),
        },
    };
    let found = u32::try_from(id).ok();
    let found = found.and_then(|id| Some((id, served.bytes(id)?)));
    let Some((id, bytes)) = found else {
        let message = format!("no dictionary with id {id}; current dictionary id is {current}");
        return error(StatusCode::NOT_FOUND, "DictionaryNotFound", &message);
    };
    let etag = format!("\"zstd-dict-{id}\"");
    let mut response = respond(request.headers(), bytes, &etag);
    let age = if asked.is_some() { IMMUTABLE } else { CURRENT };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(age));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(
        header::HeaderName::from_static("x-zstd-dictionary-id"),
        id.into(),
    );
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    open_to_all(response)
}

/// The whole, the part that was asked for, or that the client has it already.
fn respond(headers: &HeaderMap, bytes: &Bytes, etag: &str) -> HttpResponse {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let is_this = |tag: &str| tag == "*" || tag.trim_start_matches("W/") == etag;
    let has_it =
        text(header::IF_NONE_MATCH).is_some_and(|tags| tags.split(',').map(str::trim).any(is_this));
    if has_it {
        return HttpResponse::NotModified().finish();
    }
    let is_same = text(header::IF_RANGE).is_none_or(|tag| tag == etag);
    let range = text(header::RANGE).filter(|_| is_same);
    let mut response = HttpResponse::Ok();
    response.content_type("application/octet-stream");
    match range.map_or(Part::Whole, |range| part(range, bytes.len())) {
        Part::Whole => response.body(bytes.clone()),
        Part::Of(first, end) => {
            let range = format!("bytes {first}-{}/{}", end - 1, bytes.len());
            response.status(StatusCode::PARTIAL_CONTENT);
            response.insert_header((header::CONTENT_RANGE, range));
            response.body(bytes.slice(first..end))
        }
        Part::Outside => {
            let range = format!("bytes */{}", bytes.len());
            HttpResponse::RangeNotSatisfiable()
                .insert_header((header::CONTENT_RANGE, range))
                .finish()
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Of(usize, usize),
    Outside,
}

/// One range of bytes (RFC 9110, section 14). Anything else is the whole, as the standard allows.
fn part(range: &str, len: usize) -> Part {
    let one = range.strip_prefix("bytes=").filter(|it| !it.contains(','));
    let Some((first, last)) = one.and_then(|one| one.trim().split_once('-')) else {
        return Part::Whole;
    };
    match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) if first > last => Part::Whole,
        (Ok(first), Ok(last)) if first < len => Part::Of(first, last.saturating_add(1).min(len)),
        (Ok(first), Err(_)) if last.is_empty() && first < len => Part::Of(first, len),
        (Ok(_), Ok(_)) => Part::Outside,
        (Ok(_), Err(_)) if last.is_empty() => Part::Outside,
        (Err(_), Ok(0)) if first.is_empty() => Part::Outside,
        (Err(_), Ok(last)) if first.is_empty() => Part::Of(len.saturating_sub(last), len),
        _ => Part::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_a_part_of_the_whole() {
        for (range, expected) in [
            ("bytes=0-", Part::Of(0, 100)),
            ("bytes=0-9", Part::Of(0, 10)),
            ("bytes=90-1000", Part::Of(90, 100)),
            ("bytes=-10", Part::Of(90, 100)),
            ("bytes=-1000", Part::Of(0, 100)),
            ("bytes=99-99", Part::Of(99, 100)),
            ("bytes=100-", Part::Outside),
            ("bytes=100-200", Part::Outside),
            ("bytes=-0", Part::Outside),
            ("bytes=9-5", Part::Whole),
            ("bytes=0-1,5-6", Part::Whole),
            ("lines=0-1", Part::Whole),
            ("bytes=", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=-", Part::Whole),
        ] {
            assert_eq!(part(range, 100), expected, "{range}");
        }
    }
}
