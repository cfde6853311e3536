//! The cluster that the examples read: NATS with the shipped accounts, each program with its own user.

use anyhow::{Result, anyhow, ensure};
use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::{Client, ConnectOptions, Message, jetstream};
use fanjet_testkit::accounts::{password, shipped_accounts};
use fanjet_testkit::{NatsServer, Process};
use fanjet_tools::programs::Profile;
use futures::StreamExt;
use tokio::time::{Instant, sleep};

use super::workload::{CONSUMED, FRAMES, PATIENCE, POLL};
use crate::publication::Publication;
use crate::service::{Service, listening, program, simulator, stop};

const DOMAIN: &str = "fanjet";
/// An authority has at most 256 subjects of its own. One of them is for posts, and all others are taken, so that the other
/// simulated collections share subjects.
const TAKEN: usize = 256 - 1;

/// The wanted events in the log.
#[derive(Default)]
pub(super) struct Survey {
    pub(super) events: Vec<String>,
    /// How many of them are on shared subjects.
    pub(super) shared: usize,
}

/// Running processes. Dropping it kills them.
pub(super) struct Testbed {
    pub(super) edge: Service,
    pub(super) nats: NatsServer,
    simulator: Process,
    upstream: String,
    ingest: Option<Service>,
}

impl Testbed {
    /// Starts everything except ingest, so that clients that connect now receive every event.
    pub(super) async fn start(published: &Publication) -> Result<Self> {
        let nats = NatsServer::start_with(&shipped_accounts()).await?;
        prepare(&nats)?;
        let edge = Service::start(Profile::Dev, "edge", &as_user(&nats, "edge"))?;
        edge.wait_until_ready().await?;
        let simulator = simulator(Profile::Dev, published.flags())?;
        let upstream = listening(&simulator).await?;
        let testbed = Self {
            edge,
            nats,
            simulator,
            upstream,
            ingest: None,
        };
        testbed.take_subjects().await?;
        Ok(testbed)
    }

    /// Starts the flow of events.
    pub(super) async fn start_ingest(&mut self) -> Result<()> {
        let mut settings = as_user(&self.nats, "ingest");
        settings.push(("ingest.upstream.url", self.upstream.clone()));
        let ingest = Service::start(Profile::Dev, "ingest", &settings)?;
        ingest.wait_until_ready().await?;
        self.ingest = Some(ingest);
        Ok(())
    }

    pub(super) async fn wait_for_subscribers(&self, wanted: usize) -> Result<()> {
        let started = Instant::now();
        loop {
            let there = self.edge.metric("fanjet_edge_subscribers", "").await?;
            if there == wanted as f64 {
                return Ok(());
            }
            ensure!(
                started.elapsed() < PATIENCE,
                "{there} of {wanted} examples have subscribed"
            );
            sleep(POLL).await;
        }
    }

    /// Waits until so many processes pull from a durable consumer.
    pub(super) async fn wait_for_pulls(&self, consumer: &str, wanted: usize) -> Result<()> {
        let reader = jetstream::with_domain(connect(&self.nats, "reader").await?, DOMAIN);
        let started = Instant::now();
        let mut pulls = 0;
        while pulls < wanted {
            ensure!(
                started.elapsed() < PATIENCE,
                "{pulls} of {wanted} processes pull from the consumer {consumer}"
            );
            sleep(POLL).await;
            // The first process creates it.
            let found = reader.get_consumer_from_stream::<pull::Config, _, _>(consumer, "ATP");
            if let Ok(mut found) = found.await {
                pulls = found.info().await?.num_waiting;
            }
        }
        Ok(())
    }

    /// Publishes messages that are not events into the stream.
    pub(super) async fn publish_no_event(&self) -> Result<()> {
        let client = connect(&self.nats, "ingest").await?;
        for subject in ["atp.commit.app.bsky.feed.post", "atp.commit._.7"] {
            client.publish(subject, r#"{"time_us":1}"#.into()).await?;
        }
        client.flush().await?;
        Ok(())
    }

    /// Reads all wanted events from the log as the read-only user.
    pub(super) async fn survey(&self) -> Result<Survey> {
        let reader = jetstream::with_domain(connect(&self.nats, "reader").await?, DOMAIN);
        let own = CONSUMED.map(|collection| format!("atp.commit.{collection}"));
        let config = pull::Config {
            ack_policy: AckPolicy::None,
            filter_subjects: own
                .into_iter()
                .chain(["atp.commit._.*".to_owned()])
                .collect(),
            ..pull::Config::default()
        };
        let consumer = reader.create_consumer_on_stream(config, "ATP").await?;
        let mut messages = consumer
            .fetch()
            .max_messages(FRAMES as usize)
            .messages()
            .await?;
        let mut survey = Survey::default();
        while let Some(message) = messages.next().await {
            let message = message.map_err(|error| anyhow!("cannot read the log: {error}"))?;
            let Some(is_shared) = is_wanted(&message) else {
                continue;
            };
            survey.shared += usize::from(is_shared);
            survey
                .events
                .push(String::from_utf8(message.payload.to_vec())?);
        }
        Ok(survey)
    }

    /// Stops the services as an operator would.
    pub(super) async fn stop(mut self) -> Result<()> {
        if let Some(ingest) = &mut self.ingest {
            ingest.stop().await?;
        }
        self.edge.stop().await?;
        stop(&self.simulator, "simulator").await
    }

    /// Takes all subjects that the authority `app.bsky` may have, one of them for the first consumed collection.
    async fn take_subjects(&self) -> Result<()> {
        let client = connect(&self.nats, "ingest").await?;
        let taken = (0..TAKEN).map(|number| format!("app.bsky.taken.c{number}"));
        for collection in taken.chain([CONSUMED[0].to_owned()]) {
            let subject = format!("atp.commit.{collection}");
            // A body: an empty message would end the response to a reader's pull request (docs/develop/gotchas.md).
            client.request(subject, "{}".into()).await?;
        }
        Ok(())
    }
}

/// Whether a wanted event is on a shared subject. `None` for other messages.
fn is_wanted(message: &Message) -> Option<bool> {
    let headers = message.headers.as_ref()?;
    headers.get("Fanjet-Origin")?;
    let named = headers.get("Fanjet-Collection").map(|name| name.as_str());
    let subject = message.subject.as_str().strip_prefix("atp.commit.")?;
    CONSUMED
        .contains(&named.unwrap_or(subject))
        .then_some(named.is_some())
}

/// The JetStream domain of a user; empty in the account of the log.
fn domain(user: &str) -> &'static str {
    match user {
        "edge" | "kafka" => "fanjet",
        _ => "",
    }
}

/// Settings of a service that connects as a user.
fn as_user(nats: &NatsServer, user: &str) -> Vec<(&'static str, String)> {
    vec![
        ("nats.url", nats.url()),
        ("nats.user", user.to_owned()),
        ("nats.password", password(user)),
        ("nats.inbox_prefix", format!("_INBOX_fanjet_{user}")),
        ("nats.domain", domain(user).to_owned()),
        ("nats.stream.create", "false".to_owned()),
    ]
}

/// Environment of an example that connects as the read-only user.
pub(super) fn reader_environment(nats: &str) -> Vec<(&'static str, String)> {
    vec![
        ("NATS_URL", nats.to_owned()),
        ("NATS_USER", "reader".to_owned()),
        ("NATS_PASSWORD", password("reader")),
        ("NATS_DOMAIN", DOMAIN.to_owned()),
    ]
}

async fn connect(nats: &NatsServer, user: &str) -> Result<Client> {
    let inbox = match user {
        "reader" => "_INBOX".to_owned(),
        _ => format!("_INBOX_fanjet_{user}"),
    };
    let options = ConnectOptions::new()
        .user_and_password(user.to_owned(), password(user))
        .custom_inbox_prefix(inbox);
    Ok(options.connect(nats.url()).await?)
}

fn prepare(nats: &NatsServer) -> Result<()> {
    let user = as_user(nats, "admin");
    let settings = user.iter().map(|(key, value)| format!("{key}={value}"));
    let (status, said) = program(Profile::Dev, "fanjet")
        .arg("prepare")
        .args(settings.flat_map(|setting| ["--set".to_owned(), setting]))
        .run()?;
    ensure!(status.success(), "fanjet prepare failed: {said}");
    Ok(())
}
