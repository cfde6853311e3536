//! The terminal client, against a scripted server that misbehaves and against the real one.

use fanjet_simulator::Rate;
use fanjet_testkit::Process;
use fanjet_wire::zstd::{Compressor, DEFAULT_LEVEL};

use crate::harness::{
    PATIENCE, Served, assert_same_events, ended, eventually, expected_json, fanjet, said, simulator,
};
use crate::scripted_server::{ScriptedServer, event};

const T: u64 = 1_783_175_887_000_000;

/// The JSON lines that it printed to stdout.
fn printed(tail: &Process) -> Vec<String> {
    let lines = tail.lines().into_iter();
    lines.filter(|line| line.starts_with('{')).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_is_resumed_without_repeating_an_event() {
    let server = ScriptedServer::start().await;
    let tail = fanjet(&["tail", &server.url(), "--cursor", "77", "--count", "6"])
        .start()
        .unwrap();
    let mut client = server.accept().await;
    assert_eq!(client.query, "cursor=77");
    client.send_events([T + 1, T + 2, T + 3]).await;
    eventually("three events are printed", || printed(&tail).len() == 3).await;
    drop(client);

    let mut client = server.accept().await;
    assert_eq!(client.query, format!("cursor={}", T + 3));
    client.send_events([T + 2, T + 3, T + 4]).await;
    client.close(1012, "node shutting down").await;

    let mut client = server.accept().await;
    assert_eq!(client.query, format!("cursor={}", T + 4));
    client.send_events([T + 4, T + 5, T + 6, T + 7]).await;
    client.read_to_end().await;
    assert_eq!(ended(&tail).await.0, 0);
    let expected: Vec<_> = (1..=6).map(|n| event(T + n)).collect();
    assert_eq!(printed(&tail), expected);
    let lines = tail.lines().join("\n");
    assert!(
        lines.contains("closed with 1012: node shutting down"),
        "{lines}"
    );
    assert!(lines.contains("6 events in "), "{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_and_times_are_sent_as_query_parameters() {
    let server = ScriptedServer::start().await;
    let args = [
        "--collection",
        "app.bsky.*",
        "--collection",
        "a.b.c",
        "--did",
        "did:plc:x",
    ];
    let when = [
        "--cursor",
        "2026-07-04T14:38:07Z",
        "--count",
        "1",
        "--pretty",
    ];
    let tail = fanjet(&["tail", &server.url()])
        .args(args)
        .args(when)
        .start()
        .unwrap();
    let mut client = server.accept().await;
    assert_eq!(
        client.query,
        format!(
            "wantedCollections=app.bsky.*&wantedCollections=a.b.c&wantedDids=did%3Aplc%3Ax&cursor={T}"
        )
    );
    client.send_events([T]).await;
    client.read_to_end().await;
    assert_eq!(ended(&tail).await.0, 0);
    let line = said(&tail, "14:38:07.000  did:plc:abc ").await;
    assert!(
        line.ends_with(&format!("app.bsky.feed.post            hello {T}")),
        "{line}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_events_are_unpacked() {
    let server = ScriptedServer::start().await;
    let tail = fanjet(&["tail", &server.url(), "--zstd", "--count", "2"])
        .start()
        .unwrap();
    let mut client = server.accept().await;
    assert_eq!(client.query, "compress=true");
    let dictionary = fanjet_dictionaries::v1().bytes();
    let mut compressor = Compressor::new(dictionary, DEFAULT_LEVEL).unwrap();
    client
        .send(compressor.compress(event(T).as_bytes()).unwrap().into_vec())
        .await;
    // A server without compression sends text.
    client.send_events([T + 1]).await;
    client.read_to_end().await;
    assert_eq!(ended(&tail).await.0, 0);
    assert_eq!(printed(&tail), [event(T), event(T + 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_server_is_retried_and_a_refusing_one_is_not() {
    let server = ScriptedServer::start().await;
    let tail = fanjet(&["tail", &server.url()]).start().unwrap();
    server.answer("503 Service Unavailable", "starting").await;
    server.answer("400 Bad Request", "invalid cursor: x").await;
    let (code, lines) = ended(&tail).await;
    let lines = lines.join("\n");
    assert_eq!(code, 1, "{lines}");
    for part in [
        "503",
        "starting",
        "rejected the request: 400: invalid cursor: x",
    ] {
        assert!(lines.contains(part), "{part:?} is not in {lines}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_message_ends_it_after_all_earlier_events() {
    for (foreign, part) in [("hello", "hello"), ("{\"seq\":1}", "without time_us")] {
        let server = ScriptedServer::start().await;
        let tail = fanjet(&["tail", &server.url()]).start().unwrap();
        let mut client = server.accept().await;
        client.send(foreign).await;
        let (code, lines) = ended(&tail).await;
        let lines = lines.join("\n");
        assert_eq!(code, 1, "{lines}");
        assert!(
            lines.contains(&server.url()) && lines.contains(part),
            "{lines}"
        );
    }
    let server = ScriptedServer::start().await;
    let tail = fanjet(&["tail", &server.url(), "--zstd"]).start().unwrap();
    server.accept().await.send(vec![1, 2, 3]).await;
    let (code, lines) = ended(&tail).await;
    let lines = lines.join("\n");
    assert_eq!(code, 1, "{lines}");
    assert!(lines.contains("not a zstd frame"), "{lines}");
}

/// V1 puts no limit on the nesting of records. Deep ones must not end the client, in any style.
#[tokio::test(flavor = "multi_thread")]
async fn no_untrusted_event_ends_it() {
    let deep = |levels: usize, time: u64| {
        let tower = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        event(time).replace("\"record\":{", &format!("\"record\":{{\"deep\":{tower},"))
    };
    for style in ["--pretty", "--raw"] {
        let server = ScriptedServer::start().await;
        let tail = fanjet(&["tail", &server.url(), style, "--count", "5"])
            .start()
            .unwrap();
        let mut client = server.accept().await;
        client.send_events([T]).await;
        for (time, levels) in (T + 1..).zip([126, 1_000, 100_000]) {
            client.send(deep(levels, time)).await;
        }
        // Longer than any event: once complete, and once announced and never finished, which ends the connection.
        client.send(deep(5_000_000, T + 4)).await;
        client.send("no event at all").await;
        client.announce(1 << 40, deep(10, T + 5).as_bytes()).await;
        said(
            &tail,
            "not shown: an event without time_us: no event at all",
        )
        .await;
        drop(client);
        let mut client = server.accept().await;
        assert_eq!(client.query, format!("cursor={}", T + 5));
        client.send_events([T + 5, T + 6]).await;
        client.read_to_end().await;
        let (code, lines) = ended(&tail).await;
        assert_eq!(code, 0, "{style}");
        let too_long = lines
            .iter()
            .filter(|line| line.contains("is too large"))
            .count();
        assert_eq!(too_long, 2, "{style}");
    }
}

/// The server never reads the pongs to its pings. They must not accumulate.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_reads_no_pongs_is_disconnected() {
    let server = ScriptedServer::start().await;
    let tail = fanjet(&["tail", &server.url(), "--count", "2"])
        .start()
        .unwrap();
    let mut client = server.accept().await;
    client.send_events([T]).await;
    client.ping_without_reading().await;
    let mut client = server.accept().await;
    assert_eq!(client.query, format!("cursor={T}"));
    client.send_events([T, T + 1]).await;
    client.read_to_end().await;
    let (code, lines) = ended(&tail).await;
    assert_eq!(code, 0);
    let lines = lines.join("\n");
    assert!(lines.contains("the server does not read"), "{lines}");
}

/// `--raw` on a terminal, and in a pipe.
#[tokio::test(flavor = "multi_thread")]
async fn raw_json_is_escaped_on_a_terminal_and_unchanged_in_a_pipe() {
    const HARMFUL: [char; 5] = ['\u{9b}', '\u{9d}', '\u{202e}', '\u{2066}', '\u{200f}'];
    let harmful = event(T).replace("hello", &String::from_iter(HARMFUL));
    for is_terminal in [true, false] {
        let server = ScriptedServer::start().await;
        let tail = format!(
            "{} tail {} --raw --count 1",
            env!("CARGO_BIN_EXE_fanjet"),
            server.url()
        );
        let program = fanjet_testkit::process::Program::new("bash");
        // `script` gives its command a terminal.
        let program = match is_terminal {
            true => program.args(["-c", &format!("script -qefc '{tail}' /dev/null | cat")]),
            false => program.args(["-c", &tail]),
        };
        let process = program.start().unwrap();
        let mut client = server.accept().await;
        client.send(harmful.as_str()).await;
        client.read_to_end().await;
        let (code, lines) = ended(&process).await;
        assert_eq!(code, 0);
        let lines = lines.join("\n");
        assert_eq!(lines.contains(HARMFUL), !is_terminal, "{lines:?}");
        let shown = match is_terminal {
            true => r"\u009b\u009d\u202e\u2066\u200f",
            false => &String::from_iter(HARMFUL),
        };
        assert!(lines.contains(shown), "{lines:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_exits_with_success_when_its_reader_closes_the_pipe() {
    let server = ScriptedServer::start().await;
    let script = format!(
        "{} tail {} | head -n 1",
        env!("CARGO_BIN_EXE_fanjet"),
        server.url()
    );
    let pipe = fanjet_testkit::process::Program::new("bash")
        .args(["-c", &format!("set -o pipefail; {script}")])
        .start()
        .unwrap();
    let mut client = server.accept().await;
    client.send_events([T]).await;
    pipe.wait_for_line(|line| line.starts_with('{'), PATIENCE)
        .await
        .unwrap();
    // The reader may take a moment to exit. The next write after that ends the tail.
    for time in T + 1.. {
        if pipe.exit_status().is_some() {
            break;
        }
        client.send_events([time]).await;
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(ended(&pipe).await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_real_server_shows_every_event_once() {
    let (seed, frames) = (40, 3_000);
    let data = tempfile::tempdir().unwrap();
    let simulator = simulator(seed, frames, Rate::PerSecond(1_500.0)).await;
    simulator.pause();
    let served = Served::start(&simulator, data.path()).await;
    let tail = fanjet(&["tail", &served.url, "--raw"]).start().unwrap();
    said(&tail, "connected to ").await;
    simulator.resume();
    eventually("some events are printed", || printed(&tail).len() > 500).await;
    simulator.pause();
    eventually("all published events are printed", || {
        printed(&tail).len() == expected_json(&simulator, |_| true).len()
    })
    .await;

    let listen = served.url.trim_start_matches("ws://").to_owned();
    let seen = tail.line_count();
    served.stop().await;
    let _served = Served::start_at(&simulator, data.path(), &listen).await;
    tail.wait_for_line_after(seen, |line| line.starts_with("connected to "), PATIENCE)
        .await
        .unwrap();
    simulator.resume();
    tokio::time::timeout(PATIENCE, simulator.wait_until_produced(frames))
        .await
        .unwrap();
    let expected = expected_json(&simulator, |_| true);
    eventually("all events are printed", || {
        printed(&tail).len() >= expected.len()
    })
    .await;
    assert!(tail.stop(PATIENCE).await.unwrap().success());
    assert_eq!(ended(&tail).await.0, 0);
    assert_same_events(&printed(&tail), &expected, seed);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_server_explains_its_refusals() {
    let data = tempfile::tempdir().unwrap();
    let simulator = simulator(50, 1, Rate::Max).await;
    let served = Served::start(&simulator, data.path()).await;
    let url = format!("{}/subscribe?wantedDids=me", served.url);
    let tail = fanjet(&["tail", &url]).start().unwrap();
    let (code, lines) = ended(&tail).await;
    let lines = lines.join("\n");
    assert_eq!(code, 1, "{lines}");
    assert!(
        lines.contains("rejected the request: 400: invalid subscriber options: invalid DID: me"),
        "{lines}"
    );
    served.stop().await;
}
