//! Exceptions, and the folders that still have words of the list.

/// A word that may stay below a path.
#[derive(Debug)]
pub(super) struct Allowed {
    pub(super) path: &'static str,
    pub(super) word: &'static str,
    #[allow(dead_code, reason = "for the reader of the list")]
    pub(super) reason: &'static str,
}

/// Each entry needs a reason. An entry that matches nothing fails the check.
pub(super) const ALLOWED: &[Allowed] = &[];

/// Folders that are still to be cleaned. The list must only shrink: a clean folder in it fails the check.
pub(super) const NOT_YET_CLEAN: &[&str] = &[
    "docs",
    "deploy",
    "helm",
    "loadtest/swarm",
    "loadtest/browser",
    "loadtest/clients",
    "loadtest/k6",
    "loadtest/oracle",
    "loadtest/scenarios",
    "loadtest/simulator",
    "loadtest/testkit",
    "loadtest/tools",
    "services/edge",
    "services/fanjet",
    "services/ingest",
    "services/kafka",
    "services/standalone",
    "shared/runtime",
    "shared/service",
    "shared/client",
    "shared/cluster",
    "shared/config",
    "shared/did-web",
    "shared/event",
    "shared/filter",
    "shared/firehose",
    "shared/http",
    "shared/identity",
    "shared/log",
    "shared/log-embedded",
    "shared/log-nats",
    "shared/output",
    "shared/telemetry",
    "shared/verify",
    "shared/websocket",
    "shared/wire",
    "xtask",
];
