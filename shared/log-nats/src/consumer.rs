//! The name of an ephemeral consumer, which goes away with its user.

use async_nats::Client;
use bytes::Bytes;
use futures::FutureExt;

use crate::config::NatsConfig;

/// A consumer's name. Dropping it deletes the consumer, if that is possible without waiting; otherwise the server
/// deletes it after a while.
pub(crate) struct ConsumerName {
    client: Client,
    delete_subject: String,
    name: String,
}

impl ConsumerName {
    /// A new name in a stream.
    pub(crate) fn new(client: &Client, config: &NatsConfig, stream: &str) -> Self {
        // An inbox ends in a unique ID.
        let inbox = client.new_inbox();
        let id = inbox.rsplit('.').next().unwrap_or_default();
        let name = format!("fanjet-{id}");
        Self {
            delete_subject: format!("{}.CONSUMER.DELETE.{stream}.{name}", config.api()),
            client: client.clone(),
            name,
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.name
    }
}

impl Drop for ConsumerName {
    fn drop(&mut self) {
        let subject = std::mem::take(&mut self.delete_subject);
        let answer = self.client.new_inbox();
        self.client
            .publish_with_reply(subject, answer, Bytes::new())
            .now_or_never();
    }
}
