//! The NATS server rejects writes, changes, or stores messages that are not events.

use anyhow::{Context, Result, bail, ensure};
use async_nats::jetstream;
use async_nats::jetstream::stream::{Config, DiscardPolicy};
use fanjet_testkit::NatsServer;
use fanjet_testkit::nats_server::UNREADABLE_HEADS;

use super::testbed::PATIENCE;
use super::trial::Trial;

const STREAM: &str = "ATP";
const BUCKET: &str = "KV_fanjet";
/// Room left in a stream that rejects further messages.
const LITTLE: i64 = 20_000;

/// Less than many events need.
const SMALL_PAYLOAD: &str = "max_payload: 800\n";

/// Users; the second one with or without permission to write events.
fn users(may_write: bool) -> String {
    let rights = match may_write {
        true => String::new(),
        false => "permissions: { publish: { deny: [\"atp.>\"] } }".to_owned(),
    };
    format!(
        "authorization {{ users: [ {{ user: admin, password: admin }}, {{ user: fanjet, password: fanjet, {rights} }} ] }}\n"
    )
}

/// The stream rejects further messages instead of dropping old ones.
pub(super) async fn refuses_new(trial: &mut Trial) -> Result<()> {
    trial.testbed.plain_cluster().await?;
    let admin = admin(trial).await?;
    trial.inject().await?;
    let before = reconfigure(&admin, |config, held| {
        config.discard = DiscardPolicy::New;
        config.max_bytes = held + LITTLE;
    })
    .await?;
    // Until the little room is used up.
    trial.evidence(refusal(&admin, "atp.account", 1 << 20).await?);
    trial.meanwhile().await?;
    admin.update_stream(before).await?;
    trial.afterwards().await
}

/// The stream is sealed, permanently.
pub(super) async fn sealed(trial: &mut Trial) -> Result<()> {
    trial.testbed.plain_cluster().await?;
    let admin = admin(trial).await?;
    trial.inject().await?;
    reconfigure(&admin, |config, _| config.sealed = true).await?;
    trial.evidence(refusal(&admin, "atp.account", 1).await?);
    trial.meanwhile().await
}

/// The stream has other subjects.
pub(super) async fn other_subjects(trial: &mut Trial) -> Result<()> {
    trial.testbed.plain_cluster().await?;
    let admin = admin(trial).await?;
    trial.inject().await?;
    let elsewhere = vec!["elsewhere.>".to_owned()];
    let before = reconfigure(&admin, |config, _| config.subjects = elsewhere).await?;
    trial.evidence(refusal(&admin, "atp.account", 1).await?);
    trial.meanwhile().await?;
    admin.update_stream(before).await?;
    trial.afterwards().await
}

/// The user loses the permission to write events.
pub(super) async fn right_revoked(trial: &mut Trial) -> Result<()> {
    let server = NatsServer::start_with(&users(true)).await?;
    let user = [("nats.user", "fanjet"), ("nats.password", "fanjet")];
    trial.testbed.cluster(server, &user).await?;
    trial.inject().await?;
    trial.testbed.nats()?.reload(&users(false)).await?;
    let is_violation = |line: &str| line.contains("Publish Violation");
    let process = trial.testbed.nats()?.process().context("it runs")?;
    let violation = process.wait_for_line(is_violation, PATIENCE).await?;
    trial.evidence(violation);
    trial.meanwhile().await?;
    trial.testbed.nats()?.reload(&users(true)).await?;
    trial.afterwards().await
}

/// The server restarts with a smaller `max_payload` than events may need.
pub(super) async fn small_payload(trial: &mut Trial) -> Result<()> {
    trial.testbed.plain_cluster().await?;
    trial.inject().await?;
    trial.testbed.nats()?.reconfigure(SMALL_PAYLOAD).await?;
    let admin = admin(trial).await?;
    trial.evidence(refusal(&admin, "atp.account", 4_000).await?);
    trial.meanwhile().await?;
    trial.testbed.nats()?.reconfigure("").await?;
    trial.afterwards().await
}

/// The same, and the programs start during the fault.
pub(super) async fn small_payload_at_start(trial: &mut Trial) -> Result<()> {
    trial.testbed.plain_cluster().await?;
    trial.testbed.service("ingest")?.stop().await?;
    trial.inject().await?;
    trial.testbed.nats()?.reconfigure(SMALL_PAYLOAD).await?;
    trial.start_again("ingest")?;
    let admin = admin(trial).await?;
    trial.evidence(refusal(&admin, "atp.account", 4_000).await?);
    trial.meanwhile().await?;
    trial.testbed.nats()?.reconfigure("").await?;
    trial.afterwards().await
}

/// The server is killed, and restarts with its data.
pub(super) async fn killed(trial: &mut Trial) -> Result<()> {
    trial.testbed.plain_cluster().await?;
    trial.inject().await?;
    trial.testbed.nats()?.kill().await?;
    trial.evidence("the server was killed");
    trial.meanwhile().await?;
    trial.testbed.nats()?.restart().await?;
    trial.afterwards().await
}

/// Another program publishes messages that are not events to the stream's subjects, some of which client libraries cannot parse.
/// They stay there.
pub(super) async fn strays(trial: &mut Trial) -> Result<()> {
    trial.testbed.plain_cluster().await?;
    let admin = admin(trial).await?;
    trial.inject().await?;
    for subject in ["atp.test", "atp.identity", "atp.commit.app.bsky.feed.post"] {
        let stored = admin.publish(subject, "hi".into()).await?.await?;
        trial.evidence(format!("{subject} has seq {}", stored.sequence));
        trial.testbed.events(20).await?;
    }
    for head in UNREADABLE_HEADS {
        let strays = [(&b"atp.identity"[..], head)];
        trial.testbed.nats()?.publish_bytes(&strays).await?;
        trial.evidence(format!(
            "a message with the head {:?} was published",
            head.escape_ascii().to_string()
        ));
        trial.testbed.events(20).await?;
    }
    trial.meanwhile().await?;
    trial.afterwards().await
}

/// The bucket for the leader election is deleted, and created again.
pub(super) async fn no_bucket(trial: &mut Trial) -> Result<()> {
    trial.testbed.plain_cluster().await?;
    let admin = admin(trial).await?;
    let before = admin.get_stream(BUCKET).await?.cached_info().config.clone();
    trial.inject().await?;
    let deleted = admin.delete_stream(BUCKET).await?;
    ensure!(deleted.success, "failed to delete the bucket");
    trial.evidence("the bucket was deleted");
    trial.meanwhile().await?;
    admin.create_stream(before).await?;
    trial.afterwards().await
}

async fn admin(trial: &mut Trial) -> Result<jetstream::Context> {
    let client = async_nats::connect(trial.testbed.nats()?.url()).await?;
    Ok(jetstream::new(client))
}

/// Changes the stream's settings, given the settings and the stored bytes; returns the old ones.
async fn reconfigure(
    admin: &jetstream::Context,
    change: impl FnOnce(&mut Config, i64),
) -> Result<Config> {
    let stream = admin.get_stream(STREAM).await?;
    let info = stream.cached_info();
    let before = info.config.clone();
    let mut config = before.clone();
    change(&mut config, info.state.bytes as i64);
    admin.update_stream(config).await?;
    Ok(before)
}

/// The server's error for a publish of this many bytes.
///
/// # Errors
/// When it succeeds.
async fn refusal(
    admin: &jetstream::Context,
    subject: &'static str,
    bytes: usize,
) -> Result<String> {
    let published = admin.publish(subject, vec![0; bytes].into()).await;
    let acknowledged = match published {
        Ok(published) => published.await.map(drop),
        Err(error) => Err(error),
    };
    match acknowledged {
        Err(error) => Ok(error.to_string()),
        Ok(()) => bail!("{bytes} bytes can still be published on {subject}"),
    }
}
