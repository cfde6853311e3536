//! The log's server refuses, changes, or holds what is no event.

use anyhow::{Context, Result, bail, ensure};
use async_nats::jetstream;
use async_nats::jetstream::stream::{Config, DiscardPolicy};
use fanjet_testkit::NatsServer;

use super::stage::PATIENCE;
use super::trial::Trial;

const STREAM: &str = "ATP";
const BUCKET: &str = "KV_fanjet";
/// Room that is left in a stream that may take no more.
const LITTLE: i64 = 20_000;

/// Less than many events need.
const SMALL_PAYLOAD: &str = "max_payload: 800\n";

/// Users, the second one with or without the right to write events.
fn users(may_write: bool) -> String {
    let rights = match may_write {
        true => String::new(),
        false => "permissions: { publish: { deny: [\"atp.>\"] } }".to_owned(),
    };
    format!(
        "authorization {{ users: [ {{ user: admin, password: admin }}, {{ user: fanjet, password: fanjet, {rights} }} ] }}\n"
    )
}

/// The stream may take no more, and refuses instead of forgetting.
pub(super) async fn refuses_new(trial: &mut Trial) -> Result<()> {
    trial.stage.cluster(NatsServer::start().await?, &[]).await?;
    let admin = admin(trial).await?;
    trial.strike().await?;
    let before = reconfigure(&admin, |config, held| {
        config.discard = DiscardPolicy::New;
        config.max_bytes = held + LITTLE;
    })
    .await?;
    // Until the little room is taken.
    trial.evidence(refusal(&admin, "atp.account", 1 << 20).await?);
    trial.meanwhile().await?;
    admin.update_stream(before).await?;
    trial.afterwards().await
}

/// The stream is sealed, which has no end.
pub(super) async fn sealed(trial: &mut Trial) -> Result<()> {
    trial.stage.cluster(NatsServer::start().await?, &[]).await?;
    let admin = admin(trial).await?;
    trial.strike().await?;
    reconfigure(&admin, |config, _| config.sealed = true).await?;
    trial.evidence(refusal(&admin, "atp.account", 1).await?);
    trial.meanwhile().await
}

/// The stream takes other subjects.
pub(super) async fn other_subjects(trial: &mut Trial) -> Result<()> {
    trial.stage.cluster(NatsServer::start().await?, &[]).await?;
    let admin = admin(trial).await?;
    trial.strike().await?;
    let elsewhere = vec!["elsewhere.>".to_owned()];
    let before = reconfigure(&admin, |config, _| config.subjects = elsewhere).await?;
    trial.evidence(refusal(&admin, "atp.account", 1).await?);
    trial.meanwhile().await?;
    admin.update_stream(before).await?;
    trial.afterwards().await
}

/// The user loses the right to write events.
pub(super) async fn right_revoked(trial: &mut Trial) -> Result<()> {
    let server = NatsServer::start_with(&users(true)).await?;
    let user = [("nats.user", "fanjet"), ("nats.password", "fanjet")];
    trial.stage.cluster(server, &user).await?;
    trial.strike().await?;
    trial.stage.nats()?.reload(&users(false)).await?;
    let is_violation = |line: &str| line.contains("Publish Violation");
    let process = trial.stage.nats()?.process().context("it runs")?;
    let violation = process.wait_for_line(is_violation, PATIENCE).await?;
    trial.evidence(violation);
    trial.meanwhile().await?;
    trial.stage.nats()?.reload(&users(true)).await?;
    trial.afterwards().await
}

/// The server comes back with a smaller `max_payload` than events may need.
pub(super) async fn small_payload(trial: &mut Trial) -> Result<()> {
    trial.stage.cluster(NatsServer::start().await?, &[]).await?;
    trial.strike().await?;
    trial.stage.nats()?.reconfigure(SMALL_PAYLOAD).await?;
    let admin = admin(trial).await?;
    trial.evidence(refusal(&admin, "atp.account", 4_000).await?);
    trial.meanwhile().await?;
    trial.stage.nats()?.reconfigure("").await?;
    trial.afterwards().await
}

/// As before, and the programs start in the middle of it.
pub(super) async fn small_payload_at_start(trial: &mut Trial) -> Result<()> {
    trial.stage.cluster(NatsServer::start().await?, &[]).await?;
    trial.stage.service("ingest")?.stop().await?;
    trial.strike().await?;
    trial.stage.nats()?.reconfigure(SMALL_PAYLOAD).await?;
    trial.start_again("ingest")?;
    let admin = admin(trial).await?;
    trial.evidence(refusal(&admin, "atp.account", 4_000).await?);
    trial.meanwhile().await?;
    trial.stage.nats()?.reconfigure("").await?;
    trial.afterwards().await
}

/// The server is killed, and comes back with what it had.
pub(super) async fn killed(trial: &mut Trial) -> Result<()> {
    trial.stage.cluster(NatsServer::start().await?, &[]).await?;
    trial.strike().await?;
    trial.stage.nats()?.kill().await?;
    trial.evidence("the server was killed");
    trial.meanwhile().await?;
    trial.stage.nats()?.restart().await?;
    trial.afterwards().await
}

/// Others publish what is no event under the stream's subjects. It stays there.
pub(super) async fn strays(trial: &mut Trial) -> Result<()> {
    trial.stage.cluster(NatsServer::start().await?, &[]).await?;
    let admin = admin(trial).await?;
    trial.strike().await?;
    for subject in ["atp.test", "atp.identity", "atp.commit.app.bsky.feed.post"] {
        let stored = admin.publish(subject, "hi".into()).await?.await?;
        trial.evidence(format!("{subject} has seq {}", stored.sequence));
        trial.stage.events(20).await?;
    }
    trial.meanwhile().await?;
    trial.afterwards().await
}

/// The bucket in which the ingests agree on their leader is deleted, and made again.
pub(super) async fn no_bucket(trial: &mut Trial) -> Result<()> {
    trial.stage.cluster(NatsServer::start().await?, &[]).await?;
    let admin = admin(trial).await?;
    let before = admin.get_stream(BUCKET).await?.cached_info().config.clone();
    trial.strike().await?;
    let deleted = admin.delete_stream(BUCKET).await?;
    ensure!(deleted.success, "the bucket cannot be deleted");
    trial.evidence("the bucket was deleted");
    trial.meanwhile().await?;
    admin.create_stream(before).await?;
    trial.afterwards().await
}

async fn admin(trial: &mut Trial) -> Result<jetstream::Context> {
    let client = async_nats::connect(trial.stage.nats()?.url()).await?;
    Ok(jetstream::new(client))
}

/// Changes the stream's settings, given them and the bytes that it holds; what they were before.
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

/// What the server says to somebody who publishes so many bytes.
///
/// # Errors
/// When it takes them.
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
