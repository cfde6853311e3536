//! The stream: created as required, or checked.

use async_nats::jetstream::context::{
    CreateStreamErrorKind, GetStreamErrorKind, UpdateStreamErrorKind,
};
use async_nats::jetstream::stream::{
    Compression as NatsCompression, Config, DiscardPolicy, External, Info, RetentionPolicy, Source,
    StorageType,
};
use async_nats::jetstream::{Context, ErrorCode};
use fanjet_log::{LogError, Seq};

use crate::config::{Compression, Content, Storage, StreamConfig};
use crate::error::refused_stream;
use crate::subject::Subjects;

/// Ensures that the stream exists and is usable; a created stream starts at `first`. Returns the server's information
/// about it.
pub(crate) async fn ensure(
    jetstream: &Context,
    config: &StreamConfig,
    subjects: &Subjects,
    first: Seq,
) -> Result<Info, LogError> {
    let found = match jetstream.get_stream(&config.name).await {
        Ok(stream) => stream.cached_info().clone(),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(error)
                if error.error_code() == ErrorCode::STREAM_NOT_FOUND =>
            {
                create(jetstream, config, subjects, first).await?
            }
            GetStreamErrorKind::InvalidStreamName | GetStreamErrorKind::EmptyName => {
                return Err(LogError::Misconfigured(format!(
                    "{:?} is no stream name",
                    config.name
                )));
            }
            _ => return Err(LogError::unavailable(error)),
        },
    };
    match flaws(&found.config, subjects, config.content).as_slice() {
        [] => Ok(found),
        flaws => Err(LogError::Misconfigured(format!(
            "stream {}: {}",
            config.name,
            flaws.join("; ")
        ))),
    }
}

async fn create(
    jetstream: &Context,
    config: &StreamConfig,
    subjects: &Subjects,
    first: Seq,
) -> Result<Info, LogError> {
    if !config.create {
        // Another process creates it, and may not have done so yet.
        return Err(LogError::unavailable(format!(
            "stream {} does not exist, and creating it is not allowed here",
            config.name
        )));
    }
    let wanted = wanted(config, subjects, first);
    match jetstream.create_stream(&wanted).await {
        Ok(stream) => Ok(stream.cached_info().clone()),
        Err(error) => match error.kind() {
            CreateStreamErrorKind::JetStream(why)
                if why.error_code() == ErrorCode::STREAM_NAME_EXIST =>
            {
                // Another process has just created it.
                let stream = jetstream.get_stream(&config.name).await;
                let stream = stream.map_err(LogError::unavailable)?;
                Ok(stream.cached_info().clone())
            }
            CreateStreamErrorKind::JetStream(why) => {
                let what = format!("stream {} cannot be created", config.name);
                Err(refused_stream(&what, config.content, config.max_bytes, why))
            }
            _ => Err(LogError::unavailable(error)),
        },
    }
}

/// Changes the settings of an existing stream; returns whether they differed.
///
/// # Errors
/// [`LogError::Misconfigured`] when the server rejects them.
pub(crate) async fn adapt(
    jetstream: &Context,
    name: &str,
    content: Content,
    change: impl FnOnce(&mut Config),
) -> Result<bool, LogError> {
    let found = jetstream.get_stream(name).await;
    let found = found.map_err(LogError::unavailable)?;
    let found = &found.cached_info().config;
    let mut adapted = found.clone();
    change(&mut adapted);
    if adapted == *found {
        return Ok(false);
    }
    match jetstream.update_stream(&adapted).await {
        Ok(_) => Ok(true),
        Err(error) => match error.kind() {
            UpdateStreamErrorKind::JetStream(why) => {
                let what = format!("stream {name} cannot be changed");
                Err(refused_stream(&what, content, adapted.max_bytes, why))
            }
            _ => Err(LogError::unavailable(error)),
        },
    }
}

/// The required stream: the log itself, or a mirror of it.
fn wanted(config: &StreamConfig, subjects: &Subjects, first: Seq) -> Config {
    let origin = origin(config, subjects, first);
    if config.mirror.is_empty() {
        return origin;
    }
    Config {
        subjects: Vec::new(),
        first_sequence: None,
        allow_batch_publish: false,
        mirror: Some(Source {
            name: config.name.clone(),
            external: Some(External {
                api_prefix: config.mirror.clone(),
                delivery_prefix: None,
            }),
            ..Source::default()
        }),
        ..origin
    }
}

fn origin(config: &StreamConfig, subjects: &Subjects, first: Seq) -> Config {
    Config {
        name: config.name.clone(),
        description: Some(config.content.description().to_owned()),
        subjects: vec![subjects.stream()],
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        max_age: config.max_age,
        max_bytes: config.max_bytes,
        max_message_size: config.content.allowed_message(),
        first_sequence: Some(first),
        num_replicas: config.replicas,
        storage: match config.storage {
            Storage::File => StorageType::File,
            Storage::Memory => StorageType::Memory,
        },
        compression: match (config.storage, config.compression) {
            (Storage::File, Compression::S2) => Some(NatsCompression::S2),
            (Storage::Memory, _) | (_, Compression::None) => None,
        },
        allow_direct: true,
        allow_batch_publish: true,
        // An operator must be able to remove messages of other programs.
        deny_delete: false,
        ..Config::default()
    }
}

/// The settings of an existing stream that break this crate's rules, described for an operator.
pub(crate) fn flaws(found: &Config, subjects: &Subjects, content: Content) -> Vec<String> {
    let mut flaws = Vec::new();
    let mut check = |is_fine: bool, flaw: String| {
        if !is_fine {
            flaws.push(flaw);
        }
    };
    let expected = subjects.stream();
    // A mirror has what its origin has, with the same seqs. It can be read like any other log; nothing but NATS writes it.
    let is_mirror = found.mirror.is_some();
    check(
        is_mirror || found.subjects == [expected.as_str()],
        format!(
            "subjects must be [{expected:?}], they are {:?}",
            found.subjects
        ),
    );
    check(
        found.retention == RetentionPolicy::Limits,
        format!("retention must be limits, it is {:?}", found.retention),
    );
    check(
        found.discard == DiscardPolicy::Old,
        format!("discard must be old, it is {:?}", found.discard),
    );
    // Both remove messages from the middle.
    check(
        found.max_messages_per_subject <= 0,
        format!(
            "max_msgs_per_subject must be unlimited, it is {}",
            found.max_messages_per_subject
        ),
    );
    check(
        !found.allow_message_ttl,
        "allow_msg_ttl must be off".to_owned(),
    );
    let needed = content.max_message() as i64;
    let size = i64::from(found.max_message_size);
    check(
        size <= 0 || size >= needed,
        format!("max_msg_size must be at least {needed}, it is {size}"),
    );
    check(found.allow_direct, "allow_direct must be on".to_owned());
    check(
        is_mirror || found.allow_batch_publish,
        "allow_batched must be on".to_owned(),
    );
    check(!found.sealed, "it is sealed".to_owned());
    check(
        found.sources.as_ref().is_none_or(Vec::is_empty),
        "it must not have sources".to_owned(),
    );
    // Anything but the whole log has holes, or other subjects.
    let is_whole = |mirror: &Source| {
        mirror.filter_subject.is_none()
            && mirror.subject_transforms.is_empty()
            && mirror.start_sequence.is_none()
            && mirror.start_time.is_none()
    };
    check(
        found.mirror.as_ref().is_none_or(is_whole),
        "as a mirror it must have all of its origin, unchanged".to_owned(),
    );
    check(
        found.subject_transform.is_none(),
        "subject_transform must not be set".to_owned(),
    );
    check(!found.no_ack, "no_ack must be off".to_owned());
    flaws
}

#[cfg(test)]
mod tests;
