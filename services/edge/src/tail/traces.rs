//! The last span of a traced event: its arrival on this node.

use fanjet_log::TraceParent;
use fanjet_telemetry::span_time;
use opentelemetry::trace::{
    Span, SpanBuilder, SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId,
    TraceState,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SdkTracer;

/// Continues the traces in the log: a span `receive` per event, from its arrival until subscribers can read it.
#[derive(Debug, Default)]
pub(crate) struct Traces(Option<SdkTracer>);

impl Traces {
    /// `None` disables tracing.
    pub(crate) fn new(tracer: Option<SdkTracer>) -> Self {
        Self(tracer)
    }

    /// Events that arrived at `arrived_us` are in the ring now.
    pub(crate) fn arrived<'a>(
        &self,
        events: impl Iterator<Item = &'a fanjet_log::Entry>,
        arrived_us: u64,
        now_us: impl Fn() -> u64,
    ) {
        let Some(tracer) = &self.0 else {
            return;
        };
        for event in events {
            let Some(parent) = event.trace else {
                continue;
            };
            let seq = i64::try_from(event.seq).unwrap_or(i64::MAX);
            SpanBuilder::from_name("receive")
                .with_kind(SpanKind::Consumer)
                .with_start_time(span_time(arrived_us))
                .with_attributes([KeyValue::new("fanjet.seq", seq)])
                .start_with_context(tracer, &remote(parent))
                .end_with_timestamp(span_time(now_us()));
        }
    }
}

fn remote(parent: TraceParent) -> Context {
    Context::new().with_remote_span_context(SpanContext::new(
        TraceId::from_bytes(parent.trace_id.get().to_be_bytes()),
        SpanId::from_bytes(parent.span_id.get().to_be_bytes()),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    ))
}
