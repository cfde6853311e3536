use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};

use super::*;
use crate::publisher::tests::{event, times};

struct Hands(AtomicU64);

impl Clock for Hands {
    fn now_us(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

struct Harness {
    /// When it goes the exporter forgets.
    _provider: SdkTracerProvider,
    clock: Arc<Hands>,
    spans: InMemorySpanExporter,
    traces: Traces,
}

impl Harness {
    fn new(share: f64) -> Self {
        let spans = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(spans.clone())
            .build();
        let clock = Arc::new(Hands(AtomicU64::new(1_000_000)));
        let tracer = Some(provider.tracer("test"));
        Self {
            _provider: provider,
            spans,
            traces: Traces::new(tracer, share, clock.clone()),
            clock,
        }
    }

    fn spans(&self) -> Vec<SpanData> {
        self.spans.get_finished_spans().unwrap()
    }
}

fn events(relay_seqs: std::ops::Range<u64>) -> Vec<NewEvent> {
    relay_seqs.map(event).collect()
}

fn at_us(us: u64) -> SystemTime {
    span_time(us)
}

#[tokio::test(start_paused = true)]
async fn spans_say_when_a_batch_was_where() {
    let mut harness = Harness::new(1.0);
    let mut times = times();
    tokio::time::advance(Duration::from_micros(300)).await;
    times.decoding = Instant::now();
    tokio::time::advance(Duration::from_micros(200)).await;
    times.decoded = Instant::now();
    tokio::time::advance(Duration::from_micros(100)).await;
    let mut batch = events(7..8);
    harness.traces.begin(&mut batch, &times);
    harness.clock.0.store(1_005_000, Ordering::Relaxed);
    harness.traces.stored(batch.iter(), 42);

    let spans = harness.spans();
    let times: Vec<_> = spans
        .iter()
        .map(|span| (&*span.name, span.start_time, span.end_time))
        .collect();
    assert_eq!(
        times,
        [
            ("decode", at_us(999_700), at_us(999_900)),
            ("publish", at_us(1_000_000), at_us(1_005_000)),
            ("frame", at_us(999_400), at_us(1_005_000)),
        ]
    );
    let [decode, publish, frame] = &spans[..] else {
        panic!("{spans:?}")
    };
    for part in [decode, publish] {
        assert_eq!(part.parent_span_id, frame.span_context.span_id());
    }
    let carried = batch[0].trace.expect("all are traced");
    let context = &publish.span_context;
    let expected = format!("00-{}-{}-01", context.trace_id(), context.span_id());
    assert_eq!(carried.to_string(), expected);
    let seq = KeyValue::new("fanjet.seq", 42);
    assert!(frame.attributes.contains(&seq), "{:?}", frame.attributes);
}

#[tokio::test]
async fn what_is_acknowledged_in_part_ends_in_part_and_the_rest_says_so() {
    let mut harness = Harness::new(1.0);
    let mut batch = events(0..3);
    harness.traces.begin(&mut batch, &times());
    harness.traces.stored(batch[..2].iter(), 1);
    let names =
        |spans: &[SpanData], name: &str| spans.iter().filter(|span| span.name == name).count();
    assert_eq!(names(&harness.spans(), "frame"), 2);
    let Harness {
        _provider,
        traces,
        spans,
        ..
    } = harness;
    drop(traces);
    let spans = spans.get_finished_spans().unwrap();
    assert_eq!(names(&spans, "frame"), 3);
    let failed: Vec<_> = spans
        .iter()
        .filter(|span| span.status != Status::Unset)
        .map(|span| &*span.name)
        .collect();
    assert_eq!(failed, ["publish"]);
}

#[tokio::test]
async fn a_share_is_traced_and_always_the_same_ones() {
    let traced = |share: f64| -> Vec<u64> {
        let mut harness = Harness::new(share);
        let mut batch = events(0..20_000);
        harness.traces.begin(&mut batch, &times());
        let traced = batch.iter().filter(|event| event.trace.is_some());
        traced.map(|event| event.origin.relay_seq).collect()
    };
    assert_eq!(traced(0.0), [0_u64; 0]);
    assert_eq!(traced(1.0).len(), 20_000);
    let some = traced(0.01);
    assert!((150..250).contains(&some.len()), "{}", some.len());
    assert_eq!(traced(0.01), some);
    let more = traced(0.1);
    assert!(some.iter().all(|seq| more.contains(seq)));
}

#[tokio::test]
async fn without_a_collector_nothing_is_carried() {
    let mut traces = Traces::new(None, 1.0, Arc::new(Hands(AtomicU64::new(0))));
    let mut batch = events(0..10);
    traces.begin(&mut batch, &times());
    assert!(batch.iter().all(|event| event.trace.is_none()));
    traces.stored(batch.iter(), 1);
}
