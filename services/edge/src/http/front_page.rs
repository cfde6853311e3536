//! `GET /`: the status page for browsers, and plain-text usage for tools.

use std::sync::LazyLock;

use actix_web::http::header::{self, ContentType};
use actix_web::{HttpRequest, HttpResponse};
use data_encoding::BASE64;
use sha2::{Digest, Sha256};

const WORDS: &str = concat!(
    "fanjet ",
    env!("CARGO_PKG_VERSION"),
    "\n\n",
    "The ATProto firehose as JSON over WebSockets, compatible with Jetstream v1 and v2.\n\n",
    "Connect to /subscribe, for example:\n",
    "  websocat 'ws://HOST/subscribe?wantedCollections=app.bsky.feed.post'\n\n",
    "to Jetstream v2 on the same log:\n",
    "  websocat 'ws://HOST/xrpc/network.bsky.jetstream.subscribeEvents?collections=app.bsky.feed.post'\n\n",
    "or read /events, the same events over plain HTTP:\n",
    "  curl -N 'http://HOST/events?wantedCollections=app.bsky.feed.post'\n\n",
    "POST a filter that is too long for a URL:\n",
    "  curl -N http://HOST/events -d '{\"wantedDids\":[\"did:plc:...\"]}'\n\n",
    "Parameters (repeat the first two for more values):\n",
    "  wantedCollections    an NSID, or a prefix such as app.bsky.graph.*\n",
    "  wantedDids           a DID\n",
    "  maxMessageSizeBytes  skip larger events\n",
    "  requireHello         true: send nothing before the first options_update\n",
    "  compress             true: zstd frames in binary messages, with Jetstream v1's dictionary\n\n",
    "Extensions (repeat the first four for more values):\n",
    "  unwantedCollections  like wantedCollections, to exclude\n",
    "  unwantedDids         like wantedDids, to exclude\n",
    "  wantedKinds          commit, identity, account\n",
    "  wantedOperations     create, update, delete\n",
    "  heartbeat            after this many quiet seconds, send the position of the stream\n",
    "  maxDelayMs           delay events up to this many milliseconds, for fewer and larger writes\n",
    "  format               v0: the original Jetstream's JSON; v2c: v1's with the seq\n",
);

const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// One document without external resources.
const PAGE: &str = concat!(
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
    "<title>Fanjet status</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>",
    include_str!("page/page.css"),
    "</style>\n</head>\n<body>\n",
    include_str!("page/page.html"),
    "<script>",
    include_str!("page/page.js"),
    "</script>\n</body>\n</html>\n",
);

/// Allows only the inline style and script, and connections to this node.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; connect-src 'self'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
});

pub(crate) async fn front_page(request: HttpRequest) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::VARY, "accept"));
    if !accepts_html(&request) {
        return response.content_type(ContentType::plaintext()).body(WORDS);
    }
    response
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY.as_str()))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .content_type(ContentType::html())
        .body(PAGE)
}

/// Browsers accept HTML by name; tools accept anything and get plain text.
fn accepts_html(request: &HttpRequest) -> bool {
    let accepts = request.headers().get_all(header::ACCEPT);
    let types = accepts.filter_map(|field| field.to_str().ok());
    let mut types = types.flat_map(|field| field.split([',', ';']));
    types.any(|named| named.trim().eq_ignore_ascii_case("text/html"))
}

fn hash(text: &str) -> String {
    format!("sha256-{}", BASE64.encode(&Sha256::digest(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Finds what the policy would block, and what would end the style or the script early.
    #[test]
    fn the_page_follows_its_content_security_policy() {
        let between = |from: &str, to: &str| {
            let (_, rest) = PAGE.split_once(from).unwrap();
            rest.split_once(to).unwrap().0
        };
        assert_eq!(between("<style>", "</style>"), STYLE);
        assert_eq!(between("<script>", "</script>"), SCRIPT);
        for inline in [
            " style=",
            " onclick=",
            " onload=",
            "http://",
            "https://",
            "@import",
            "url(",
        ] {
            let without = PAGE.replace("http://www.w3.org/2000/svg", "");
            assert!(!without.contains(inline), "{inline}");
        }
        assert_eq!(
            PAGE.matches("<script").count() + PAGE.matches("<style").count(),
            2
        );
    }

    /// Names in the data come from strangers and must stay text.
    #[test]
    fn the_page_never_interprets_data_as_markup() {
        for way in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "createContextualFragment",
            "DOMParser",
            "setHTMLUnsafe",
            "srcdoc",
            "eval(",
            "Function(",
            "setTimeout('",
            "setAttribute('on",
            "javascript:",
            "location =",
            "location.href =",
        ] {
            assert!(!PAGE.contains(way), "{way}");
        }
    }

    #[test]
    fn the_csp_hash_matches_the_specification() {
        // The example of CSP level 3.
        let hash = hash("doSomething();");
        assert!(
            hash.starts_with("sha256-") && hash.len() == 7 + 44,
            "{hash}"
        );
    }
}
