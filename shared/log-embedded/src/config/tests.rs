use super::*;

fn with(key: &str, value: &str) -> Result<EmbeddedConfig, String> {
    let mut table = toml::Table::try_from(EmbeddedConfig::default()).unwrap();
    table.insert(key.to_owned(), value.into());
    table
        .try_into()
        .map_err(|error: toml::de::Error| error.to_string())
}

#[test]
fn sync_is_a_word_or_a_time() {
    assert_eq!(with("sync", "always").unwrap().sync, Sync::Always);
    let every = with("sync", "50ms").unwrap();
    assert_eq!(every.sync, Sync::Every(Duration::from_millis(50)));
    assert!(with("sync", "sometimes").is_err());
    let text = toml::to_string(&every).unwrap();
    assert_eq!(toml::from_str::<EmbeddedConfig>(&text).unwrap(), every);
}

#[test]
fn a_log_without_a_folder_is_refused() {
    let error = with("path", "").unwrap().check().unwrap_err();
    assert!(error.to_string().contains("path"), "{error}");
    assert!(!error.is_retryable());
}
