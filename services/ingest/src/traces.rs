//! The path of a few events, from the frame to the log's acknowledgement, as spans.
//!
//! `frame` covers all of it and contains `decode` and `publish`. The log carries the context of the last one, so that
//! consumers of the event appear in the same trace. Nothing here may wait, or hold more than what is unacknowledged.

use std::collections::VecDeque;
use std::num::{NonZeroU64, NonZeroU128};
use std::sync::Arc;
use std::time::SystemTime;

use fanjet_event::Nsid;
use fanjet_log::{NewEvent, Origin, Seq, TraceParent};
use fanjet_runtime::Clock;
use fanjet_telemetry::span_time;
use opentelemetry::trace::{Span, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SdkTracer, Span as SdkSpan};
use tokio::time::Instant;

use crate::batch::BatchTimes;

/// The spans of one publisher's unacknowledged events.
pub(crate) struct Traces {
    /// `None` when spans are not exported.
    tracer: Option<SdkTracer>,
    sampling: Sampling,
    clock: Arc<dyn Clock>,
    /// In event order.
    open: VecDeque<Open>,
}

struct Open {
    frame: Context,
    publish: SdkSpan,
}

/// Which events are traced.
#[derive(Debug, Clone, Copy)]
struct Sampling {
    /// Those with a hash below this value.
    below: u64,
    is_all: bool,
}

impl Traces {
    /// Traces this share of the events, from 0 to 1.
    pub(crate) fn new(tracer: Option<SdkTracer>, share: f64, clock: Arc<dyn Clock>) -> Self {
        Self {
            tracer,
            sampling: Sampling::of(share),
            clock,
            open: VecDeque::new(),
        }
    }

    /// Events are about to be appended. Traced ones get the context that the log carries.
    pub(crate) fn begin(&mut self, events: &mut [NewEvent], times: &BatchTimes) {
        let Some(tracer) = &self.tracer else {
            return;
        };
        let (now, now_us) = (Instant::now(), self.clock.now_us());
        let at = |when: Instant| span_time(now_us) - now.saturating_duration_since(when);
        for event in events {
            if !self.sampling.picks(&event.origin) {
                continue;
            }
            let frame = span("frame", SpanKind::Consumer, at(times.arrived))
                .with_attributes(attributes(event))
                .start_with_context(tracer, &Context::new());
            let frame = Context::new().with_span(frame);
            span("decode", SpanKind::Internal, at(times.decoding))
                .start_with_context(tracer, &frame)
                .end_with_timestamp(at(times.decoded));
            let publish =
                span("publish", SpanKind::Producer, at(now)).start_with_context(tracer, &frame);
            event.trace = carried(publish.span_context());
            self.open.push_back(Open { frame, publish });
        }
    }

    /// Events are in the log, starting at `seq`: the oldest ones with an open span.
    pub(crate) fn stored<'a>(&mut self, events: impl Iterator<Item = &'a NewEvent>, seq: Seq) {
        if self.open.is_empty() {
            return;
        }
        let now = span_time(self.clock.now_us());
        let traced = (seq..)
            .zip(events)
            .filter(|(_, event)| event.trace.is_some());
        for (seq, _) in traced {
            let Some(mut open) = self.open.pop_front() else {
                return;
            };
            let seq = i64::try_from(seq).unwrap_or(i64::MAX);
            open.frame
                .span()
                .set_attribute(KeyValue::new("fanjet.seq", seq));
            open.publish.end_with_timestamp(now);
            open.frame.span().end_with_timestamp(now);
        }
    }
}

impl Drop for Traces {
    /// Ends the remaining spans: their events were not acknowledged, whether or not they are in the log.
    fn drop(&mut self) {
        let now = span_time(self.clock.now_us());
        for mut open in self.open.drain(..) {
            open.publish.set_status(Status::error("not acknowledged"));
            open.publish.end_with_timestamp(now);
            open.frame.span().end_with_timestamp(now);
        }
    }
}

impl Sampling {
    fn of(share: f64) -> Self {
        Self {
            // Saturates, also for values outside the range.
            below: (share * u64::MAX as f64) as u64,
            is_all: share >= 1.0,
        }
    }

    /// Depends on the event's numbers alone: every process, and every repeat, decides alike.
    fn picks(&self, origin: &Origin) -> bool {
        let number = origin.relay_seq ^ (u64::from(origin.op_index) << 48);
        self.is_all || scattered(number) < self.below
    }
}

/// Spreads neighbouring numbers: the finalizer of SplitMix64.
fn scattered(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn span(name: &'static str, kind: SpanKind, start: SystemTime) -> SpanBuilder {
    SpanBuilder::from_name(name)
        .with_kind(kind)
        .with_start_time(start)
}

fn attributes(event: &NewEvent) -> [KeyValue; 4] {
    let Origin {
        upstream,
        relay_seq,
        op_index,
        ..
    } = &event.origin;
    let collection = event.topic.collection().map(Nsid::as_str);
    let topic = collection.unwrap_or_else(|| event.topic.kind());
    [
        KeyValue::new("fanjet.topic", topic.to_owned()),
        KeyValue::new("fanjet.upstream", upstream.as_str().to_owned()),
        KeyValue::new(
            "fanjet.relay_seq",
            i64::try_from(*relay_seq).unwrap_or(i64::MAX),
        ),
        KeyValue::new("fanjet.op_index", i64::from(*op_index)),
    ]
}

fn carried(span: &SpanContext) -> Option<TraceParent> {
    let parent = TraceParent {
        trace_id: NonZeroU128::new(u128::from_be_bytes(span.trace_id().to_bytes()))?,
        span_id: NonZeroU64::new(u64::from_be_bytes(span.span_id().to_bytes()))?,
    };
    span.is_sampled().then_some(parent)
}

#[cfg(test)]
mod tests;
