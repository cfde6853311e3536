use super::*;

#[test]
fn defaults_survive_being_printed_and_read() {
    let config = EmbeddedConfig::default();
    let text = toml::to_string(&config).unwrap();
    assert_eq!(toml::from_str::<EmbeddedConfig>(&text).unwrap(), config);
    assert_eq!(toml::from_str::<EmbeddedConfig>("").unwrap(), config);
    config.check().unwrap();
}

#[test]
fn sync_is_a_word_or_a_time() {
    let read = |text: &str| toml::from_str::<EmbeddedConfig>(text).map(|config| config.sync);
    assert_eq!(read("sync = 'always'").unwrap(), Sync::Always);
    let every = Sync::Every(Duration::from_millis(50));
    assert_eq!(read("sync = '50ms'").unwrap(), every);
    assert!(read("sync = 'sometimes'").is_err());
    let config = EmbeddedConfig {
        sync: every,
        ..EmbeddedConfig::default()
    };
    let text = toml::to_string(&config).unwrap();
    assert_eq!(toml::from_str::<EmbeddedConfig>(&text).unwrap(), config);
}

#[test]
fn unknown_keys_and_impossible_values_are_refused_by_name() {
    let error = toml::from_str::<EmbeddedConfig>("max_agee = '1h'").unwrap_err();
    assert!(error.to_string().contains("max_agee"));
    for (key, text) in [
        ("path", "path = ''"),
        ("segment_bytes", "segment_bytes = 0"),
        ("segment_bytes", "segment_bytes = 4294967296"),
        ("window_events", "window_events = 0"),
        ("window_bytes", "window_bytes = 0"),
        ("concurrent_reads", "concurrent_reads = 0"),
        ("heartbeat", "heartbeat = '0s'"),
    ] {
        let config: EmbeddedConfig = toml::from_str(text).unwrap();
        let error = config.check().unwrap_err();
        assert!(error.to_string().contains(key), "{error}");
        assert!(!error.is_retryable());
    }
}
