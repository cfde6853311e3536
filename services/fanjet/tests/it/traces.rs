//! Traces: the path of every event as a collector receives it, over a real nats-server.

use std::collections::HashMap;

use fanjet_simulator::Rate;
use fanjet_testkit::collector::Span;
use fanjet_testkit::{Collector, NatsServer};

use crate::harness::{PATIENCE, Served, eventually, simulator};

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_one_trace_from_the_frame_to_the_edge() {
    let server = NatsServer::start().await.unwrap();
    let collector = Collector::start().unwrap();
    let simulator = simulator(61, 300, Rate::PerSecond(400.0)).await;
    simulator.pause();
    let settings = [
        ("log.kind", "nats".to_owned()),
        ("nats.url", server.url()),
        ("otlp.endpoint", collector.url().to_owned()),
        ("otlp.metrics_interval", "100ms".to_owned()),
        ("ingest.pipeline.traced", "1".to_owned()),
    ];
    let key = [("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc")];
    let served = Served::start_as(&simulator, &settings, &key).await;
    simulator.resume();
    tokio::time::timeout(PATIENCE, simulator.wait_until_produced(300))
        .await
        .unwrap();
    let events = simulator.expected().len();
    let named = |spans: &[Span], name: &str| -> Vec<Span> {
        spans.iter().filter(|it| it.name == name).cloned().collect()
    };
    eventually("every event was received by the edge", || {
        named(&collector.spans(), "receive").len() >= events
    })
    .await;
    let metric = "fanjet fanjet_ingest_log_seq";
    eventually("metrics are sent", || collector.metrics().contains(metric)).await;
    // The rest is exported at exit.
    served.stop().await;

    let spans = collector.spans();
    let by_id: HashMap<_, _> = spans.iter().map(|span| (span.id.clone(), span)).collect();
    let parent = |span: &Span| by_id[&span.parent];
    let received = named(&spans, "receive");
    let mut seqs = Vec::new();
    for receive in &received {
        let publish = parent(receive);
        let frame = parent(publish);
        assert_eq!((&*publish.name, &*frame.name), ("publish", "frame"));
        assert!(frame.parent.is_empty(), "{frame:?}");
        let scopes = [receive, publish, frame].map(|span| span.scope.as_str());
        assert_eq!(scopes, ["fanjet-edge", "fanjet-ingest", "fanjet-ingest"]);
        let seq = &frame.attributes["fanjet.seq"];
        assert_eq!(&receive.attributes["fanjet.seq"], seq);
        for span in [receive, publish, frame] {
            assert_eq!(span.trace_id, frame.trace_id);
            assert!(span.time.0 <= span.time.1, "{span:?}");
            assert_eq!(span.error, None);
        }
        assert!(frame.time.0 <= publish.time.0 && publish.time.1 <= frame.time.1);
        seqs.push(seq.parse::<usize>().unwrap());
    }
    seqs.sort_unstable();
    let first = seqs[0];
    assert_eq!(seqs, (first..first + events).collect::<Vec<_>>());
    for name in ["frame", "decode", "publish"] {
        assert_eq!(named(&spans, name).len(), events, "{name}");
    }
    for decode in named(&spans, "decode") {
        let frame = parent(&decode);
        assert_eq!(frame.name, "frame");
        assert!(frame.time.0 <= decode.time.0 && decode.time.1 <= frame.time.1);
    }
    let services: Vec<_> = spans.iter().map(|span| span.service.as_str()).collect();
    assert!(services.iter().all(|name| *name == "fanjet"));
    let keys = collector.authorizations();
    assert!(keys.iter().all(|key| key == "Bearer abc"), "{keys:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_collector_affects_nothing_but_the_log_lines() {
    let simulator = simulator(62, 200, Rate::Max).await;
    let data = tempfile::tempdir().unwrap();
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let settings = [
        ("embedded.path", data.path().display().to_string()),
        ("otlp.endpoint", format!("http://{gone}")),
        ("otlp.metrics_interval", "50ms".to_owned()),
        ("ingest.pipeline.traced", "1".to_owned()),
    ];
    simulator.pause();
    let served = Served::start_as(&simulator, &settings, &[]).await;
    simulator.resume();
    tokio::time::timeout(PATIENCE, simulator.wait_until_produced(200))
        .await
        .unwrap();
    let complains = |line: &str| line.contains("the collector rejects exports");
    let complained = served.process.wait_for_line(complains, PATIENCE);
    complained.await.unwrap();
    served.log_holds_all_of(&simulator).await;
    let status = served.process.stop(PATIENCE).await.unwrap();
    assert!(status.success(), "{status}");
    let lines = served.process.lines();
    let complaints = lines.iter().filter(|line| complains(line)).count();
    assert_eq!(complaints, 1, "{lines:?}");
}

/// A collector that accepts connections and never responds must not delay a stopping process.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_never_responds_does_not_delay_the_exit() {
    let simulator = simulator(63, 50, Rate::Max).await;
    let data = tempfile::tempdir().unwrap();
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = [
        ("embedded.path", data.path().display().to_string()),
        (
            "otlp.endpoint",
            format!("http://{}", deaf.local_addr().unwrap()),
        ),
        ("otlp.metrics_interval", "50ms".to_owned()),
        ("ingest.pipeline.traced", "1".to_owned()),
    ];
    let served = Served::start_as(&simulator, &settings, &[]).await;
    let status = served.process.stop(PATIENCE).await.unwrap();
    assert!(status.success(), "{status}");
    // Our own timeout applied, not the exporter's, which is longer and applies twice.
    let lines = served.process.lines();
    let gave_up = |line: &&String| line.contains("the collector does not respond");
    assert_eq!(lines.iter().filter(gave_up).count(), 1, "{lines:?}");
}
