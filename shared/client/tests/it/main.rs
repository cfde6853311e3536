//! The client against servers that close, drop, lag, reject and send invalid messages: each event once, in order.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod flaky;

use std::time::Duration;

use fanjet_client::{Client, ClientError, Events, Filter, Update, What};
use flaky::{Act, End, Flaky, history};

const PATIENCE: Duration = Duration::from_secs(60);

fn client(server: &Flaky) -> Client {
    let pause = Duration::from_millis(2);
    Client::new(server.url().parse().unwrap()).reconnecting(pause, pause * 4)
}

/// The next events, as many as are expected.
async fn taken(events: &mut Events, count: usize) -> Vec<String> {
    let mut taken = Vec::new();
    let taking = async {
        while taken.len() < count {
            let event = events.next().await.unwrap();
            taken.push(String::from_utf8(event.json().to_vec()).unwrap());
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, taking).await;
    assert!(in_time.is_ok(), "{} of {count} events came", taken.len());
    taken
}

/// Whatever a server does between events, with and without compression.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_missing_and_nothing_comes_twice() {
    for seed in 0..6 {
        for compressed in [false, true] {
            let history = history(seed, 3_000);
            let server = Flaky::start(history.clone(), Act::at_random(seed)).await;
            let first: u64 = history[0].0;
            let mut events = client(&server)
                .starting_at(first)
                .compressed(compressed)
                .events();
            let got = taken(&mut events, history.len()).await;
            let expected: Vec<_> = history.into_iter().map(|(_, json)| json).collect();
            assert_eq!(got, expected, "seed {seed}, compressed {compressed}");
            let connections = server.connections();
            println!(
                "seed {seed}: {} events over {connections} connections",
                got.len()
            );
            assert!(
                connections > 20,
                "seed {seed}: hardly a break: {connections}"
            );
            assert!(
                server
                    .queries()
                    .iter()
                    .all(|query| query.contains("compress=true") == compressed)
            );
        }
    }
}

/// A program that saves its cursor and is restarted.
#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_client_continues_behind_processed_events() {
    let history = history(1, 1_000);
    let server = Flaky::start(history.clone(), Act::at_random(1)).await;
    let mut got = Vec::new();
    // All events of that time were processed.
    let is_end = |at: &usize| history[*at - 1].0 != history[*at].0;
    let ends: Vec<_> = (1..history.len()).filter(is_end).step_by(50).collect();
    for end in ends.into_iter().chain([history.len()]) {
        let client = match got.len().checked_sub(1) {
            None => client(&server).starting_at(0),
            Some(last) => client(&server).behind(history[last].0),
        };
        let more = end - got.len();
        got.extend(taken(&mut client.events(), more).await);
    }
    let expected: Vec<_> = history.into_iter().map(|(_, json)| json).collect();
    assert_eq!(got, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_goes_along_to_every_connection_and_can_be_replaced() {
    let history = history(2, 100);
    let serve = |count, end| Act::Serve { count, end };
    let acts = vec![
        serve(10, End::Close),
        serve(10, End::Stay),
        serve(10, End::Stay),
    ];
    let server = Flaky::start(history.clone(), acts).await;
    let filter = Filter::default().collection("app.bsky.*").did("did:plc:a");
    let mut events = client(&server).filter(filter).starting_at(0).events();
    taken(&mut events, 15).await;
    let first = "wantedCollections=app.bsky.*&wantedDids=did%3Aplc%3Aa";
    assert_eq!(server.queries()[0], format!("{first}&cursor=0"));
    assert_eq!(
        server.queries()[1],
        format!("{first}&cursor={}", history[9].0)
    );
    // On the open connection, and on the following ones.
    events.update(Filter::default().did("did:plc:b")).await;
    let said = server.heard().await;
    assert!(
        said.contains("options_update") && said.contains("did:plc:b"),
        "{said}"
    );
    assert!(!said.contains("did:plc:a"), "{said}");
    server.break_off();
    taken(&mut events, 10).await;
    assert!(server.queries()[2].starts_with("wantedDids=did%3Aplc%3Ab&cursor="));
    // Too long for a URL.
    let long = (0..2_000).fold(Filter::default(), |it, n| it.did(format!("did:plc:{n}")));
    events.update(long).await;
    assert!(server.heard().await.contains("did:plc:1999"));
    server.break_off();
    let listening = async {
        loop {
            events.next_update().await.unwrap();
        }
    };
    let hello = async {
        tokio::select! {
            said = server.heard() => said,
            () = listening => panic!("it listens for ever"),
        }
    };
    let hello = tokio::time::timeout(PATIENCE, hello).await.unwrap();
    assert!(hello.contains("did:plc:1999"));
    assert!(
        server.queries()[3].starts_with("requireHello=true&cursor="),
        "{:?}",
        server.queries()
    );
}

/// An invalid message is skipped once the server has sent events; before that it is an error.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_event_costs_itself_or_is_an_error_at_the_beginning() {
    let history = history(3, 20);
    let server = Flaky::start(history.clone(), vec![Act::Junk { before: 5 }]).await;
    let mut events = client(&server).starting_at(0).events();
    let (mut came, mut skipped) = (0, Vec::new());
    while came < history.len() {
        match events.next_update().await.unwrap() {
            Update::Event(event) => {
                event.parse().unwrap();
                came += 1;
            }
            Update::Skipped(what) => skipped.push(what),
            _ => {}
        }
    }
    assert_eq!(skipped.len(), 3, "{skipped:?}");
    assert!(skipped[0].contains("without time_us: hello"), "{skipped:?}");
    assert!(skipped[1].contains("not a zstd frame"), "{skipped:?}");
    assert!(skipped[2].contains("bytes is too large"), "{skipped:?}");

    // The event at the cursor, which was processed before, counts too.
    let server = Flaky::start(history.clone(), vec![Act::Junk { before: 1 }]).await;
    let mut events = client(&server).behind(history[0].0).events();
    taken(&mut events, history.len() - 1).await;

    let server = Flaky::start(history, vec![Act::Junk { before: 0 }]).await;
    let error = client(&server)
        .starting_at(0)
        .events()
        .next()
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::Foreign { .. }), "{error:?}");
    assert!(error.to_string().contains("hello"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_will_not_change_is_an_error_and_a_busy_server_is_none() {
    let acts = vec![
        Act::Answer("503 Service Unavailable", "starting"),
        Act::Answer("400 Bad Request", "invalid cursor: x"),
    ];
    let server = Flaky::start(history(4, 5), acts).await;
    let mut events = client(&server).events();
    let Update::Disconnected {
        reason,
        was_reached,
        ..
    } = events.next_update().await.unwrap()
    else {
        panic!("not disconnected");
    };
    assert!(
        was_reached && reason.contains("503") && reason.contains("starting"),
        "{reason}"
    );
    let error = events.next().await.unwrap_err();
    assert!(
        matches!(error, ClientError::Refused { status: 400, .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("invalid cursor: x"), "{error}");
}

/// An unreachable server is reported, and retried.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_tried_again() {
    let url = "ws://127.0.0.1:1".parse().unwrap();
    let pause = Duration::from_millis(1);
    let mut events = Client::new(url).reconnecting(pause, pause).events();
    for _ in 0..3 {
        let update = events.next_update().await.unwrap();
        assert!(
            matches!(
                update,
                Update::Disconnected {
                    was_reached: false,
                    ..
                }
            ),
            "{update:?}"
        );
    }
}

/// Cancels the wait and waits again, all the time.
#[tokio::test(flavor = "multi_thread")]
async fn an_impatient_caller_gets_every_event() {
    let history = history(5, 500);
    let server = Flaky::start(history.clone(), Act::at_random(5)).await;
    let mut events = client(&server).starting_at(0).events();
    let mut got = Vec::new();
    while got.len() < history.len() {
        let waiting = tokio::time::timeout(Duration::from_micros(200), events.next_update());
        if let Ok(update) = waiting.await
            && let Update::Event(event) = update.unwrap()
        {
            let parsed = event.parse().unwrap();
            assert!(matches!(parsed.what, What::Commit(_)));
            got.push(String::from_utf8(event.json().to_vec()).unwrap());
        }
    }
    let expected: Vec<_> = history.into_iter().map(|(_, json)| json).collect();
    assert_eq!(got, expected);
}
