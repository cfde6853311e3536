//! `planSnapshot`: an empty plan, which sends a client to the stream at the right place.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use fanjet_filter::PlanRequest;
use serde_json::json;

use super::response::{object, refused};
use crate::http::admit::{find_start, take_slot};
use crate::http::context::HttpContext;
use crate::http::posted::read_posted;
use crate::refusal::Refusal;
use crate::replay::PlanBounds;

/// The most DIDs that are allowed, with room for long ones.
const MAX_BODY_BYTES: usize = 1 << 20;
/// The events that a client misses because they are gone, as `FIRST-LAST`.
const GAP: HeaderName = HeaderName::from_static("fanjet-gap");

pub(super) async fn plan_snapshot(
    request: HttpRequest,
    body: web::Payload,
    context: web::Data<HttpContext>,
) -> HttpResponse {
    match plan(&request, body, &context).await {
        Ok((plan, bounds)) => answer(&plan, bounds, &context),
        Err(refusal) => {
            context.metrics.refused(&refusal);
            refuse(&refusal)
        }
    }
}

/// Clients wait and ask again after 429; any other refusal ends their replay.
fn refuse(refusal: &Refusal) -> HttpResponse {
    let mut response = refused(refusal);
    if refusal.is_temporary() {
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    }
    response
}

/// The plan that a client asks for, and what the log has. A subscriber slot bounds who may ask at one time.
async fn plan(
    request: &HttpRequest,
    body: web::Payload,
    context: &HttpContext,
) -> Result<(PlanRequest, PlanBounds), Refusal> {
    let admit_context = &context.admit_context;
    let slot = take_slot(request, admit_context)?;
    let plan = read_posted(
        request,
        body,
        slot.sending(),
        &admit_context.inbound,
        &admit_context.draining,
        MAX_BODY_BYTES,
        PlanRequest::parse,
    );
    let plan = plan.await?.map_err(Refusal::InvalidV2)?;
    let bounds = find_start(admit_context, admit_context.starts.plan_bounds()).await?;
    Ok((plan, bounds))
}

/// How far the plan reaches. A client that has everything that is gone continues where it stopped: what lies between is still
/// kept, and skipping it to be sure of the cursor would lose it without a word.
fn through(plan: &PlanRequest, bounds: PlanBounds) -> u64 {
    let misses_nothing = plan.after > 0 && plan.after + 1 >= bounds.floor;
    let through = match misses_nothing {
        true => bounds.through.min(plan.after),
        false => bounds.through,
    };
    plan.before.map_or(through, |before| before.min(through))
}

fn answer(plan: &PlanRequest, bounds: PlanBounds, context: &HttpContext) -> HttpResponse {
    let through = through(plan, bounds);
    let mut response = object(&json!({
        "plannedThroughSeq": through,
        "sealedTipSeq": through,
        "segments": [],
        "stats": {"segmentsExamined": 0, "segmentsMatched": 0, "blocksMatched": 0, "entries": 0},
    }));
    let is_gap = plan.after > 0 && plan.after + 1 < bounds.floor && plan.after < through;
    if is_gap && let Ok(gap) = HeaderValue::try_from(format!("{}-{through}", plan.after + 1)) {
        context.metrics.plan_with_gap();
        response.headers_mut().insert(GAP, gap);
    }
    response
}

#[cfg(test)]
mod tests;
