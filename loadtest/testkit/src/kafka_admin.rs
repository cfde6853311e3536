//! An operator's actions on a Kafka cluster in use.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;

/// Deadline of every request.
const PATIENCE: Duration = Duration::from_secs(60);

fn admin(address: &str) -> Result<(AdminClient<DefaultClientContext>, AdminOptions)> {
    let admin = ClientConfig::new()
        .set("bootstrap.servers", address)
        .create()?;
    let options = AdminOptions::new()
        .request_timeout(Some(PATIENCE))
        .operation_timeout(Some(PATIENCE));
    Ok((admin, options))
}

/// Deletes a topic with all its messages.
///
/// # Errors
/// When the brokers refuse, or do not respond in time.
pub async fn delete_topic(address: &str, topic: &str) -> Result<()> {
    let (admin, options) = admin(address)?;
    let answers = admin.delete_topics(&[topic], &options).await?;
    let answer = answers.into_iter().next().context("no answer")?;
    answer.map_err(|(topic, code)| anyhow!("cannot delete topic {topic}: {code}"))?;
    Ok(())
}

/// Deletes a consumer group with its offsets.
///
/// # Errors
/// When the brokers refuse, or do not respond in time.
pub async fn delete_group(address: &str, group: &str) -> Result<()> {
    let (admin, options) = admin(address)?;
    let answers = admin.delete_groups(&[group], &options).await?;
    let answer = answers.into_iter().next().context("no answer")?;
    answer.map_err(|(group, code)| anyhow!("cannot delete group {group}: {code}"))?;
    Ok(())
}
