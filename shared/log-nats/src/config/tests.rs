use fanjet_config::Section;

use super::*;

#[test]
fn the_defaults_are_those_of_a_server_beside_it() {
    let config = NatsConfig::default();
    assert_eq!(config.url, [ServerUrl::new("nats://127.0.0.1:4222")]);
    assert_eq!(config.publish_window, 1024);
    assert_eq!(config.read_ahead_bytes, 64 << 20);
    assert_eq!(config.stream.name, "ATP");
    assert_eq!(config.stream.subject_root, "atp");
    assert_eq!(config.stream.max_age.as_secs(), 72 * 60 * 60);
}

/// The defaults with some values over them.
fn with(text: &str) -> Result<NatsConfig, String> {
    let mut all: toml::Table = NatsConfig::FRAGMENT.text.parse().unwrap();
    let nats = all["nats"].as_table_mut().unwrap();
    let mut given: toml::Table = text.parse().unwrap();
    let stream = given.remove("stream");
    nats.extend(given);
    if let Some(toml::Value::Table(stream)) = stream {
        nats["stream"].as_table_mut().unwrap().extend(stream);
    }
    let nats = nats.clone();
    nats.try_into()
        .map_err(|error: toml::de::Error| error.to_string())
}

#[test]
fn everything_can_be_set_and_a_wrong_key_is_an_error() {
    let text = r#"
        url = "tls://a:4222, tls://b:4222"
        user = "ingest"
        password = "x"
        ack_timeout = "1s 500ms"
        [stream]
        name = "LOG"
        replicas = 3
        max_age = "7d"
        storage = "memory"
        compression = "none"
    "#;
    let config = with(text).unwrap();
    assert_eq!(
        config.url,
        [
            ServerUrl::new("tls://a:4222"),
            ServerUrl::new("tls://b:4222")
        ]
    );
    assert_eq!(config.ack_timeout, Duration::from_millis(1500));
    assert_eq!(config.stream.replicas, 3);
    assert_eq!(config.stream.storage, Storage::Memory);
    assert_eq!(config.user.as_deref(), Some("ingest"));
    assert!(config.nkey_seed.is_none() && config.tls_ca_file.is_none());
    for wrong in [
        "pasword = \"x\"",
        "[stream]\nreplica = 3",
        "[stream]\nstorage = \"disk\"",
    ] {
        assert!(with(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn secrets_are_never_shown() {
    let text = r#"
        url = "nats://alice:hunter2@host:4222,nats://bob:p@ss-hunter2@other,alice:hunter2@bare"
        user = "alice"
        password = "hunter2"
        nkey_seed = "SUhunter2"
    "#;
    let config = with(text).unwrap();
    for shown in [
        format!("{config:?}"),
        format!("{config:#?}"),
        toml::to_string(&config).unwrap(),
    ] {
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(
            shown.contains("host:4222") && shown.contains("***@"),
            "{shown}"
        );
    }
}
