//! Invalid settings and flags: the message names what is invalid and what is allowed.

use std::path::Path;

use crate::harness::{PATIENCE, fanjet};

fn assert_prints(args: &[&str], env: &[(&str, &str)], code: i32, parts: &[&str]) {
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
fn invalid_settings_end_with_78_and_name_the_key() {
    for (setting, parts) in [
        (
            "ingest.upstream.uri=ws://x",
            ["ingest.upstream.uri", "`url`"],
        ),
        (
            "ingest.upstream.url=ftp://relay",
            ["ingest.upstream.url", "wss://HOST"],
        ),
        (
            "ingest.verify.lookups_per_second=0",
            ["ingest.verify.lookups_per_second", "1 to 1_000_000"],
        ),
        ("edge.http.listen=nowhere", ["edge.http.listen", "nowhere"]),
        ("edge.hub.flush=1s", ["edge.hub.flush", "promptness"]),
        ("log.kind=paper", ["log.kind", "embedded"]),
        ("embedded.max_age=soon", ["embedded.max_age", "soon"]),
        (
            "ingest.upstream.fail_after=5",
            ["fail_after: \"5\" is not a duration", "such as 500ms"],
        ),
        ("ingest.upstream.fail_after=-5s", ["-5s", "such as 500ms"]),
        (
            "embedded.segment_bytes=0",
            ["embedded.segment_bytes", "1 to 2_147_483_648"],
        ),
        ("edge.http.workers=513", ["edge.http.workers", "1 to 512"]),
        ("embedded.sync=1h", ["embedded.sync", "1ms to 5s"]),
        (
            "embedded.path=",
            ["invalid setting embedded.path", "a folder"],
        ),
        ("kafka.topic=a b", ["kafka.bootstrap_servers", "HOST:PORT"]),
        ("telemetry.log=loud,louder=9", ["telemetry.log", "trace"]),
    ] {
        assert_prints(&["serve", "--set", setting], &[], 78, &parts);
    }
    let env = [("ATKAFKA_WATCHED_COLECTIONS", "a.b.c")];
    assert_prints(&["serve"], &env, 78, &["ATKAFKA_WATCHED_COLECTIONS"]);
    let env = [("FANJET_LOG__KIND", "stone")];
    assert_prints(&["serve"], &env, 78, &["log.kind", "stone", "nats"]);
}

#[test]
fn an_address_that_is_taken_ends_with_78_and_names_the_key() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = tempfile::tempdir().unwrap();
    let free = "127.0.0.1:0".to_owned();
    for (key, http, ops) in [
        ("edge.http.listen", &address, &free),
        ("ops.listen", &free, &address),
    ] {
        let ops = format!("ops.listen={ops}");
        let data = data.path().display().to_string();
        let args = ["serve", "--listen", http, "--set", &ops, "--data", &data];
        assert_prints(&args, &[], 78, &[key, &address]);
    }
}

const ROLES: &[&str] = match cfg!(feature = "kafka") {
    true => &["serve", "ingest", "edge", "prepare", "kafka"],
    false => &["serve", "ingest", "edge", "prepare"],
};

fn printed(args: &[&str]) -> String {
    let (ended, said) = fanjet(args).run().unwrap();
    assert!(ended.success(), "{args:?}: {said}");
    said
}

/// The output is a settings file: printing it again gives the same text.
#[test]
fn the_settings_in_force_are_printed_as_a_settings_file() {
    let args = ["serve", "--print-config", "--set", "embedded.path=/there"];
    let parts = [
        "[ingest.upstream]",
        "[edge.http]",
        "[embedded]\n# The folder.",
        "path = \"/there\"",
        "0.0.0.0:6008",
        "# Allowed: 1 to 512, or 0 for one per core.\nworkers = 0\n",
    ];
    assert_prints(&args, &[], 0, &parts);
    for &role in ROLES {
        let set = [
            "--set",
            "nats.stream.max_age=90m",
            "--set",
            "telemetry.log=debug",
        ];
        let args: Vec<_> = [role, "--print-config"].into_iter().chain(set).collect();
        let first = printed(&args);
        assert!(first.contains("\nmax_age = \"1h 30m\"\n"), "{first}");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &first).unwrap();
        let file = file.path().to_str().unwrap();
        assert_eq!(printed(&[role, "--print-config", "--config", file]), first);
    }
}

/// One file may hold the settings of a whole cluster.
#[test]
fn one_file_serves_all_roles() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), printed(&["serve", "--print-config"])).unwrap();
    let path = file.path().to_str().unwrap();
    for &role in ROLES {
        let said = printed(&[role, "--print-config", "--config", path]);
        assert_eq!(
            said.contains("[edge.http]"),
            ["serve", "edge"].contains(&role)
        );
    }
    let text = "[edge.http]\nworkers = 600\n[nats]\nname = \"ours\"\n";
    std::fs::write(file.path(), text).unwrap();
    for (role, code, part) in [
        ("ingest", 0, "name = \"ours\""),
        ("edge", 78, "edge.http.workers"),
        ("serve", 78, "edge.http.workers"),
    ] {
        assert_prints(
            &[role, "--print-config", "--config", path],
            &[],
            code,
            &[part],
        );
    }
    std::fs::write(file.path(), "[egde.http]\nworkers = 1\n").unwrap();
    for &role in ROLES {
        let parts = [
            "egde: an unknown section",
            "ingest, edge, kafka, log, raw, labels, embedded",
        ];
        assert_prints(&[role, "--print-config", "--config", path], &[], 78, &parts);
    }
}

/// The page of all settings agrees with the fragments.
#[test]
fn the_reference_is_up_to_date() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operate/settings.md");
    let written = std::fs::read_to_string(&page).unwrap();
    assert!(
        printed(&["settings"]) == written,
        "cargo run -p fanjet -- settings > docs/operate/settings.md"
    );
}

/// An address may contain a password, which readers of the output must not see.
#[tokio::test]
async fn passwords_are_not_shown() {
    let word = "hunter2";
    let addresses = [
        ("ingest.upstream.url", format!("ws://me:{word}@127.0.0.1:1")),
        (
            "ingest.upstream.fallbacks",
            format!("two=ws://me:{word}@127.0.0.1:2"),
        ),
        (
            "ingest.verify.plc_url",
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
        "edge.http.listen=127.0.0.1:0".to_owned(),
        "ops.listen=127.0.0.1:0".to_owned(),
        "ingest.upstream.fail_after=1ms".to_owned(),
        "ingest.upstream.reconnect_min=1ms".to_owned(),
        "otlp.metrics_interval=10ms".to_owned(),
        "telemetry.log=debug".to_owned(),
    ];
    let usual = usual.iter().flat_map(|set| ["--set", set]);
    let process = fanjet(&["serve"]).args(usual).args(set).start().unwrap();
    for part in [
        "upstream ws://",
        "not connected to the upstream",
        "the collector rejects exports",
    ] {
        let is_wanted = |line: &str| line.contains(part);
        process.wait_for_line(is_wanted, PATIENCE).await.unwrap();
    }
    process.stop(PATIENCE).await.unwrap();
    let said = process.lines().join("\n");
    assert!(!said.contains(word), "{said}");

    for (key, url) in [
        ("ingest.upstream.url", "wss//me:hunter2@host"),
        ("ingest.upstream.url", "ftp://me:hunter2@host"),
    ] {
        let (ended, said) = fanjet(&["serve", "--set", &format!("{key}={url}")])
            .run()
            .unwrap();
        assert_eq!(ended.code(), Some(78), "{said}");
        assert!(said.contains(key) && !said.contains(word), "{said}");
    }
}

/// A misplaced argument may be an address with a password.
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
        assert_prints(&args, &[], 2, &parts);
    }
}

#[test]
fn tail_reports_that_no_server_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    drop(listener);
    assert_prints(&["tail", &url], &[], 1, &[&url, "fanjet serve", "refused"]);
}

/// Without a crypto provider, the TLS client would panic here.
#[test]
fn tail_reports_that_a_server_does_not_speak_tls() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("wss://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut hello = [0; 1];
        std::io::Read::read_exact(&mut stream, &mut hello).unwrap();
        assert_eq!(hello[0], 22, "not a TLS handshake record");
    });
    assert_prints(&["tail", &url], &[], 1, &["error: cannot connect to", &url]);
    server.join().unwrap();
}

/// The edge opens the dictionary before it waits for its log.
#[test]
fn an_edge_without_its_dictionary_ends_with_78_and_names_the_file() {
    let file = "/nowhere/at-all.zdict";
    let dictionary = format!("edge.zstd.dictionary={file}");
    let args = [
        "edge",
        "--set",
        &dictionary,
        "--set",
        "nats.url=nats://127.0.0.1:1",
    ];
    assert_prints(&args, &[], 78, &["edge.zstd.dictionary", file]);
}

/// Several roles may share one environment, such as that of a shell or a pod.
#[test]
fn settings_of_other_roles_are_ignored() {
    let env = [
        ("FANJET_INGEST__UPSTREAM__URL", "wss://relay.example"),
        ("FANJET_EDGE__HTTP__LISTEN", "127.0.0.1:6008"),
        ("FANJET_KAFKA__TOPIC", "events"),
        ("FANJET_EMBEDDED__PATH", "/there"),
        ("FANJET_NATS__NAME", "ours"),
    ];
    for &role in ROLES {
        assert_prints(&[role, "--print-config"], &env, 0, &["name = \"ours\""]);
    }
    let mistyped = [("FANJET_UPSTREEM__URL", "wss://relay.example")];
    for &role in ROLES {
        assert_prints(&[role, "--print-config"], &mistyped, 78, &["upstreem"]);
    }
}
