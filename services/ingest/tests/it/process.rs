//! The program itself: wrong settings, and what it prints.

use fanjet_testkit::process::Program;

/// Runs the program to its end; its exit code and what it said.
fn run(args: &[&str], env: &[(&str, &str)]) -> (i32, String) {
    let program = Program::new(env!("CARGO_BIN_EXE_fanjet-ingest"))
        .args(args.iter().copied())
        .clean_env();
    let program = env
        .iter()
        .fold(program, |program, (name, value)| program.env(name, value));
    let (status, said) = program.run().unwrap();
    (status.code().unwrap(), said)
}

/// Flags, environment, and what the message must name.
type Case = (
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
    [&'static str; 3],
);

#[test]
fn wrong_settings_end_with_78_and_name_key_value_and_what_is_allowed() {
    let cases: [Case; 11] = [
        (
            &["--set", "upstream.uri=ws://x"],
            &[],
            ["upstream.uri", "unknown", "`url`"],
        ),
        (
            &["--set", "pipeline.batch_frames=many"],
            &[],
            ["pipeline.batch_frames", "many", "integer"],
        ),
        (
            &["--set", "pipeline.batch_frames=0"],
            &[],
            ["pipeline.batch_frames", "0", "at least 1"],
        ),
        (
            &["--set", "upstream.url=ftp://relay"],
            &[],
            ["upstream.url", "ftp://relay", "wss://HOST"],
        ),
        (
            &["--set", "upstream.fallbacks=ws://a,ftp://b"],
            &[],
            ["upstream.fallbacks", "ftp://b", "wss://HOST"],
        ),
        (
            &["--set", "upstream.url=ws://a"],
            &[("FANJET_UPSTREAM__FALLBACKS", "ws://b,wss://a")],
            ["upstream.fallbacks", "wss://a", "two upstreams"],
        ),
        (
            &["--set", "filter.collections=app.bsky.feed.*,nodots"],
            &[],
            ["filter.collections", "nodots", "NSID"],
        ),
        (
            &["--set", "lease.ttl=1500ms"],
            &[],
            ["lease.ttl", "1.5s", "whole seconds"],
        ),
        (
            &["--set", "lease.renew_interval=2s"],
            &[],
            ["lease.renew_interval", "2s", "a third of lease.ttl"],
        ),
        (
            &["--set", "telemetry.log=loud,louder=9"],
            &[],
            ["telemetry.log", "loud", "trace"],
        ),
        (
            &[],
            &[("FANJET_UPSTREAM__PING_INTERVAL", "soon")],
            ["upstream.ping_interval", "soon", "expected"],
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
