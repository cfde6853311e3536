//! Finds topics, or creates them as at-kafka does; never changes them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError as ClientError;
use rdkafka::types::{RDKafkaErrorCode as Code, RDKafkaRespErr};
use tokio::time::Instant;
use tracing::{info, warn};

use super::blocking::blocking;
use super::context::ClientEvents;
use super::settings;
use crate::KafkaError;
use crate::config::KafkaConfig;
use crate::error::code_of;

/// How often a new topic is checked for.
const PROPAGATION: Duration = Duration::from_millis(50);

/// Which topic an event is produced to.
#[derive(Debug, Clone)]
pub(crate) struct Routes {
    main: String,
    dead_letter: String,
    own: HashMap<String, String>,
}

impl Routes {
    pub(crate) fn new(config: &KafkaConfig) -> Self {
        let own = config.topics.collections.iter();
        Self {
            main: config.topic.clone(),
            dead_letter: config.dead_letter_topic(),
            own: own
                .map(|collection| {
                    let topic = format!("{}.{collection}", config.topic);
                    (collection.to_owned(), topic)
                })
                .collect(),
        }
    }

    /// The topic of an event with this collection, or without one.
    pub(crate) fn topic(&self, collection: Option<&str>) -> &str {
        collection
            .and_then(|collection| self.own.get(collection))
            .unwrap_or(&self.main)
    }

    /// The topic for events that cannot be produced.
    pub(crate) fn dead_letter(&self) -> &str {
        &self.dead_letter
    }

    fn of_events(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.main).chain(self.own.values())
    }
}

/// Makes sure that all topics exist. Returns the largest batch in bytes that all event topics accept, if known.
pub(crate) async fn ensure_topics(
    config: &KafkaConfig,
    host: &str,
    asking: &Arc<BaseConsumer<ClientEvents>>,
    routes: &Routes,
) -> Result<Option<usize>, KafkaError> {
    let admin: AdminClient<DefaultClientContext> = settings::common(config, host)
        .create()
        .map_err(|source| KafkaError::kafka("failed to create a client", source))?;
    let patience = config.request_timeout;
    let mut limit = None;
    for topic in routes.of_events() {
        ensure(config, &admin, asking, topic, config.topics.partitions).await?;
        if let Some(found) = max_message_bytes(&admin, topic, patience).await {
            limit = Some(limit.map_or(found, |limit: usize| limit.min(found)));
        }
    }
    ensure(config, &admin, asking, routes.dead_letter(), 1).await?;
    Ok(limit)
}

async fn ensure(
    config: &KafkaConfig,
    admin: &AdminClient<DefaultClientContext>,
    asking: &Arc<BaseConsumer<ClientEvents>>,
    topic: &str,
    partitions: i32,
) -> Result<(), KafkaError> {
    let patience = config.request_timeout;
    if exists(asking, topic, patience).await? {
        return Ok(());
    }
    let missing = |what: &str| format!("topic {topic} does not exist, {what}");
    if !config.topics.create {
        let doing = missing("and kafka.topics.create is off");
        let source = ClientError::MetadataFetch(Code::UnknownTopicOrPartition);
        return Err(KafkaError::kafka(doing, source));
    }
    let copies = TopicReplication::Fixed(config.topics.replication_factor);
    let wanted = NewTopic::new(topic, partitions, copies);
    let options = AdminOptions::new()
        .request_timeout(Some(patience))
        .operation_timeout(Some(patience));
    let doing = missing("and creating it failed");
    let made = admin.create_topics([&wanted], &options).await;
    let made = made.map_err(|source| KafkaError::kafka(doing.clone(), source))?;
    for outcome in made {
        match outcome {
            Ok(_) => info!(topic, partitions, "created a topic"),
            Err((_, Code::TopicAlreadyExists)) => {}
            Err((_, code)) => return Err(KafkaError::kafka(doing, ClientError::AdminOp(code))),
        }
    }
    // The brokers learn of it one after another.
    let until = Instant::now() + patience;
    while !exists(asking, topic, patience).await? {
        if Instant::now() >= until {
            let doing = missing("although it was created");
            let source = ClientError::MetadataFetch(Code::UnknownTopicOrPartition);
            return Err(KafkaError::kafka(doing, source));
        }
        tokio::time::sleep(PROPAGATION).await;
    }
    Ok(())
}

/// Queried with a consumer client: the metadata query of a producer may create the topic.
async fn exists(
    asking: &Arc<BaseConsumer<ClientEvents>>,
    topic: &str,
    patience: Duration,
) -> Result<bool, KafkaError> {
    let doing = format!("failed to query topic {topic}");
    let (asking, name) = (Arc::clone(asking), topic.to_owned());
    let found = blocking(&doing, move || asking.fetch_metadata(Some(&name), patience)).await?;
    let error = found.topics().first().and_then(|topic| topic.error());
    match error {
        None => Ok(true),
        Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) => Ok(false),
        // It exists, and its brokers are still assigning leaders.
        Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE) => Ok(true),
        Some(other) => Err(KafkaError::kafka(
            doing,
            ClientError::MetadataFetch(other.into()),
        )),
    }
}

/// `None` when the query is not authorized: then the settings decide.
async fn max_message_bytes(
    admin: &AdminClient<DefaultClientContext>,
    topic: &str,
    patience: Duration,
) -> Option<usize> {
    let options = AdminOptions::new().request_timeout(Some(patience));
    let until = Instant::now() + patience;
    loop {
        let asked = [&ResourceSpecifier::Topic(topic)];
        let answer = admin.describe_configs(asked, &options).await;
        let code = match answer.map(|mut answers| answers.pop()) {
            Ok(Some(Ok(found))) => {
                return found.get("max.message.bytes")?.value.as_ref()?.parse().ok();
            }
            Ok(Some(Err(code))) => Some(code),
            Ok(None) => None,
            Err(error) => code_of(&error),
        };
        // A new topic that this broker does not know yet.
        if code == Some(Code::UnknownTopicOrPartition) && Instant::now() < until {
            tokio::time::sleep(PROPAGATION).await;
            continue;
        }
        warn!(
            topic,
            ?code,
            "failed to query the largest message size of a topic, kafka.batch_bytes must not exceed it"
        );
        return None;
    }
}
