//! Faults, one at a time or on top of each other, each counted when it was injected.

use std::collections::BTreeMap;
use std::rc::Rc;

use anyhow::Result;
use fanjet_log::memory::Fault;
use tokio::time::sleep;

use crate::cluster::Cluster;
use crate::dice::Dice;

/// One kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A leader or standby ends at once, and starts again later.
    IngestCrashes,
    /// It is asked to stop, as in a rollout.
    IngestRestarts,
    /// It cannot reach the log.
    IngestCutOff,
    /// The lease is taken from its holder.
    LeaseRevoked,
    /// No lease can be taken or renewed.
    LeaseAway,
    /// An edge ends at once, and starts again later.
    EdgeCrashes,
    /// It is asked to stop, as in a rollout.
    EdgeRestarts,
    /// It cannot reach the log.
    EdgeCutOff,
    /// A client asks for the same events, sooner or later than before.
    DelayChanges,
    /// A relay cuts its connections.
    RelayCuts,
    /// A relay is down for a while.
    RelayDown,
    /// A relay starts over with other seqs.
    RelayRecreated,
    /// The log misbehaves.
    Log(LogFault),
    /// Retention deletes the oldest events.
    Expiry,
    /// An operator deletes all events.
    Purge,
    /// An operator deletes the log and creates it again.
    LogRecreated,
}

/// As [`Fault`], ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "documented at Fault")]
pub enum LogFault {
    ReadFails,
    AppendFails,
    AnswerLost,
    PartlyStored,
    FollowGap,
    FollowEnds,
    FollowHangs,
}

impl LogFault {
    fn fault(self) -> Fault {
        match self {
            Self::ReadFails => Fault::ReadFails,
            Self::AppendFails => Fault::AppendFails,
            Self::AnswerLost => Fault::AnswerLost,
            Self::PartlyStored => Fault::PartlyStored,
            Self::FollowGap => Fault::FollowGap,
            Self::FollowEnds => Fault::FollowEnds,
            Self::FollowHangs => Fault::FollowHangs,
        }
    }
}

/// All kinds.
pub const KINDS: [Kind; 22] = [
    Kind::IngestCrashes,
    Kind::IngestRestarts,
    Kind::IngestCutOff,
    Kind::LeaseRevoked,
    Kind::LeaseAway,
    Kind::EdgeCrashes,
    Kind::EdgeRestarts,
    Kind::EdgeCutOff,
    Kind::DelayChanges,
    Kind::RelayCuts,
    Kind::RelayDown,
    Kind::RelayRecreated,
    Kind::Log(LogFault::ReadFails),
    Kind::Log(LogFault::AppendFails),
    Kind::Log(LogFault::AnswerLost),
    Kind::Log(LogFault::PartlyStored),
    Kind::Log(LogFault::FollowGap),
    Kind::Log(LogFault::FollowEnds),
    Kind::Log(LogFault::FollowHangs),
    Kind::Expiry,
    Kind::Purge,
    Kind::LogRecreated,
];

/// How often each fault took effect.
pub type Fired = BTreeMap<Kind, u64>;

/// Injects one fault and heals it. The log's own faults count when the log meets them ([`log_faults`]).
pub(crate) async fn inject(kind: Kind, cluster: Rc<Cluster>, dice: Dice) -> Result<bool> {
    let ingest = dice.index(cluster.ingests.len());
    let edge = dice.index(cluster.edges.len());
    let relay = Rc::clone(&cluster).relays[dice.index(cluster.relays.len())].clone();
    match kind {
        Kind::IngestCrashes if cluster.ingests[ingest].is_running() => {
            cluster.crash_ingest(ingest);
            sleep(dice.seconds(0..60)).await;
            cluster.start_ingest(ingest)?;
        }
        Kind::IngestRestarts if cluster.ingests[ingest].is_running() => {
            cluster.ingests[ingest].stop();
            sleep(dice.seconds(1..40)).await;
            cluster.crash_ingest(ingest);
            cluster.start_ingest(ingest)?;
        }
        Kind::IngestCutOff => {
            cluster.ingests[ingest].link.set_cut(true);
            sleep(dice.seconds(1..60)).await;
            cluster.ingests[ingest].link.set_cut(false);
        }
        Kind::LeaseRevoked => cluster.lease.revoke(),
        Kind::LeaseAway => {
            cluster.lease.set_away(true);
            sleep(dice.seconds(1..40)).await;
            cluster.lease.set_away(false);
        }
        Kind::EdgeCrashes if cluster.edges[edge].is_running() => {
            cluster.crash_edge(edge);
            sleep(dice.seconds(0..60)).await;
            cluster.start_edge(edge)?;
        }
        Kind::EdgeRestarts if cluster.edges[edge].is_running() => {
            cluster.edges[edge].stop();
            sleep(dice.seconds(1..60)).await;
            cluster.crash_edge(edge);
            cluster.start_edge(edge)?;
        }
        Kind::EdgeCutOff => {
            cluster.edges[edge].link.set_cut(true);
            sleep(dice.seconds(1..120)).await;
            cluster.edges[edge].link.set_cut(false);
        }
        Kind::DelayChanges => {
            let client = dice.pick(&cluster.updates);
            let delay = [0, dice.number(1..1_000)];
            return Ok(client.send(*dice.pick(&delay)).is_ok());
        }
        Kind::RelayCuts => relay.cut(),
        Kind::RelayDown => {
            relay.set_down(true);
            sleep(dice.seconds(1..90)).await;
            relay.set_down(false);
        }
        Kind::RelayRecreated => {
            relay.recreate(dice.number(1..60_000_000_000), 2_000);
        }
        Kind::Log(fault) => cluster.log.inject(fault.fault(), dice.number(1..4)),
        Kind::Expiry => {
            cluster.ledger.expire_all_but(dice.number(1..400)).await?;
        }
        Kind::Purge => cluster.ledger.expire_all_but(0).await?,
        Kind::LogRecreated => cluster.ledger.recreate(dice.chance(0.5)).await?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// How often the log met each of its own faults, and an end to those that it has not met.
pub(crate) fn log_faults(cluster: &Cluster) -> Fired {
    let faults = KINDS.into_iter().filter_map(|kind| match kind {
        Kind::Log(fault) => Some((kind, fault.fault())),
        _ => None,
    });
    let fired = faults.map(|(kind, fault)| {
        cluster.log.withdraw(fault);
        (kind, cluster.log.fired(fault))
    });
    fired.collect()
}
