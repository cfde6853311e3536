//! Opening, from outside.

use std::fs;
use std::sync::Arc;

use fanjet_log::EventLog;
use fanjet_log::contract::events;
use fanjet_log_embedded::{EmbeddedConfig, EmbeddedLog, OpenError};

use crate::support::{TestClock, config, open};

async fn refusal(config: EmbeddedConfig) -> OpenError {
    let clock = Arc::new(TestClock::default());
    EmbeddedLog::open(config, clock).await.unwrap_err()
}

#[tokio::test]
async fn a_folder_has_one_owner_until_its_last_handle_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let log = open(config.clone()).await;
    let mut appender = log.appender(0).await.unwrap();
    drop(log);
    let error = refusal(config.clone()).await;
    assert!(matches!(error, OpenError::InUse { .. }) && error.is_retryable());
    let shown = folder.path().display().to_string();
    assert!(error.to_string().contains(&shown), "{error}");
    // An appender keeps the log open, and its queued events are written before it is closed.
    appender.append(&events(0, 20)).await.unwrap();
    drop(appender);
    let log = open(config).await;
    assert_eq!(log.bounds().await.unwrap().last, 20);
}

#[tokio::test]
async fn another_format_version_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(config(folder.path())).await);
    let file = folder.path().join(format!("{:020}.segment", 1));
    let mut bytes = fs::read(&file).unwrap();
    bytes[8] = 2;
    fs::write(&file, &bytes).unwrap();
    let error = refusal(config(folder.path())).await;
    let text = error.to_string();
    assert!(text.contains(&file.display().to_string()), "{text}");
    assert!(text.contains("format version 2") && text.contains("reads version 1"));
    assert!(!error.is_retryable());
    assert_eq!(fs::read(&file).unwrap(), bytes);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_and_a_bad_setting_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let in_the_way = folder.path().join("file");
    fs::write(&in_the_way, "").unwrap();
    let error = refusal(config(&in_the_way.join("log"))).await;
    assert!(matches!(error, OpenError::Io { .. }), "{error}");
    let error = refusal(config("".as_ref())).await;
    assert!(error.to_string().contains("embedded.path"), "{error}");
}

/// Opening and closing an idle log leaves the files as they are.
#[tokio::test]
async fn an_idle_log_does_not_grow() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(config(folder.path())).await;
    let mut appender = log.appender(0).await.unwrap();
    appender.append(&events(0, 5)).await.unwrap();
    appender.flush().await.unwrap();
    drop((appender, log));
    let file = folder.path().join(format!("{:020}.segment", 1));
    let bytes = fs::read(&file).unwrap();
    for _ in 0..3 {
        let log = open(config(folder.path())).await;
        assert_eq!(log.last().await.unwrap().unwrap().seq, 5);
        drop(log);
        assert_eq!(fs::read(&file).unwrap(), bytes);
    }
}
