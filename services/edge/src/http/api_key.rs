//! The API key of a request: from the `Authorization` header, or from the URL for clients that cannot set headers.

use std::borrow::Cow;

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use url::form_urlencoded;

/// The URL parameter.
const PARAMETER: &str = "apiKey";
/// Case-insensitive: RFC 9110, section 11.1.
const SCHEME: &str = "bearer";

/// The API key of a request. The header takes precedence over the URL.
pub(super) fn api_key(request: &HttpRequest) -> Option<Cow<'_, str>> {
    let header = request.headers().get(AUTHORIZATION);
    let header = header.and_then(|value| value.to_str().ok());
    let credentials = header.and_then(|value| value.split_once(' '));
    if let Some((scheme, key)) = credentials
        && scheme.eq_ignore_ascii_case(SCHEME)
    {
        return Some(Cow::Borrowed(key.trim()));
    }
    let query = request.query_string().as_bytes();
    form_urlencoded::parse(query)
        .find(|(name, value)| name == PARAMETER && !value.is_empty())
        .map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_key_is_read_from_the_header_or_the_url() {
        for (authorization, uri, expected) in [
            (None, "/subscribe", None),
            (None, "/subscribe?apiKey=", None),
            (None, "/subscribe?cursor=1&apiKey=a%20b", Some("a b")),
            (Some("Bearer one"), "/subscribe?apiKey=two", Some("one")),
            (Some("bEARER  one"), "/subscribe?apiKey=two", Some("one")),
            (Some("Bearerone"), "/subscribe?apiKey=two", Some("two")),
            (Some("Basic one"), "/subscribe?apiKey=two", Some("two")),
        ] {
            let mut request = TestRequest::with_uri(uri);
            if let Some(value) = authorization {
                request = request.insert_header((AUTHORIZATION, value));
            }
            let request = request.to_http_request();
            assert_eq!(api_key(&request).as_deref(), expected, "{uri}");
        }
    }
}
