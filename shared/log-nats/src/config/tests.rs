use super::*;

#[test]
fn the_default_needs_no_file() {
    let config: NatsConfig = toml::from_str("").unwrap();
    assert_eq!(config.url, [ServerUrl::new("nats://127.0.0.1:4222")]);
    assert_eq!(config.publish_window, 1024);
    assert_eq!(config.read_ahead_bytes, 64 << 20);
    assert_eq!(config.stream, StreamConfig::default());
    assert_eq!(config.stream.name, "ATP");
    assert_eq!(config.stream.subject_root, "atp");
    assert_eq!(config.stream.max_age.as_secs(), 72 * 60 * 60);
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
    let config: NatsConfig = toml::from_str(text).unwrap();
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
    for wrong in [
        "pasword = \"x\"",
        "[stream]\nreplica = 3",
        "[stream]\nstorage = \"disk\"",
    ] {
        assert!(toml::from_str::<NatsConfig>(wrong).is_err(), "{wrong}");
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
    let config: NatsConfig = toml::from_str(text).unwrap();
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
