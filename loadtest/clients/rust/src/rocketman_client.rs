//! rocketman: reconnects on its own with the `time_us` of the last event that was handled.
//!
//! It keeps a cursor only if it was given one to start with, so its user starts with the current time. It passes
//! commits to an ingestor per collection, drops commits of other collections, and returns events as structs without
//! `account.active`. It handles a close frame and the end of the connection separately, so that it may reconnect twice.

use std::collections::HashMap;
use std::process::exit;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, anyhow};
use async_trait::async_trait;
use rocketman::connection::JetstreamConnection;
use rocketman::endpoints::JetstreamEndpoints;
use rocketman::handler::{Ingestors, handle_message};
use rocketman::ingestion::LexiconIngestor;
use rocketman::options::JetstreamOptions;
use rocketman::types::event::Event;
use serde_json::Value;

use crate::spec::Spec;

struct Printer;

#[async_trait]
impl LexiconIngestor for Printer {
    async fn ingest(&self, event: Event<Value>) -> Result<()> {
        println!("{}", serde_json::to_string(&event)?);
        Ok(())
    }
}

pub(crate) async fn run(spec: Spec) -> Result<()> {
    let options = JetstreamOptions::builder()
        .ws_url(JetstreamEndpoints::Custom(spec.endpoint()))
        .wanted_collections(spec.wanted_collections)
        .wanted_dids(spec.wanted_dids)
        .compress(spec.compress)
        .build();
    let connection = JetstreamConnection::new(options);
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
    let cursor = Arc::new(Mutex::new(Some(u64::try_from(now)?)));

    let commits = spec.collections.into_iter();
    let commits = commits.map(|collection| (collection, Box::new(Printer) as Box<_>));
    let ingestors = Ingestors {
        commits: commits.collect::<HashMap<_, _>>(),
        identity: Some(Box::new(Printer)),
        account: Some(Box::new(Printer)),
    };
    let messages = connection.get_msg_rx();
    let reconnect = connection.get_reconnect_tx();
    let handled = Arc::clone(&cursor);
    tokio::spawn(async move {
        while let Ok(message) = messages.recv().await {
            if spec.compress && message.is_text() {
                eprintln!("an event that is not compressed");
                exit(1);
            }
            let handling = handle_message(message, &ingestors, reconnect.clone(), handled.clone());
            if let Err(error) = handling.await {
                eprintln!("{error:#}");
            }
        }
    });
    let running = connection.connect(cursor).await;
    running.map_err(|error| anyhow!("{error}"))
}
