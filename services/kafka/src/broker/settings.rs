//! Maps our settings to the client library's.

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use crate::config::{Delivery, KafkaConfig};

/// The largest message that is submitted to the brokers, as in at-kafka.
const MAX_MESSAGE: usize = 20 << 20;

/// The smallest message limit that the client library accepts.
const LEAST_MESSAGE: usize = 1_000;

/// How long the brokers wait before they abort a transaction. The open transaction of a killed process delays consumers
/// that read committed messages for as long, unless a successor starts earlier.
const TRANSACTION_TIMEOUT_MS: &str = "30000";

/// Common to all clients.
pub(super) fn common(config: &KafkaConfig, host: &str) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", config.bootstrap_servers.joined());
    client.set("client.id", client_id(config, host));
    client.set("socket.keepalive.enable", "true");
    // Find a recovered broker quickly: until then nothing moves, and the position is not written.
    client.set("reconnect.backoff.max.ms", "500");
    client.set_log_level(RDKafkaLogLevel::Info);
    let mechanism = config.sasl.mechanism.name();
    let protocol = match (mechanism.is_some(), config.tls.enabled) {
        (false, false) => "plaintext",
        (false, true) => "ssl",
        (true, false) => "sasl_plaintext",
        (true, true) => "sasl_ssl",
    };
    client.set("security.protocol", protocol);
    if let Some(mechanism) = mechanism {
        client.set("sasl.mechanism", mechanism);
        client.set("sasl.username", &config.sasl.username);
        client.set("sasl.password", config.sasl.password.expose());
    }
    for (key, file) in [
        ("ssl.ca.location", &config.tls.ca_file),
        ("ssl.certificate.location", &config.tls.certificate_file),
        ("ssl.key.location", &config.tls.key_file),
    ] {
        if !file.as_os_str().is_empty() {
            client.set(key, file.display().to_string());
        }
    }
    let key_password = config.tls.key_password.expose();
    if !key_password.is_empty() {
        client.set("ssl.key.password", key_password);
    }
    client
}

/// What producing needs. `topic_limit` is the largest batch that the topic accepts, in bytes.
pub(super) fn producer(
    config: &KafkaConfig,
    host: &str,
    topic_limit: Option<usize>,
) -> ClientConfig {
    let mut client = common(config, host);
    let batch = topic_limit.map_or(config.batch_bytes, |limit| config.batch_bytes.min(limit));
    client.set("enable.idempotence", "true");
    client.set("acks", "all");
    // Chooses the same partition for a key as Java's and Go's clients, so that order survives a migration.
    client.set("partitioner", "murmur2_random");
    client.set("compression.codec", config.compression.as_str());
    client.set("linger.ms", config.linger.as_millis().to_string());
    client.set("batch.size", batch.to_string());
    client.set("batch.num.messages", "10000");
    // Our own window is the bound.
    client.set("queue.buffering.max.messages", "0");
    client.set("queue.buffering.max.kbytes", "2097151");
    match config.delivery {
        Delivery::AtLeastOnce => {
            // A message waits for its broker as long as necessary.
            client.set("message.timeout.ms", "0");
            // A message larger than a batch is sent alone, so that its rejection affects no other message.
            client.set("message.max.bytes", MAX_MESSAGE.to_string());
        }
        Delivery::ExactlyOnce => {
            client.set("transactional.id", config.transactional_id());
            client.set("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS);
            client.set("message.timeout.ms", TRANSACTION_TIMEOUT_MS);
            // A rejected message would abort its transaction, so messages that may be too large are held back here.
            let limit = topic_limit
                .unwrap_or(config.batch_bytes)
                .clamp(LEAST_MESSAGE, MAX_MESSAGE);
            client.set("message.max.bytes", limit.to_string());
        }
    }
    client
}

/// What storing the position needs.
pub(super) fn position_store(config: &KafkaConfig, host: &str) -> ClientConfig {
    let mut client = common(config, host);
    client.set("group.id", config.group());
    client.set("enable.auto.commit", "false");
    client.set("enable.auto.offset.store", "false");
    client.set("isolation.level", "read_committed");
    let patience = config.request_timeout.as_millis().clamp(10, 300_000);
    client.set("socket.timeout.ms", patience.to_string());
    client
}

fn client_id(config: &KafkaConfig, host: &str) -> String {
    if !config.client_id.is_empty() {
        return config.client_id.clone();
    }
    let first = config.bootstrap_servers.iter().next().unwrap_or("");
    let first_host = first.rsplit_once(':').map_or(first, |(host, _)| host);
    format!("{host};host_override={first_host}")
}

#[cfg(test)]
mod tests;
