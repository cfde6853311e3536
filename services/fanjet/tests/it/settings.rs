//! Wrong settings and flags: the message names what was wrong and what is allowed.

use std::collections::BTreeSet;

use fanjet_config::SECTIONS;
use fanjet_edge::EdgeSettings;
use fanjet_ingest::IngestConfig;
use fanjet_kafka::KafkaSettings;
use fanjet_service::Settings;
use fanjet_standalone::prepare::PrepareSettings;
use fanjet_standalone::serve::ServeSettings;

use crate::rig::{PATIENCE, fanjet};

fn assert_says(args: &[&str], env: &[(&str, &str)], code: i32, parts: &[&str]) {
    let program = env.iter().fold(fanjet(args), |program, (name, value)| {
        program.env(name, value)
    });
    let (ended, said) = program.run().unwrap();
    assert_eq!(ended.code(), Some(code), "{args:?} {env:?}: {said}");
    for part in parts {
        assert!(
            said.contains(part),
            "{args:?} {env:?}: {part:?} is not in {said:?}"
        );
    }
}

#[test]
fn wrong_settings_end_with_78_and_name_the_key() {
    for (setting, parts) in [
        ("upstream.uri=ws://x", ["upstream.uri", "`url`"]),
        ("upstream.url=ftp://relay", ["upstream.url", "wss://HOST"]),
        (
            "pipeline.batch_bytes=0",
            ["pipeline.batch_bytes", "1 to 1073741824"],
        ),
        ("http.listen=nowhere", ["http.listen", "nowhere"]),
        ("hub.flush=1s", ["hub.flush", "promptness"]),
        ("log.kind=paper", ["log.kind", "embedded"]),
        ("embedded.max_age=soon", ["embedded.max_age", "soon"]),
        (
            "upstream.fail_after=5",
            ["fail_after: invalid value: string \"5\"", "such as 500ms"],
        ),
        ("upstream.fail_after=-5s", ["-5s", "such as 500ms"]),
        (
            "embedded.window_events=0",
            ["embedded.window_events", "1 to 1000000"],
        ),
        ("http.workers=513", ["http.workers", "1 to 512"]),
        ("embedded.sync=1h", ["embedded.sync", "1ms to 5s"]),
        ("kafka.topic=a b", ["kafka.bootstrap_servers", "HOST:PORT"]),
        ("telemetry.log=loud,louder=9", ["telemetry.log", "trace"]),
    ] {
        assert_says(&["serve", "--set", setting], &[], 78, &parts);
    }
    let env = [("ATKAFKA_WATCHED_COLECTIONS", "a.b.c")];
    assert_says(&["serve"], &env, 78, &["ATKAFKA_WATCHED_COLECTIONS"]);
    let env = [("FANJET_LOG__KIND", "stone")];
    assert_says(&["serve"], &env, 78, &["log.kind", "stone", "nats"]);
}

#[test]
fn an_address_that_is_taken_ends_with_78_and_names_the_key() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = tempfile::tempdir().unwrap();
    let free = "127.0.0.1:0".to_owned();
    for (key, http, ops) in [
        ("http.listen", &address, &free),
        ("ops.listen", &free, &address),
    ] {
        let ops = format!("ops.listen={ops}");
        let data = data.path().display().to_string();
        let args = ["serve", "--listen", http, "--set", &ops, "--data", &data];
        assert_says(&args, &[], 78, &[key, &address]);
    }
}

#[test]
fn the_settings_in_force_are_printed() {
    let args = ["serve", "--print-config", "--set", "embedded.path=/there"];
    let parts = [
        "[upstream]",
        "[http]",
        "[embedded]",
        "path = \"/there\"",
        "0.0.0.0:6008",
    ];
    assert_says(&args, &[], 0, &parts);
}

/// An address may have a password in it, which is nobody's who reads what the process says.
#[tokio::test]
async fn passwords_are_not_shown() {
    let word = "hunter2";
    let addresses = [
        ("upstream.url", format!("ws://me:{word}@127.0.0.1:1")),
        (
            "upstream.fallbacks",
            format!("two=ws://me:{word}@127.0.0.1:2"),
        ),
        (
            "pipeline.verify.plc_url",
            format!("https://me:{word}@127.0.0.1:3"),
        ),
        (
            "kafka.enrich.plc_host",
            format!("https://me:{word}@127.0.0.1:4"),
        ),
        ("nats.url", format!("nats://{word}@127.0.0.1:5")),
        ("otlp.endpoint", format!("http://me:{word}@127.0.0.1:6")),
    ];
    let set = addresses.map(|(key, url)| ["--set".to_owned(), format!("{key}={url}")]);
    let set = set.as_flattened();
    let (ended, said) = fanjet(&["serve", "--print-config"])
        .args(set)
        .run()
        .unwrap();
    assert!(ended.success(), "{said}");
    assert_eq!(said.matches("(hidden)@127.0.0.1").count(), 6, "{said}");
    assert!(!said.contains(word), "{said}");

    let data = tempfile::tempdir().unwrap();
    let usual = [
        format!("embedded.path={}", data.path().display()),
        "http.listen=127.0.0.1:0".to_owned(),
        "ops.listen=127.0.0.1:0".to_owned(),
        "upstream.fail_after=1ms".to_owned(),
        "upstream.reconnect_min=1ms".to_owned(),
        "otlp.metrics_interval=10ms".to_owned(),
        "telemetry.log=debug".to_owned(),
    ];
    let usual = usual.iter().flat_map(|set| ["--set", set]);
    let process = fanjet(&["serve"]).args(usual).args(set).start().unwrap();
    for part in [
        "upstream ws://",
        "not connected to the upstream",
        "the collector takes nothing",
    ] {
        let is_wanted = |line: &str| line.contains(part);
        process.wait_for_line(is_wanted, PATIENCE).await.unwrap();
    }
    process.stop(PATIENCE).await.unwrap();
    let said = process.lines().join("\n");
    assert!(!said.contains(word), "{said}");

    for (key, url) in [
        ("upstream.url", "wss//me:hunter2@host"),
        ("upstream.url", "ftp://me:hunter2@host"),
    ] {
        let (ended, said) = fanjet(&["serve", "--set", &format!("{key}={url}")])
            .run()
            .unwrap();
        assert_eq!(ended.code(), Some(78), "{said}");
        assert!(said.contains(key) && !said.contains(word), "{said}");
    }
}

/// Whoever forgets a flag, or takes one thing for another, did not mean to show anything.
#[test]
fn flags_that_cannot_be_used_show_no_password() {
    let word = "hunter2";
    let url = format!("ftp://me:{word}@host");
    let healthcheck = format!("--healthcheck={url}");
    for args in [
        &["tail", &url][..],
        &[&url],
        &["serve", &url],
        &["edge", &healthcheck],
    ] {
        let (ended, said) = fanjet(args).run().unwrap();
        assert_eq!(ended.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains("ftp://(hidden)@host"), "{args:?}: {said}");
        assert!(!said.contains(word), "{args:?}: {said}");
    }
}

#[test]
fn tail_names_the_argument_that_was_wrong_and_what_is_allowed() {
    for (args, parts) in [
        (
            &["--collection", "post"][..],
            ["--collection", "app.bsky.*"],
        ),
        (&["--did", "@me"], ["--did", "did:plc:"]),
        (&["--cursor", "yesterday"], ["--cursor", "10m"]),
        (&["--count", "0"], ["--count", "1.."]),
        (&["localhost:6008"], ["localhost:6008", "ws://HOST"]),
        (&["--pretty", "--raw"], ["--pretty", "--raw"]),
    ] {
        let args: Vec<_> = ["tail"].iter().chain(args).copied().collect();
        assert_says(&args, &[], 2, &parts);
    }
}

#[test]
fn tail_says_that_nobody_is_there() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    drop(listener);
    assert_says(&["tail", &url], &[], 1, &[&url, "fanjet serve", "refused"]);
}

/// A TLS client that found no crypto provider would panic here.
#[test]
fn tail_says_that_a_server_speaks_no_tls() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("wss://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut hello = [0; 1];
        std::io::Read::read_exact(&mut stream, &mut hello).unwrap();
        assert_eq!(hello[0], 22, "not a TLS handshake record");
    });
    assert_says(&["tail", &url], &[], 1, &["error: cannot connect to", &url]);
    server.join().unwrap();
}

/// The edge looks for it before it waits for its log.
#[test]
fn an_edge_without_its_dictionary_ends_with_78_and_names_the_file() {
    let file = "/nowhere/at-all.zdict";
    let dictionary = format!("zstd.dictionary={file}");
    let args = [
        "edge",
        "--set",
        &dictionary,
        "--set",
        "nats.url=nats://127.0.0.1:1",
    ];
    assert_says(&args, &[], 78, &["zstd.dictionary", file]);
}

/// One environment, such as that of a shell or a pod, may be there for several roles.
#[test]
fn settings_of_other_roles_are_ignored() {
    let env = [
        ("FANJET_UPSTREAM__URL", "wss://relay.example"),
        ("FANJET_HTTP__LISTEN", "127.0.0.1:6008"),
        ("FANJET_KAFKA__TOPIC", "events"),
        ("FANJET_EMBEDDED__PATH", "/there"),
        ("FANJET_NATS__NAME", "ours"),
    ];
    for role in ["serve", "ingest", "edge", "prepare"] {
        assert_says(&[role, "--print-config"], &env, 0, &["name = \"ours\""]);
    }
    let mistyped = [("FANJET_UPSTREEM__URL", "wss://relay.example")];
    for role in ["serve", "ingest", "edge", "prepare"] {
        assert_says(&[role, "--print-config"], &mistyped, 78, &["upstreem"]);
    }
}

/// What names the sections of all roles says the same as their defaults.
#[test]
fn the_sections_of_all_roles_are_known() {
    let defaults = [
        ServeSettings::defaults(),
        IngestConfig::defaults(),
        EdgeSettings::defaults(),
        KafkaSettings::defaults(),
        PrepareSettings::defaults(),
    ];
    let named: BTreeSet<_> = defaults
        .iter()
        .flat_map(|text| text.parse::<toml::Table>().unwrap())
        .map(|(name, _)| name)
        .collect();
    let known: BTreeSet<_> = SECTIONS.into_iter().map(str::to_owned).collect();
    assert_eq!(named, known);
}
