//! Reads a whole topic, as a consumer sees it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rdkafka::ClientConfig;
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message};
use rdkafka::topic_partition_list::TopicPartitionList;

/// Deadline of every request.
const PATIENCE: Duration = Duration::from_secs(60);

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Its headers.
    pub headers: HashMap<String, String>,
}

/// The isolation level of a consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Includes messages of aborted transactions.
    Uncommitted,
    /// Committed messages only.
    Committed,
}

/// All messages of a topic, by partition in order.
///
/// # Errors
/// When the brokers do not respond in time, or the topic does not exist.
pub async fn read_all(address: &str, topic: &str, isolation: Isolation) -> Result<Vec<Read>> {
    let client = client(address, isolation);
    let topic = topic.to_owned();
    tokio::task::spawn_blocking(move || read(&client, &topic)).await?
}

/// The number of partitions of a topic; `None` if it does not exist.
///
/// # Errors
/// When the brokers do not respond in time.
pub async fn partitions(address: &str, topic: &str) -> Result<Option<usize>> {
    let client = client(address, Isolation::Committed);
    let topic = topic.to_owned();
    tokio::task::spawn_blocking(move || {
        let consumer: BaseConsumer = client.create()?;
        Ok(partitions_of(&consumer, &topic)?.map(|ids| ids.len()))
    })
    .await?
}

/// A consumer's settings.
pub fn client(address: &str, isolation: Isolation) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", address);
    client.set("group.id", "testkit");
    client.set("enable.auto.commit", "false");
    client.set("enable.partition.eof", "true");
    client.set("auto.offset.reset", "earliest");
    let isolation = match isolation {
        Isolation::Uncommitted => "read_uncommitted",
        Isolation::Committed => "read_committed",
    };
    client.set("isolation.level", isolation);
    client
}

fn partitions_of(consumer: &BaseConsumer, topic: &str) -> Result<Option<Vec<i32>>> {
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
    let found = metadata.topics().first().context("an answer")?;
    if found.error().is_some() {
        return Ok(None);
    }
    let ids = found.partitions().iter().map(|partition| partition.id());
    Ok(Some(ids.collect()))
}

fn read(client: &ClientConfig, topic: &str) -> Result<Vec<Read>> {
    let consumer: BaseConsumer = client.create()?;
    let partitions = partitions_of(&consumer, topic)?;
    let partitions = partitions.with_context(|| format!("no such topic: {topic}"))?;
    let mut wanted = TopicPartitionList::new();
    for partition in &partitions {
        wanted.add_partition_offset(topic, *partition, Offset::Beginning)?;
    }
    consumer.assign(&wanted)?;
    let mut open = partitions.len();
    let mut all = Vec::new();
    let mut heard_at = Instant::now();
    while open > 0 {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => all.push(owned(&message)),
            Some(Err(KafkaError::PartitionEOF(_))) => open -= 1,
            // The client retries by itself.
            Some(Err(_)) | None => {
                let silence = heard_at.elapsed();
                ensure!(
                    silence < PATIENCE,
                    "{open} partitions of {topic} were not read to the end"
                );
                continue;
            }
        }
        heard_at = Instant::now();
    }
    all.sort_by_key(|message| (message.partition, message.offset));
    Ok(all)
}

fn owned(message: &impl Message) -> Read {
    let text =
        |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
    let headers = message.headers();
    let headers = headers.into_iter().flat_map(|headers| headers.iter());
    Read {
        partition: message.partition(),
        offset: message.offset(),
        key: text(message.key()),
        value: text(message.payload()),
        headers: headers
            .map(|header| (header.key.to_owned(), text(header.value)))
            .collect(),
    }
}
