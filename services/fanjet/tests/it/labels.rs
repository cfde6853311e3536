//! `fanjet serve` with labelers: their frames as they were received, in a folder of their own, and served.

mod network;
mod verification;
mod cluster;

use std::convert::Infallible;
use std::time::Duration;

use fanjet_runtime::{OnFailure, Stop, Tasks};
use fanjet_simulator::{ConnectionResponse, LabelSpec};
use futures::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::harness::{PATIENCE, Served, get};
use network::{Network, STREAM, appended, frames, split};

/// Each labeler by itself is byte for byte what it sent; all together differ in the number only, which rises by one. `sources`
/// chooses among them.
#[tokio::test(flavor = "multi_thread")]
async fn one_labeler_is_served_as_it_was_and_all_of_them_in_one_order() {
    let network = Network::start(3).await;
    let [ozone, skyware, quiet] = &network.labelers[..] else {
        unreachable!()
    };
    ozone.publish_many(20);
    let several = [LabelSpec::numbered(1), LabelSpec::numbered(2)];
    skyware.publish(&several);
    let taken_back = LabelSpec {
        neg: true,
        exp: Some("2026-07-05T00:00:00Z".to_owned()),
        ..LabelSpec::numbered(1)
    };
    skyware.publish(&[taken_back]);
    let served = network.serve(&[("labels.verify", "enforce")]).await;
    appended(&served, ozone, 20).await;
    appended(&served, skyware, 2).await;
    quiet.publish_many(5);
    ozone.publish_many(10);
    for (at, labeler) in network.labelers.iter().enumerate() {
        let sent: Vec<_> = labeler
            .frames()
            .into_iter()
            .map(|(_, frame)| frame)
            .collect();
        let got = frames(
            &served,
            &format!("{}?cursor=0", network.single(at)),
            sent.len(),
        )
        .await;
        assert_eq!(got, sent, "{}", labeler.did());
    }
    let all = frames(&served, &format!("{STREAM}?cursor=0"), 37).await;
    let numbers: Vec<_> = all.iter().map(|frame| split(frame).0).collect();
    assert!(
        numbers.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "{numbers:?}"
    );
    for labeler in &network.labelers {
        let of_it = |frame: &&Vec<u8>| {
            let did = labeler.did().as_str().as_bytes();
            frame.windows(did.len()).any(|part| part == did)
        };
        let got: Vec<_> = all
            .iter()
            .filter(of_it)
            .map(|frame| split(frame).1)
            .collect();
        let sent = labeler.frames();
        let sent: Vec<_> = sent.iter().map(|(_, frame)| split(frame).1).collect();
        assert_eq!(got, sent, "{}", labeler.did());
        let query = format!("{STREAM}?cursor=0&sources={}", labeler.did());
        let chosen = frames(&served, &query, sent.len()).await;
        let chosen: Vec<_> = chosen.iter().map(|frame| split(frame).1).collect();
        assert_eq!(chosen, sent);
    }
    // Inclusive, from a number that the labeler left out to the next.
    let step = ozone.frames()[1].0 - ozone.frames()[0].0;
    let cursor = ozone.frames()[9].0;
    let got = frames(
        &served,
        &format!("{}?cursor={cursor}", network.single(0)),
        21,
    )
    .await;
    assert_eq!(split(&got[0]).0, cursor);
    let between = quiet.frames()[1].0 - 1;
    let got = frames(
        &served,
        &format!("{}?cursor={between}", network.single(2)),
        4,
    )
    .await;
    assert_eq!(split(&got[0]).0, between + 1);
    assert_eq!(step, 1);
    served.stop().await;
}

/// What is wrong with a request is said as clients understand it.
#[tokio::test(flavor = "multi_thread")]
async fn cursors_and_labelers_that_do_not_exist_are_refused() {
    let network = Network::start(1).await;
    network.labelers[0].publish_many(3);
    let served = network.serve(&[]).await;
    appended(&served, &network.labelers[0], 3).await;
    for path in [STREAM.to_owned(), network.single(0)] {
        for (cursor, name) in [
            ("9007199254740991", "FutureCursor"),
            ("abc", "InvalidRequest"),
            ("-1", "InvalidRequest"),
        ] {
            let url = format!("{}{path}?cursor={cursor}", served.url);
            let (mut socket, _) = tokio_tungstenite::connect_async(&url).await.unwrap();
            let Message::Binary(error) = socket.next().await.unwrap().unwrap() else {
                panic!("no error frame")
            };
            let error = String::from_utf8_lossy(&error).into_owned();
            assert!(error.contains(name), "{cursor}: {error}");
            let Message::Close(Some(close)) = socket.next().await.unwrap().unwrap() else {
                panic!("not closed")
            };
            assert_eq!(u16::from(close.code), 1008);
        }
        let old = frames(&served, &format!("{path}?cursor=1"), 3).await;
        assert!(!old.is_empty());
    }
    let unknown = format!("{}/labeler/did:plc:unknown{STREAM}", served.url);
    let Err(Error::Http(refused)) = tokio_tungstenite::connect_async(&unknown).await else {
        panic!("not refused")
    };
    assert_eq!(refused.status(), 404);
    let body = String::from_utf8(refused.body().clone().unwrap_or_default()).unwrap();
    assert!(body.contains("LabelerNotFound"), "{body}");
    let host = served.url.replace("ws://", "");
    let query = get(&host, "/xrpc/com.atproto.label.queryLabels?uriPatterns=*").await;
    assert!(query.unwrap().contains("MethodNotImplemented"));
    served.stop().await;
}

/// Both kinds of labelers are asked for what comes after the last stored frame, and nothing is stored twice or left out.
#[tokio::test(flavor = "multi_thread")]
async fn labelers_are_continued_over_restarts() {
    let network = Network::start(2).await;
    for round in 1..=3 {
        for labeler in &network.labelers {
            labeler.publish_many(50);
        }
        let served = network.serve(&[]).await;
        for labeler in &network.labelers {
            appended(&served, labeler, 50).await;
        }
        for (at, labeler) in network.labelers.iter().enumerate() {
            let sent: Vec<_> = labeler
                .frames()
                .into_iter()
                .map(|(_, frame)| frame)
                .collect();
            let path = format!("{}?cursor=0", network.single(at));
            assert_eq!(
                frames(&served, &path, sent.len()).await,
                sent,
                "round {round}"
            );
        }
        if round == 2 {
            served.process.kill().await.unwrap();
        } else {
            served.stop().await;
        }
    }
    for labeler in &network.labelers {
        let numbers: Vec<_> = labeler.frames().iter().map(|(seq, _)| *seq).collect();
        let expected = [Some(0), Some(numbers[49]), Some(numbers[99])];
        assert_eq!(labeler.cursors(), expected, "{}", labeler.did());
    }
}

/// The value of the first metric with this name whose line has `part`. 0 if there is none.
async fn count(served: &Served, name: &str, part: &str) -> u64 {
    let metrics = served.get("/metrics").await;
    let of_it = |line: &&str| line.starts_with(name) && line.contains(part);
    let value = metrics
        .lines()
        .find(of_it)
        .and_then(|line| line.rsplit(' ').next());
    value.map_or(0, |value| value.parse::<f64>().unwrap() as u64)
}

/// `first = now`: what a labeler sent before is left out, and nothing after it, over a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_contact_may_be_at_the_present() {
    let network = Network::start(1).await;
    let labeler = &network.labelers[0];
    labeler.publish_many(5);
    let served = network.serve(&[("labels.first", "now")]).await;
    // The labeler decides what is new.
    let begun = async {
        while count(&served, "fanjet_labeler_frames_total", "").await == 0 {
            labeler.publish_many(1);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, begun).await.unwrap();
    served.stop().await;
    labeler.publish_many(5);
    let served = network.serve(&[("labels.first", "now")]).await;
    appended(&served, labeler, 5).await;
    let sent = labeler.frames();
    let path = format!("{}?cursor=0", network.single(0));
    let first = split(&frames(&served, &path, 1).await[0]).0;
    assert!(first > sent[4].0, "{first}");
    let expected: Vec<_> = sent.into_iter().filter(|(seq, _)| *seq >= first).collect();
    let got = frames(&served, &path, expected.len()).await;
    assert!(expected.iter().map(|(_, frame)| frame).eq(&got));
    assert_eq!(labeler.cursors()[0], None);
    assert!(labeler.cursors()[1] >= Some(first));
    served.stop().await;
}

/// One answers without an upgrade, one speaks no TLS: counted by reason, tried again, and no other is disturbed.
#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_no_stream_are_counted_by_reason() {
    let network = Network::start(3).await;
    let [plain, unencrypted, good] = &network.labelers[..] else {
        unreachable!()
    };
    plain.respond_with(ConnectionResponse::Status(200));
    good.publish_many(3);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://{}", listener.local_addr().unwrap());
    // As most servers answer a handshake of TLS at a port without it.
    let stop = Stop::new();
    let mut answering = Tasks::new(stop.clone());
    answering.spawn("no TLS", OnFailure::Log, async move {
        while let Some(Ok((mut stream, _))) = stop.run_until_cancelled(listener.accept()).await {
            let answer = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n";
            let _gone = stream.write_all(answer).await;
        }
        Ok::<(), Infallible>(())
    });
    let all = format!("{},{}={url},{}", plain.did(), unencrypted.did(), good.did());
    let served = network.serve(&[("labels.labelers", &all)]).await;
    appended(&served, good, 3).await;
    for reason in ["no_upgrade", "tls"] {
        let label = format!("reason=\"{reason}\"");
        let again = async {
            while count(&served, "fanjet_labeler_disconnects_total", &label).await < 2 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, again).await;
        assert!(
            in_time.is_ok(),
            "{reason}: {}",
            served.get("/metrics").await
        );
    }
    good.publish_many(3);
    appended(&served, good, 6).await;
    drop(answering);
    served.stop().await;
}

/// One has lost its state, one answers nonsense, one redirects for ever, one sends what is no frame: the fifth notices nothing.
#[tokio::test(flavor = "multi_thread")]
async fn labelers_that_fail_disturb_no_other() {
    let network = Network::start(5).await;
    let [lost, missing, redirecting, broken, good] = &network.labelers[..] else {
        unreachable!()
    };
    lost.respond_with(ConnectionResponse::FutureCursor);
    missing.respond_with(ConnectionResponse::Status(404));
    redirecting.respond_with(ConnectionResponse::Redirect);
    broken.publish_raw(vec![0xff; 40].into());
    good.publish_many(10);
    let served = network.serve(&[]).await;
    appended(&served, good, 10).await;
    for labeler in [missing, redirecting, broken] {
        let again = labeler.wait_for_connections(2);
        tokio::time::timeout(PATIENCE, again).await.unwrap();
    }
    good.publish_many(10);
    appended(&served, good, 20).await;
    assert_eq!(lost.cursors().len(), 1, "it is not read again");
    let metrics = served.get("/metrics").await;
    let halted = format!("fanjet_labeler_halted{{labeler=\"{}\"", lost.did());
    let line = metrics
        .lines()
        .find(|line| line.starts_with(&halted))
        .unwrap();
    assert!(line.ends_with(" 1"), "{line}");
    for reason in ["http_status", "redirect", "undecodable", "future_cursor"] {
        assert!(
            metrics.contains(&format!("reason=\"{reason}\"")),
            "{reason}"
        );
    }
    missing.respond_with(ConnectionResponse::Stream);
    missing.publish_many(3);
    appended(&served, missing, 3).await;
    served.stop().await;
}

/// Far above its rate: what it may send at once comes at once, the rest waits at the labeler, and the other is not held up.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_held_up_alone() {
    let network = Network::start(2).await;
    let [flooding, other] = &network.labelers[..] else {
        unreachable!()
    };
    flooding.publish_many(1_000);
    let served = network.serve(&[("labels.labels_per_second", "10")]).await;
    appended(&served, flooding, 100).await;
    other.publish_many(50);
    appended(&served, other, 50).await;
    let metrics = served.get("/metrics").await;
    assert!(metrics.contains("fanjet_labeler_throttled_seconds_total"));
    let name = format!(
        "fanjet_labeler_frames_total{{labeler=\"{}\"",
        flooding.did()
    );
    let line = metrics
        .lines()
        .find(|line| line.starts_with(&name))
        .unwrap();
    let passed: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(passed < 1_000.0, "{passed}");
    served.stop().await;
}
