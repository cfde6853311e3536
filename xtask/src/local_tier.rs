//! The edge's tests about the past once more, with a local tier on every node: no stream may differ.

use anyhow::Result;
use fanjet_tools::shell::{cargo, run as run_command};

/// Tests whose clients read the past. Those of a damaged log expect what only the log itself does.
const TESTS: [&str; 6] = [
    "replay::",
    "cursors::",
    "oracle::",
    "log_faults::",
    "log_replaced::",
    "v2::cursors",
];

pub(crate) fn check() -> Result<()> {
    let mut test = cargo();
    test.args(["test", "--locked", "--all-features", "-p", "fanjet-edge"]);
    test.args(["--test", "it", "--"]).args(TESTS);
    test.env("FANJET_TEST_DISK", "1");
    run_command(&mut test)
}
