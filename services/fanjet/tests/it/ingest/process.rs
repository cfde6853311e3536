//! The program itself: invalid settings, and its output.

use crate::harness::fanjet;

/// Runs the program. Returns its exit code and its output.
fn run(args: &[&str], env: &[(&str, &str)]) -> (i32, String) {
    let program = fanjet(&["ingest"]).args(args.iter().copied());
    let program = env
        .iter()
        .fold(program, |program, (name, value)| program.env(name, value));
    let (status, said) = program.run().unwrap();
    (status.code().unwrap(), said)
}

/// Flags, environment, and the parts that the message must have.
type Case = (
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
    [&'static str; 3],
);

#[test]
fn invalid_settings_end_with_78_and_name_key_value_and_what_is_allowed() {
    let cases: [Case; 13] = [
        (
            &["--set", "ingest.upstream.uri=ws://x"],
            &[],
            ["ingest.upstream.uri", "unknown", "`url`"],
        ),
        (
            &["--set", "ingest.pipeline.decode_workers=many"],
            &[],
            ["ingest.pipeline.decode_workers", "\"many\"", "1 to 1_024"],
        ),
        (
            &["--set", "ingest.pipeline.decode_workers=2000"],
            &[],
            ["ingest.pipeline.decode_workers", "2000", "1 to 1_024"],
        ),
        (
            &["--set", "ingest.upstream.url=ftp://relay"],
            &[],
            ["ingest.upstream.url", "ftp://relay", "wss://HOST"],
        ),
        (
            &["--set", "ingest.upstream.fallbacks=ws://a,ftp://b"],
            &[],
            ["ingest.upstream.fallbacks", "ftp://b", "wss://HOST"],
        ),
        (
            &["--set", "ingest.upstream.url=ws://a"],
            &[("FANJET_INGEST__UPSTREAM__FALLBACKS", "ws://b,wss://a")],
            ["ingest.upstream.fallbacks", "wss://a", "two upstreams"],
        ),
        (
            &["--set", "ingest.filter.collections=app.bsky.feed.*,nodots"],
            &[],
            ["ingest.filter.collections", "nodots", "NSID"],
        ),
        (
            &["--set", "ingest.lease.ttl=2500ms"],
            &[],
            ["ingest.lease.ttl", "2.5s", "whole seconds"],
        ),
        (
            &["--set", "ingest.lease.renew_interval=2s"],
            &[],
            [
                "ingest.lease.renew_interval",
                "2s",
                "a third of ingest.lease.ttl",
            ],
        ),
        (
            &["--set", "ingest.lease.ttl=1500ms"],
            &[],
            ["ingest.lease.ttl", "1500ms", "2s to 1day"],
        ),
        (
            &["--set", "ingest.upstream.max_frame_bytes=0"],
            &[],
            [
                "ingest.upstream.max_frame_bytes",
                "0 is",
                "1_024 to 1_073_741_824",
            ],
        ),
        (
            &["--set", "telemetry.log=loud,louder=9"],
            &[],
            ["telemetry.log", "loud", "trace"],
        ),
        (
            &[],
            &[("FANJET_INGEST__UPSTREAM__PING_INTERVAL", "soon")],
            ["ingest.upstream.ping_interval", "soon", "1ms to 1h"],
        ),
    ];
    for (args, env, parts) in cases {
        let (code, said) = run(args, env);
        assert_eq!(code, 78, "{args:?} {env:?}: {said}");
        for part in parts {
            assert!(
                said.contains(part),
                "{args:?} {env:?}: {part:?} is not in {said:?}"
            );
        }
    }
}

#[test]
fn the_settings_in_force_are_printed_without_secrets() {
    let (code, said) = run(
        &["--print-config", "--set", "nats.user=me"],
        &[("FANJET_NATS__PASSWORD", "hunter2")],
    );
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("user = \"me\"") && said.contains("password"),
        "{said}"
    );
    assert!(!said.contains("hunter2"), "{said}");
}

/// A pod beside Services called fanjet, fanjet-edge and atkafka.
const SERVICE_LINKS: [(&str, &str); 8] = [
    ("FANJET_PORT", "tcp://10.0.0.11:6008"),
    ("FANJET_SERVICE_HOST", "10.0.0.11"),
    ("FANJET_SERVICE_PORT", "6008"),
    ("FANJET_EDGE_SERVICE_PORT_HTTP", "6008"),
    ("FANJET_EDGE_PORT_6008_TCP", "tcp://10.0.0.11:6008"),
    ("FANJET_EDGE_PORT_6008_TCP_PROTO", "tcp"),
    ("FANJET_EDGE_PORT_6008_TCP_ADDR", "10.0.0.11"),
    ("ATKAFKA_PORT", "tcp://10.0.0.11:9092"),
];

#[test]
fn service_links_of_kubernetes_are_ignored_with_one_line() {
    // The invalid setting is found before any connection, and the line is written before that.
    let (code, said) = run(
        &["--set", "ingest.filter.dids_file=/nowhere"],
        &SERVICE_LINKS,
    );
    assert_eq!(code, 78, "{said}");
    assert!(
        said.contains("error: invalid setting ingest.filter.dids_file"),
        "{said}"
    );
    let lines: Vec<_> = said
        .lines()
        .filter(|line| line.contains("service links"))
        .collect();
    assert_eq!(lines.len(), 1, "{said}");
    for (name, _) in SERVICE_LINKS {
        assert!(lines[0].contains(name), "{name} is not in {}", lines[0]);
    }
    let (_, said) = run(&["--set", "ingest.filter.dids_file=/nowhere"], &[]);
    assert!(!said.contains("service links"), "{said}");
}

#[test]
fn a_mistyped_variable_that_is_no_service_link_is_still_an_error() {
    let (code, said) = run(&[], &[("FANJET_PORT", "6008")]);
    assert_eq!(code, 78, "{said}");
    assert!(said.contains("port") && said.contains("unknown"), "{said}");
}
