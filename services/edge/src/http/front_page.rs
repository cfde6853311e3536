//! `GET /`: what this is and how to use it.

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;

const WORDS: &str = concat!(
    "fanjet ",
    env!("CARGO_PKG_VERSION"),
    "\n\n",
    "The ATProto firehose as JSON over WebSockets, compatible with Jetstream v1.\n\n",
    "Connect to /subscribe, for example:\n",
    "  websocat 'ws://HOST/subscribe?wantedCollections=app.bsky.feed.post'\n\n",
    "or read /events, the same over plain HTTP:\n",
    "  curl -N 'http://HOST/events?wantedCollections=app.bsky.feed.post'\n\n",
    "Parameters (repeat the first two for more values):\n",
    "  wantedCollections    an NSID, or a prefix such as app.bsky.graph.*\n",
    "  wantedDids           a DID\n",
    "  maxMessageSizeBytes  skip larger events\n",
    "  requireHello         true: send nothing before the first options_update\n",
    "  compress             true: zstd frames, made with Jetstream v1's dictionary, in binary messages\n\n",
    "Extensions (repeat the first four for more values):\n",
    "  unwantedCollections  as wantedCollections, but without these\n",
    "  unwantedDids         as wantedDids, but without these\n",
    "  wantedKinds          commit, identity, account\n",
    "  wantedOperations     create, update, delete\n",
    "  heartbeat            seconds of silence after which to say how far the stream is\n",
    "  filter               the id of a filter stored with POST /subscribe/filters\n",
    "  format               v0: the original Jetstream's JSON\n",
);

pub(crate) async fn front_page() -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::plaintext())
        .body(WORDS)
}
