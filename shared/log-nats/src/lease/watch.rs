//! Watching the key: an ephemeral push consumer that ends when anything is odd, as the log's follow does.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, push};
use async_nats::{StatusCode, Subscriber};
use fanjet_log::LogError;
use fanjet_log::lease::{HolderId, Holders};
use futures::StreamExt;

use super::bucket;
use super::key::{Key, holder};
use crate::connect::BreakWatch;
use crate::consumer::ConsumerName;
use crate::delivery::Delivery;
use crate::error::Unavailable;
use crate::inner::Inner;

/// How often an idle consumer sends a heartbeat.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// After this long without a message it counts as lost.
const SILENCE: Duration = Duration::from_secs(3);
/// When the server removes a consumer without a listener.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30);

pub(super) async fn open(log: &Inner, key: Key) -> Result<Holders, LogError> {
    // What comes is what somebody wrote, who may be a stranger.
    let link = log.reads.only_link().await?;
    // Before the consumer: what breaks while it is being created must not go unseen.
    let breaks = link.watch();
    let (inbox, messages) = link.inbox().await?;
    let stream = bucket::stream_name(&log.config);
    let consumer = ConsumerName::new(&log.link.client, &log.config, &stream);
    let wanted = push::Config {
        name: Some(consumer.as_str().to_owned()),
        deliver_subject: inbox,
        deliver_policy: DeliverPolicy::New,
        ack_policy: AckPolicy::None,
        filter_subject: key.subject().to_owned(),
        idle_heartbeat: HEARTBEAT,
        inactive_threshold: FORGOTTEN_AFTER,
        memory_storage: true,
        num_replicas: 1,
        ..push::Config::default()
    };
    link.jetstream(&log.config)
        .create_consumer_on_stream(wanted, &stream)
        .await
        .map_err(LogError::unavailable)?;
    // Behind the consumer: whatever changes from now on comes as a message.
    let current = key.read().await?;
    let watch = Watch {
        consumer,
        messages,
        breaks,
        revision: current.revision,
    };
    let now = futures::stream::once(std::future::ready(Ok(current.holder)));
    let later = futures::stream::unfold(Some(watch), |watch| async move {
        let mut watch = watch?;
        match watch.next().await {
            Ok(holder) => Some((Ok(holder), Some(watch))),
            Err(error) => Some((Err(error.into()), None)),
        }
    });
    Ok(now.chain(later).boxed())
}

struct Watch {
    /// Keeps the consumer alive.
    #[allow(dead_code, reason = "dropped for its effect")]
    consumer: ConsumerName,
    messages: Subscriber,
    breaks: BreakWatch,
    /// What was shown already.
    revision: u64,
}

impl Watch {
    async fn next(&mut self) -> Result<Option<HolderId>, Unavailable> {
        loop {
            let message = tokio::select! {
                biased;
                message = self.messages.next() => message.ok_or(Unavailable::Disconnected)?,
                () = self.breaks.broken() => return Err(Unavailable::Disconnected),
                () = tokio::time::sleep(SILENCE) => return Err(Unavailable::Silent),
            };
            match message.status {
                None => {}
                Some(StatusCode::IDLE_HEARTBEAT) => continue,
                Some(status) => {
                    let what = format!("the watch ended: {status:?}");
                    return Err(Unavailable::Nonsense(what));
                }
            }
            let reply = message.reply.as_deref().unwrap_or_default();
            let delivery = Delivery::parse(reply)
                .ok_or_else(|| Unavailable::Nonsense("a delivery without a place".to_owned()))?;
            if delivery.stream_seq > self.revision {
                self.revision = delivery.stream_seq;
                return Ok(holder(message.headers.as_ref(), &message.payload));
            }
        }
    }
}
