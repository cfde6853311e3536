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
pub(super) const ALLOWED: &[Allowed] = &[
    Allowed {
        path: "loadtest/scenarios/src/chaos/plan.rs",
        word: "Step",
        reason: "one action of a fault plan",
    },
    Allowed {
        path: "loadtest/oracle/src/verdict.rs",
        word: "Verdict",
        reason: "the one type of this name: what a check of a whole stream found",
    },
    Allowed {
        path: "services/kafka/src/broker/position.rs",
        word: "Position",
        reason: "the one type of this name: the producer's stored position",
    },
    Allowed {
        path: "services/kafka/src/window/tests.rs",
        word: "Step",
        reason: "one action of a model test",
    },
    Allowed {
        path: "shared/http/src/gate.rs",
        word: "Gate",
        reason: "opens for the bytes that one request may send",
    },
    Allowed {
        path: "shared/http/src/lib.rs",
        word: "gate",
        reason: "the module of that type",
    },
    Allowed {
        path: "shared/http/src/wire.rs",
        word: "gate",
        reason: "returns that type",
    },
    Allowed {
        path: "shared/log/src/contract/model.rs",
        word: "Step",
        reason: "one action of a model test",
    },
];

/// Folders that are still to be cleaned. The list must only shrink: a clean folder in it fails the check.
pub(super) const NOT_YET_CLEAN: &[&str] = &[];
