//! Makes what a cluster keeps in NATS, with credentials that its services do not have.
//!
//! Everything here may be done again at any time, and by several at once. It must never take data away that the
//! settings do not give up.

use fanjet_log::{LogError, Seq, first_seq};
use tracing::warn;

use crate::config::NatsConfig;
use crate::connect::{Link, Purpose};
use crate::lease::bucket;
use crate::log::RETRY_PAUSE;
use crate::stream;
use crate::subject::Subjects;

/// What exists now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The stream that is the log, and that of the lease's bucket.
    pub streams: Vec<String>,
    /// Those of them that were there with other limits or another number of copies, and have these settings' now.
    pub changed: Vec<String>,
}

/// Creates the stream and the bucket of the lease where they do not exist, whatever `create` says; gives existing ones the
/// limits and replicas of these settings.
///
/// `now_us` decides where a new log begins. The stream comes last: a service that finds it finds the bucket too.
///
/// # Errors
/// [`LogError::Unavailable`] when NATS does not respond; [`LogError::Misconfigured`] when it denies access or rejects
/// the settings, or when what exists is unusable.
pub async fn prepare(nats: &NatsConfig, now_us: u64) -> Result<Prepared, LogError> {
    let mut nats = nats.clone();
    nats.stream.create = true;
    // Boxed: the handshakes are large.
    Box::pin(make(&nats, first_seq(now_us))).await
}

/// As [`prepare`], but waits for servers that are away, for as long as that lasts.
///
/// # Errors
/// [`LogError::Misconfigured`]: waiting cannot help.
pub async fn prepare_patiently(
    nats: &NatsConfig,
    now_us: impl Fn() -> u64,
) -> Result<Prepared, LogError> {
    loop {
        match prepare(nats, now_us()).await {
            Err(error) if error.is_retryable() => {
                warn!(%error, pause = ?RETRY_PAUSE, "not prepared yet, trying again");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

async fn make(nats: &NatsConfig, first: Seq) -> Result<Prepared, LogError> {
    let subjects = Subjects::configured(&nats.stream)?;
    bucket::check_name(&nats.lease_bucket)?;
    let link = Link::open(nats, Purpose::Main).await?;
    let jetstream = link.jetstream(nats);

    let lease = bucket::stream_name(nats);
    bucket::ensure(&jetstream, nats).await?;
    stream::ensure(&jetstream, &nats.stream, &subjects, first).await?;

    let log = nats.stream.name.clone();
    let mut changed = Vec::new();
    let (copies, content) = (nats.stream.replicas, nats.stream.content);
    let adapted = stream::adapt(&jetstream, &lease, content, |lease| {
        lease.num_replicas = copies;
    });
    if adapted.await? {
        changed.push(lease.clone());
    }
    let adapted = stream::adapt(&jetstream, &log, content, |log| {
        log.num_replicas = nats.stream.replicas;
        log.max_bytes = nats.stream.max_bytes;
        log.max_age = nats.stream.max_age;
    });
    if adapted.await? {
        changed.push(log.clone());
    }
    Ok(Prepared {
        streams: vec![log, lease],
        changed,
    })
}
