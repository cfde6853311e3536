use clap::Parser;

use super::*;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    flags: AtKafkaFlags,
}

fn given(args: &[&str], env: &[(&str, &str)]) -> Result<Vec<String>, String> {
    let cli = Cli::parse_from(std::iter::once("test").chain(args.iter().copied()));
    let env: Vec<_> = env
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    settings(&cli.flags, &env, Upstream::Own).map_err(|error| error.to_string())
}

#[test]
fn every_variable_of_at_kafkas_relay_mode_maps_to_a_setting() {
    let env = [
        ("HOME", "/root"),
        ("ATKAFKA_RELAY_HOST", "wss://bsky.network"),
        ("ATKAFKA_BOOTSTRAP_SERVERS", "kafka:29092,kafka2:29092"),
        ("ATKAFKA_OUTPUT_TOPIC", "atproto-events"),
        ("ATKAFKA_OSPREY_COMPATIBLE", "1"),
        ("ATKAFKA_PLC_HOST", "https://plc.directory"),
        ("ATKAFKA_API_HOST", "https://public.api.bsky.app"),
        ("ATKAFKA_WATCHED_SERVICES", "*.bsky.network"),
        ("ATKAFKA_IGNORED_SERVICES", ""),
        ("ATKAFKA_WATCHED_COLLECTIONS", "app.bsky.*"),
        ("ATKAFKA_IGNORED_COLLECTIONS", "a.b.c"),
        ("ATKAFKA_METRICS_LISTEN_ADDRESS", ":2112"),
        ("ATKAFKA_DEBUG", "true"),
        ("ATKAFKA_TAP_WORKERS", "10"),
        ("ATKAFKA_OZONE_PDS_HOST", "https://pds.example"),
    ];
    assert_eq!(
        given(&[], &env).unwrap(),
        [
            "ingest.upstream.url=wss://bsky.network",
            "kafka.bootstrap_servers=kafka:29092,kafka2:29092",
            "kafka.topic=atproto-events",
            "kafka.format.osprey=true",
            "kafka.enrich.plc_host=https://plc.directory",
            "kafka.enrich.api_host=https://public.api.bsky.app",
            "kafka.filter.watched_services=*.bsky.network",
            "kafka.filter.watched_collections=app.bsky.*",
            "kafka.filter.ignored_collections=a.b.c",
            "ops.listen=0.0.0.0:2112",
            "telemetry.log=debug",
        ]
    );
}

#[test]
fn flags_override_variables() {
    let args = [
        "--bootstrap-servers",
        "a:1",
        "--bootstrap-servers",
        "b:2",
        "--output-topic=x",
        "--osprey-compatible",
        "--watched-collections",
        "app.bsky.*,chat.bsky.*",
    ];
    let env = [
        ("ATKAFKA_OUTPUT_TOPIC", "y"),
        ("ATKAFKA_OSPREY_COMPATIBLE", "F"),
    ];
    assert_eq!(
        given(&args, &env).unwrap(),
        [
            "kafka.topic=y",
            "kafka.format.osprey=false",
            "kafka.bootstrap_servers=a:1,b:2",
            "kafka.topic=x",
            "kafka.format.osprey=true",
            "kafka.filter.watched_collections=app.bsky.*,chat.bsky.*",
        ]
    );
}

#[test]
fn a_meaningless_value_is_an_error_that_names_it() {
    let error = given(&[], &[("ATKAFKA_OUTPUT_TOPICS", "x")]).unwrap_err();
    assert!(
        error.contains("ATKAFKA_OUTPUT_TOPICS") && error.contains("ATKAFKA_OUTPUT_TOPIC,"),
        "{error}"
    );
    let error = given(&[], &[("ATKAFKA_OSPREY_COMPATIBLE", "yes")]).unwrap_err();
    assert!(
        error.contains("ATKAFKA_OSPREY_COMPATIBLE") && error.contains("yes"),
        "{error}"
    );
}
