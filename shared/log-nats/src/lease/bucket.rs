//! The bucket: created as required, or checked. A KV bucket is a stream with a naming convention.

use std::time::Duration;

use async_nats::jetstream::context::{CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType};
use async_nats::jetstream::{Context, ErrorCode};
use fanjet_log::LogError;

use crate::config::{NatsConfig, Storage};
use crate::error::refused;

/// How long deleted keys leave a marker. Only watches need it, for a moment.
const MARKER_TTL: Duration = Duration::from_secs(60);

/// The stream of a bucket.
pub(crate) fn stream_name(config: &NatsConfig) -> String {
    format!("KV_{}", config.lease_bucket)
}

/// The subject of a log's key: several logs may share a bucket.
pub(super) fn subject(config: &NatsConfig) -> String {
    let bucket = &config.lease_bucket;
    format!("$KV.{bucket}.ingest.{}", config.stream.name)
}

/// The prefix of the log's cluster state: each key is one or two more tokens.
pub(crate) fn notices(config: &NatsConfig) -> String {
    let bucket = &config.lease_bucket;
    format!("$KV.{bucket}.notice.{}", config.stream.name)
}

/// The prefix of the bookmarks of the log's consumers: each key is one more token.
pub(crate) fn bookmarks(config: &NatsConfig) -> String {
    let bucket = &config.lease_bucket;
    format!("$KV.{bucket}.bookmark.{}", config.stream.name)
}

/// The name becomes part of subjects.
pub(crate) fn check_name(bucket: &str) -> Result<(), LogError> {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !bucket.is_empty() && bucket.bytes().all(is_fine) {
        return Ok(());
    }
    Err(LogError::Misconfigured(format!(
        "nats.lease_bucket {bucket:?} is no bucket name; allowed: A-Z a-z 0-9 - _"
    )))
}

/// Ensures that the bucket exists and is usable.
pub(crate) async fn ensure(jetstream: &Context, config: &NatsConfig) -> Result<(), LogError> {
    let bucket = &config.lease_bucket;
    let name = stream_name(config);
    let found = match jetstream.get_stream(&name).await {
        Ok(stream) => stream.cached_info().config.clone(),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(error)
                if error.error_code() == ErrorCode::STREAM_NOT_FOUND =>
            {
                create(jetstream, config, &name).await?
            }
            _ => return Err(LogError::unavailable(error)),
        },
    };
    match flaws(&found).as_slice() {
        [] => Ok(()),
        flaws => Err(LogError::Misconfigured(format!(
            "bucket {bucket}: {}",
            flaws.join("; ")
        ))),
    }
}

async fn create(jetstream: &Context, config: &NatsConfig, name: &str) -> Result<Config, LogError> {
    let bucket = &config.lease_bucket;
    if !config.stream.create {
        // Another process creates it, and may not have done so yet; or an operator has deleted it, and creates it
        // again.
        return Err(LogError::unavailable(format!(
            "bucket {bucket} does not exist, and creating it is not allowed here"
        )));
    }
    match jetstream.create_stream(&wanted(config, name)).await {
        Ok(stream) => Ok(stream.cached_info().config.clone()),
        Err(error) => match error.kind() {
            // Another process has just created it, with other settings.
            CreateStreamErrorKind::JetStream(why)
                if why.error_code() == ErrorCode::STREAM_NAME_EXIST =>
            {
                let stream = jetstream.get_stream(name).await;
                let stream = stream.map_err(LogError::unavailable)?;
                Ok(stream.cached_info().config.clone())
            }
            CreateStreamErrorKind::JetStream(why) => {
                Err(refused(&format!("bucket {bucket} cannot be created"), why))
            }
            _ => Err(LogError::unavailable(error)),
        },
    }
}

/// As many replicas as the log: neither is useful without the other.
fn wanted(config: &NatsConfig, name: &str) -> Config {
    Config {
        name: name.to_owned(),
        description: Some("Leader lease, cluster state and bookmarks".to_owned()),
        subjects: vec![format!("$KV.{}.>", config.lease_bucket)],
        max_messages_per_subject: 1,
        discard: DiscardPolicy::New,
        num_replicas: config.stream.replicas,
        storage: match config.stream.storage {
            Storage::File => StorageType::File,
            Storage::Memory => StorageType::Memory,
        },
        allow_rollup: true,
        deny_delete: true,
        allow_direct: true,
        allow_message_ttl: true,
        subject_delete_marker_ttl: Some(MARKER_TTL),
        ..Config::default()
    }
}

/// The settings of an existing bucket that break the lease, described for an operator.
fn flaws(found: &Config) -> Vec<String> {
    let mut flaws = Vec::new();
    let mut check = |is_fine: bool, flaw: &str| {
        if !is_fine {
            flaws.push(flaw.to_owned());
        }
    };
    check(
        found.allow_message_ttl,
        "keys must be able to end: allow_msg_ttl must be on",
    );
    check(
        found.subject_delete_marker_ttl.is_some(),
        "watches must see a key end: subject_delete_marker_ttl must be set",
    );
    check(!found.sealed, "it is sealed");
    check(found.mirror.is_none(), "it must not be a mirror");
    check(!found.no_ack, "no_ack must be off");
    flaws
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_the_lease_is_named() {
        let good = Config {
            allow_message_ttl: true,
            subject_delete_marker_ttl: Some(MARKER_TTL),
            ..Config::default()
        };
        assert_eq!(flaws(&good), Vec::<String>::new());
        let found = flaws(&Config::default());
        assert_eq!(found.len(), 2, "{found:?}");
        let sealed = Config {
            sealed: true,
            ..good
        };
        assert_eq!(flaws(&sealed), ["it is sealed"]);
    }
}
