//! jetstream-oxide: reconnects on its own, but always with the cursor of its configuration, or none.
//!
//! To lose nothing, its user lets it give up instead, and reconnects with the `time_us` of the last event. It accepts
//! whole NSIDs only, no prefixes. Records are typed: fields that the lexicon does not have are dropped, and for records
//! with an unknown lexicon, or that do not match it, only the commit's `operation`, `rev`, `rkey` and `collection` are
//! left. It does not expose whether an event was compressed.

use std::time::Duration;

use anyhow::{Result, anyhow};
use chrono::{DateTime, SecondsFormat};
use jetstream_oxide::events::commit::{CommitEvent, CommitInfo, CommitType};
use jetstream_oxide::events::{EventInfo, JetstreamEvent};
use jetstream_oxide::exports::{Did, Nsid};
use jetstream_oxide::{JetstreamCompression, JetstreamConfig, JetstreamConnector};
use serde_json::{Value, json};

use crate::spec::Spec;

const PAUSE: Duration = Duration::from_millis(500);

pub(crate) async fn run(spec: Spec) -> Result<()> {
    let mut cursor = None;
    loop {
        let receiver = JetstreamConnector::new(config(&spec, cursor)?)?
            .connect()
            .await?;
        while let Ok(event) = receiver.recv_async().await {
            let (time_us, shown) = show(event)?;
            cursor = Some(time_us);
            println!("{shown}");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn config(spec: &Spec, cursor: Option<u64>) -> Result<JetstreamConfig> {
    let collections = spec.wanted_collections.iter().cloned().map(Nsid::new);
    let dids = spec.wanted_dids.iter().cloned().map(Did::new);
    Ok(JetstreamConfig {
        endpoint: spec.endpoint(),
        wanted_collections: collections
            .collect::<Result<_, _>>()
            .map_err(|e| anyhow!(e))?,
        wanted_dids: dids.collect::<Result<_, _>>().map_err(|e| anyhow!(e))?,
        compression: match spec.compress {
            true => JetstreamCompression::Zstd,
            false => JetstreamCompression::None,
        },
        cursor: cursor.and_then(|us| DateTime::from_timestamp_micros(i64::try_from(us).ok()?)),
        max_retries: 1,
        ..JetstreamConfig::default()
    })
}

/// The event as far as the library exposes it, in the form of the wire.
fn show(event: JetstreamEvent) -> Result<(u64, Value)> {
    let (info, kind, body) = match event {
        JetstreamEvent::Commit(
            CommitEvent::Create { info, commit } | CommitEvent::Update { info, commit },
        ) => {
            let mut body = show_commit(&commit.info);
            body["cid"] = json!(commit.cid.as_ref().to_string());
            body["record"] = serde_json::to_value(&commit.record)?;
            (info, "commit", body)
        }
        JetstreamEvent::Commit(CommitEvent::Delete { info, commit }) => {
            let body = show_commit(&commit);
            (info, "commit", body)
        }
        JetstreamEvent::Identity(event) => {
            let identity = event.identity;
            let body = json!({
                "did": identity.did.as_str(),
                "handle": identity.handle.as_ref().map(|handle| handle.as_str()),
                "seq": identity.seq,
                "time": identity.time.to_rfc3339_opts(SecondsFormat::Millis, true),
            });
            (event.info, "identity", body)
        }
        JetstreamEvent::Account(event) => {
            let account = event.account;
            let body = json!({
                "active": account.active,
                "did": account.did.as_str(),
                "seq": account.seq,
                "status": account.status.map(|status| format!("{status:?}").to_lowercase()),
                "time": account.time.to_rfc3339_opts(SecondsFormat::Millis, true),
            });
            (event.info, "account", body)
        }
    };
    let EventInfo { did, time_us, .. } = info;
    Ok((
        time_us,
        json!({"did": did.as_str(), "time_us": time_us, "kind": kind, kind: body}),
    ))
}

fn show_commit(commit: &CommitInfo) -> Value {
    let operation = match commit.operation {
        CommitType::Create => "create",
        CommitType::Update => "update",
        CommitType::Delete => "delete",
    };
    json!({
        "operation": operation,
        "rev": commit.rev,
        "rkey": commit.rkey,
        "collection": commit.collection.as_str(),
    })
}
