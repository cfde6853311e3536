//! The program's settings: invalid ones, and at-kafka's flags and variables.

use std::process::Command;

/// Runs the program. Returns its exit code and its output.
fn run(args: &[&str], env: &[(&str, &str)]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_fanjet"))
        .arg("kafka")
        .env_clear()
        .envs(env.iter().copied())
        .args(args)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8(said).unwrap(),
    )
}

fn assert_prints(args: &[&str], env: &[(&str, &str)], code: i32, parts: &[&str]) {
    let (ended, said) = run(args, env);
    assert_eq!(ended, code, "{args:?} {env:?}: {said}");
    for part in parts {
        assert!(
            said.contains(part),
            "{args:?} {env:?}: {part:?} is not in {said:?}"
        );
    }
}

const TARGET: [(&str, &str); 2] = [
    ("ATKAFKA_BOOTSTRAP_SERVERS", "kafka:9092"),
    ("ATKAFKA_OUTPUT_TOPIC", "atproto-events"),
];

#[test]
fn at_kafkas_flags_are_accepted() {
    let with = |more: &[(&'static str, &'static str)]| [&TARGET[..], more].concat();
    let args = [
        "--print-config",
        "firehose",
        "--plc-host",
        "https://plc.example",
        "relay",
    ];
    let parts = [
        "bootstrap_servers = [\"kafka:9092\"]",
        "topic = \"atproto-events\"",
        "osprey = true",
        "plc_host = \"https://plc.example\"",
    ];
    assert_prints(
        &args,
        &with(&[("ATKAFKA_OSPREY_COMPATIBLE", "true")]),
        0,
        &parts,
    );
    let set = ["--print-config", "--set", "kafka.topic=mine"];
    assert_prints(&set, &with(&[]), 0, &["topic = \"mine\""]);
}

#[test]
fn invalid_settings_end_with_78_and_name_the_key() {
    for (more, parts) in [
        (
            &[
                ("ATKAFKA_WATCHED_COLLECTIONS", "a.b.c"),
                ("ATKAFKA_IGNORED_COLLECTIONS", "a.b.d"),
            ][..],
            ["watched", "ignored"],
        ),
        (
            &[("ATKAFKA_WATCHED_SERVICES", "*.bsky.network")],
            ["PLC host", "ATKAFKA_PLC_HOST"],
        ),
        (
            &[("ATKAFKA_OSPREY_COMPATABLE", "true")],
            ["ATKAFKA_OSPREY_COMPATABLE", "ATKAFKA_OSPREY_COMPATIBLE"],
        ),
        (
            &[("FANJET_KAFKA__COMPRESSION", "rar")],
            ["kafka.compression", "snappy"],
        ),
    ] {
        assert_prints(&[], &[&TARGET[..], more].concat(), 78, &parts);
    }
    assert_prints(&[], &[], 78, &["kafka.bootstrap_servers", "HOST:PORT"]);
    for other in [
        &["firehose", "tap", "--tap-host", "x"][..],
        &["ozone-events", "--pds-host=x"],
    ] {
        assert_prints(other, &TARGET, 78, &["relay mode", "Tap"]);
    }
}
