//! Checks the feed generator: its pages are exactly the posts that remain after all published events, newest first.

use anyhow::{Context, Result, ensure};
use fanjet_oracle::Expected;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::install::Installed;
use super::program::Example;
use super::workload::{PATIENCE, POLL};
use crate::http::get;

const HOST: &str = "feed.example.org";
/// Occurs in some posts.
const WORD: &str = "er";
const COLLECTION: &str = "app.bsky.feed.post";
const PAGE: usize = 30;

/// A running feed generator.
pub(super) struct FeedGenerator {
    example: Example,
    address: String,
}

impl FeedGenerator {
    pub(super) async fn start(installed: &Installed, server: &str) -> Result<Self> {
        let program = installed.feed_generator(server, HOST, WORD);
        let example = Example::start("feed generator", program)?;
        let address = address(&example).await?;
        Ok(Self { example, address })
    }

    /// Kills it, which loses its index, and starts it again.
    pub(super) async fn kill_and_restart(&mut self) -> Result<()> {
        self.example.kill_and_restart().await?;
        self.address = address(&self.example).await?;
        Ok(())
    }

    /// Waits until it serves the expected feed, then checks its other endpoints.
    pub(super) async fn check(&self, events: &[Expected]) -> Result<()> {
        let wanted = feed(events)?;
        let started = Instant::now();
        loop {
            let got = self.pages().await?;
            if got == wanted {
                break;
            }
            ensure!(
                started.elapsed() < PATIENCE,
                "the feed has {} posts, {} are wanted, the first {:?}, got {:?}",
                got.len(),
                wanted.len(),
                wanted.first(),
                got.first()
            );
            sleep(POLL).await;
        }
        let did = format!("did:web:{HOST}");
        let (_, document) = self.ask("/.well-known/did.json").await?;
        let service = &document["service"][0];
        ensure!(
            document["id"] == *did
                && service["type"] == "BskyFeedGenerator"
                && service["serviceEndpoint"] == format!("https://{HOST}"),
            "not a DID document of a feed generator: {document}"
        );
        let (_, described) = self
            .ask("/xrpc/app.bsky.feed.describeFeedGenerator")
            .await?;
        ensure!(
            described["did"] == *did && described["feeds"][0]["uri"] == uri(),
            "not a description: {described}"
        );
        for (bad, error) in [
            (
                "feed=at://did:web:x/app.bsky.feed.generator/y".to_owned(),
                "UnknownFeed",
            ),
            (format!("feed={}&limit=0", uri()), "InvalidRequest"),
            (format!("feed={}&limit=101", uri()), "InvalidRequest"),
            (format!("feed={}&cursor=x", uri()), "InvalidRequest"),
        ] {
            let (status, answer) = self.ask(&skeleton(&bad)).await?;
            ensure!(
                status == 400 && answer["error"] == error,
                "{bad}: {status} {answer}"
            );
        }
        Ok(())
    }

    async fn pages(&self) -> Result<Vec<String>> {
        let mut posts = Vec::new();
        let mut cursor = String::new();
        loop {
            let query = format!("feed={}&limit={PAGE}{cursor}", uri());
            let (status, page) = self.ask(&skeleton(&query)).await?;
            ensure!(status == 200, "{query}: {status} {page}");
            let feed = page["feed"].as_array().context("a page without a feed")?;
            ensure!(feed.len() <= PAGE, "a page of {}", feed.len());
            let uris = feed.iter().filter_map(|item| item["post"].as_str());
            posts.extend(uris.map(str::to_owned));
            match page["cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(posts),
            }
        }
    }

    async fn ask(&self, path: &str) -> Result<(u16, Value)> {
        let answer = get(&self.address, path).await;
        let (status, body) = answer.with_context(|| self.example.complaints())?;
        Ok((status, serde_json::from_str(&body)?))
    }
}

async fn address(example: &Example) -> Result<String> {
    let word = "listening on port ";
    let process = example.process();
    let line = process
        .wait_for_line(|line| line.starts_with(word), PATIENCE)
        .await?;
    Ok(format!("127.0.0.1:{}", &line[word.len()..]))
}

fn uri() -> String {
    format!("at://did:web:{HOST}/app.bsky.feed.generator/contains")
}

fn skeleton(query: &str) -> String {
    format!("/xrpc/app.bsky.feed.getFeedSkeleton?{query}")
}

/// The posts that contain the word, newest first, without those that were deleted or changed.
fn feed(events: &[Expected]) -> Result<Vec<String>> {
    let mut posts: Vec<String> = Vec::new();
    let mut others = 0;
    let events = events.iter();
    for event in events.filter(|it| it.collection.as_deref() == Some(COLLECTION)) {
        let Some(v1) = &event.v1 else { continue };
        let v1: Value = serde_json::from_str(v1)?;
        let commit = &v1["commit"];
        let rkey = commit["rkey"].as_str().context("a commit without a key")?;
        let uri = format!("at://{}/{COLLECTION}/{rkey}", event.did);
        let text = commit["record"]["text"].as_str().unwrap_or_default();
        let matches = commit["operation"] != "delete" && text.to_lowercase().contains(WORD);
        let known = posts.iter().position(|post| *post == uri);
        match (matches, known) {
            (true, None) => posts.push(uri),
            (false, Some(position)) => drop(posts.remove(position)),
            (true, Some(_)) => {}
            (false, None) => others += 1,
        }
    }
    ensure!(
        posts.len() > PAGE && others > 0,
        "{} posts, {others} others",
        posts.len()
    );
    posts.reverse();
    Ok(posts)
}
