//! A simulator whose account can be held against a log: it forgets nothing, and writes down what it published.

use std::path::Path;

use anyhow::Result;
use fanjet_testkit::Process;
use fanjet_tools::programs::Profile;

use crate::service::program;

/// Publishes so many frames, from when somebody listens.
pub(crate) fn simulator(
    profile: Profile,
    frames: u64,
    rate: u32,
    seed: u64,
    expect_out: &Path,
) -> Result<Process> {
    let flags = [
        ("--listen", "127.0.0.1:0".to_owned()),
        ("--rate", rate.to_string()),
        ("--limit", frames.to_string()),
        ("--seed", seed.to_string()),
        ("--accounts", "100".to_owned()),
        ("--records-per-repo", "30".to_owned()),
        ("--multi-op-commits", "0.2".to_owned()),
        ("--history-frames", frames.to_string()),
        ("--history-bytes", (16_u64 << 30).to_string()),
        ("--expect-out", expect_out.display().to_string()),
    ];
    let flags = flags.into_iter();
    program(profile, "fanjet-simulator")
        .args(flags.flat_map(|(flag, value)| [flag.to_owned(), value]))
        .arg("--wait-for-client")
        .start()
}
