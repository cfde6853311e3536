//! A small load test against a real edge over a log in memory: no findings without faults, and every fault that can be
//! caused from outside is found.
#![allow(
    clippy::unwrap_used,
    reason = "a test may stop when its own testbed does not stand"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use fanjet_edge::{Edge, EdgeConfig, EdgeHandle};
use fanjet_log::EventLog;
use fanjet_log::memory::MemoryLog;
use fanjet_runtime::{Clock, Stop, SystemClock};
use fanjet_swarm::{Conductor, Feed, Moment, Plan, Progress, Report, Target, World, probe, run};
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use tokio::task::JoinSet;

const PATIENCE: Duration = Duration::from_secs(60);
/// Events received by all connections before the window may end.
const ENOUGH: u64 = 20_000;

struct Testbed {
    url: String,
    stop: Stop,
    edge: EdgeHandle,
    _feeding: JoinSet<()>,
}

impl Testbed {
    async fn start(adjust: impl FnOnce(&mut EdgeConfig)) -> Self {
        let mut config = EdgeConfig::default();
        config.http.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.http.workers = 2;
        config.hub.promptness = 100;
        adjust(&mut config);
        let log = MemoryLog::new();
        let stop = Stop::new();
        let provider = SdkMeterProvider::builder().build();
        let edge = Edge::start(
            config,
            Arc::new(log.clone()),
            &provider.meter("test"),
            stop.clone(),
        )
        .unwrap();
        while !edge.readiness().is_ready() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let url = format!("ws://{}/subscribe", edge.addr());
        let mut feeding = JoinSet::new();
        feeding.spawn(feed(log));
        Self {
            url,
            stop,
            edge,
            _feeding: feeding,
        }
    }

    /// Runs a load test with these flags until enough events were received.
    async fn swarm(&self, flags: &str, moments: impl Fn(Moment) + Send + 'static) -> Report {
        let flags = format!("swarm {} --ramp 2000 {flags}", self.url);
        tokio::task::spawn_blocking(move || {
            let plan = Flags::parse_from(flags.split_whitespace()).plan;
            let target = Target::parse(&plan.url).unwrap();
            let world = match plan.needs_world() {
                true => probe(&target, Duration::from_secs_f64(plan.probe)).unwrap(),
                false => World::default(),
            };
            run(&plan, &target, &world, (0, 1), &mut Until(moments)).unwrap()
        })
        .await
        .unwrap()
    }

    async fn end(self) {
        self.stop.cancel();
        self.edge.join().await.unwrap();
    }
}

async fn feed(log: MemoryLog) {
    let mut feed = Feed::new(5, 2_000).unwrap();
    let mut appender = log.appender(0).await.unwrap();
    loop {
        let events: Vec<_> = (0..5).map(|_| feed.next(SystemClock.now_us())).collect();
        appender.append(&events).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    plan: Plan,
}

/// The window lasts until enough events were received.
struct Until<F>(F);

impl<F: Fn(Moment)> Conductor for Until<F> {
    fn wait(&mut self, moment: Moment, progress: &dyn Fn() -> Progress) {
        (self.0)(moment);
        let started = std::time::Instant::now();
        while moment == Moment::WindowBegins
            && progress().events < ENOUGH
            && progress().unexplained == 0
        {
            assert!(started.elapsed() < PATIENCE, "{:?}", progress());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn connecting(&mut self, _: Progress) {}
}

#[tokio::test]
async fn mixed_streams_are_received_and_found_to_be_right() {
    let testbed = Testbed::start(|_| {}).await;
    for flags in [
        "--connections 60 --sample 20 --mix a=1,b=1,c=2,d=2,w1000=1 --threads 2 --probe 1",
        "--connections 40 --sample 40 --mix a=1,b=1 --zstd",
        "--connections 40 --sample 40 --mix a=1,b=1,d=1 --v2 --probe 1",
        "--connections 40 --sample 40 --mix a=1,b=1 --v2 --zstd",
        "--connections 40 --sample 5 --mix b --by-message --churn 100 --churn-life 0.1 --churn-dids 500 --probe 0.5",
    ] {
        let report = testbed.swarm(flags, |_| {}).await;
        assert_eq!(report.faults(), Vec::<String>::new(), "{flags}\n{report}");
        let sampled = &report.sampled;
        // Rare collections may not occur in so short a time.
        assert!(sampled.compared * 2 > sampled.streams, "{report}");
        assert!(sampled.events > 100, "{report}");
        assert!(report.latency_us.count() > 100, "{report}");
        let is_churning = flags.contains("--churn");
        assert_eq!(
            report.connections.churn_upgraded > 0,
            is_churning,
            "{report}"
        );
    }
    testbed.end().await;
}

#[tokio::test]
async fn bytes_alone_can_be_counted() {
    let testbed = Testbed::start(|_| {}).await;
    let flags = "--connections 50 --sample 10 --count bytes --zstd";
    let report = testbed.swarm(flags, |_| {}).await;
    assert_eq!(report.faults(), Vec::<String>::new(), "{report}");
    assert_eq!(report.window.events, 0);
    // Far more than the ten checked streams have received.
    assert!(
        report.window.bytes > 600 * report.latency_us.count(),
        "{report}"
    );
    testbed.end().await;
}

#[tokio::test]
async fn a_rejected_connection_learns_which_limit_was_reached() {
    let testbed = Testbed::start(|config| config.http.max_subscribers_per_address = 20).await;
    let report = testbed.swarm("--connections 30 --sample 5", |_| {}).await;
    let refused: Vec<_> = report.connections.refused.iter().collect();
    let [(words, count)] = &refused[..] else {
        panic!("{report}");
    };
    assert!(
        words.contains("edge.http.max_subscribers_per_address"),
        "{words}"
    );
    // The reference is one of the twenty.
    assert_eq!((**count, report.connections.upgraded), (11, 19));
    assert_eq!(report.faults().len(), 2, "{:?}", report.faults());
    testbed.end().await;
}

#[tokio::test]
async fn closes_of_the_server_are_unexplained() {
    let testbed = Testbed::start(|config| config.drain.spread = Duration::ZERO).await;
    let stop = testbed.stop.clone();
    let report = testbed
        .swarm("--connections 30 --sample 5", move |moment| {
            if moment == Moment::WindowBegins {
                stop.cancel();
            }
        })
        .await;
    let unexplained = &report.connections.unexplained;
    assert!(!unexplained.is_empty(), "{report}");
    assert!(
        unexplained.keys().all(|words| words.starts_with("1012 ")),
        "{report}"
    );
    testbed.end().await;
}
