//! `com.atproto.label.subscribeLabels`: the frames of all labelers, or of one by itself, which is a drop-in for that labeler.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use fanjet_event::Did;
use hashbrown::{HashMap, HashSet};

use super::context::HttpContext;
use super::firehose::{FirehoseContext, of_a_relay, respond};
use super::xrpc::response::{error, invalid, not_implemented, reads};
use crate::EdgeConfig;
use crate::limits::Slots;
use crate::raw::{Choice, RawFeeder};

/// All labelers.
pub(super) const SUBSCRIBE_LABELS: &str = "/xrpc/com.atproto.label.subscribeLabels";
/// One labeler. `*` is its DID.
pub(super) const LABELER: &str = "/labeler/*/xrpc/com.atproto.label.subscribeLabels";

/// Most labelers that one request may choose.
const MAX_SOURCES: usize = 1_000;

/// What requests are served from.
pub(crate) struct LabelsContext {
    all: FirehoseContext,
    each: HashMap<Did, FirehoseContext>,
}

type Context = web::Data<Option<LabelsContext>>;

impl LabelsContext {
    pub(crate) fn new(config: &EdgeConfig, labels: &RawFeeder, http: &HttpContext) -> Self {
        let slots = Arc::new(Slots::new(
            config.labels.max_subscribers,
            config.labels.max_subscribers_per_address,
        ));
        let over = |stream| {
            let (slots, metrics) = (Arc::clone(&slots), labels.metrics.clone());
            FirehoseContext::over(stream, slots, metrics, config, http)
        };
        let each = labels.parts.iter();
        Self {
            all: over(&labels.stream),
            each: each
                .map(|(did, stream)| (did.clone(), over(stream)))
                .collect(),
        }
    }
}

/// The endpoints.
pub(super) fn labels_endpoints(config: &mut web::ServiceConfig) {
    config
        .service(reads(SUBSCRIBE_LABELS).get(all))
        .service(reads(&LABELER.replace('*', "{labeler}")).get(one))
        .service(reads("/xrpc/com.atproto.label.queryLabels").get(query))
        .service(reads("/labeler/{labeler}/xrpc/com.atproto.label.queryLabels").get(query));
}

/// Serves one subscriber of all labelers, or of those that it names.
async fn all(request: HttpRequest, context: Context) -> HttpResponse {
    let choice = match sources_of(request.query_string()) {
        Ok(sources) => sources.map_or(Choice::All, Choice::Labelers),
        Err(why) => {
            return of_a_relay(invalid(&why));
        }
    };
    let context = context.as_ref().as_ref().map(|context| &context.all);
    respond(&request, context, |_| Ok(choice)).await
}

/// Serves one subscriber of one labeler.
async fn one(request: HttpRequest, context: Context) -> HttpResponse {
    let labeler = request.match_info().get("labeler").unwrap_or_default();
    let Some(context) = context.as_ref().as_ref() else {
        return respond(&request, None, |_| Ok(Choice::All)).await;
    };
    let known = Did::parse(labeler).ok();
    let Some(context) = known.and_then(|did| context.each.get(did.as_str())) else {
        let text = format!("{labeler:?} is none of the labelers that this node serves");
        return of_a_relay(error(StatusCode::NOT_FOUND, "LabelerNotFound", &text));
    };
    respond(&request, Some(context), |_| Ok(Choice::All)).await
}

/// Needs an index by URI, which does not exist.
async fn query(request: HttpRequest) -> HttpResponse {
    of_a_relay(not_implemented(&request))
}

/// The labelers that a query names; `None`: all.
fn sources_of(query: &str) -> Result<Option<HashSet<Did>>, String> {
    let named = url::form_urlencoded::parse(query.as_bytes());
    let named = named.filter(|(key, value)| key == "sources" && !value.is_empty());
    let mut sources = HashSet::new();
    for (_, value) in named {
        let did = Did::parse(&*value)
            .map_err(|_| format!("invalid sources: {value:?} (allowed: DIDs)"))?;
        sources.insert(did.shared());
        if sources.len() > MAX_SOURCES {
            return Err(format!("too many sources (allowed: {MAX_SOURCES})"));
        }
    }
    Ok((!sources.is_empty()).then_some(sources))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_dids() {
        assert_eq!(sources_of(""), Ok(None));
        assert_eq!(sources_of("cursor=5&sources="), Ok(None));
        let two = sources_of("sources=did:plc:a&cursor=5&sources=did%3Aplc%3Ab&sources=did:plc:a");
        let two = two.unwrap().unwrap();
        assert_eq!(two.len(), 2);
        assert!(two.contains("did:plc:b"));
        assert!(sources_of("sources=mod.bsky.app").is_err());
    }
}
