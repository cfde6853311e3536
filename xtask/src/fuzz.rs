//! Fuzzing the parsers of foreign bytes.

use std::process::Command;

use anyhow::Result;

use crate::tools;
use fanjet_tools::shell::{root, run as run_command};

/// Folder of the fuzz crate's owner, and its targets.
const TARGETS: &[(&str, &[&str])] = &[
    ("shared/firehose", &["frame", "car", "record"]),
    ("shared/verify", &["inversion", "document"]),
    ("shared/filter", &["query", "client_message"]),
    ("shared/log-embedded", &["segment"]),
];

pub(crate) fn run(seconds: u64) -> Result<()> {
    let cargo_fuzz = tools::cargo_fuzz()?;
    for (folder, targets) in TARGETS {
        for target in *targets {
            // cargo-fuzz needs a nightly compiler, which rustup picks by this variable.
            run_command(
                Command::new(&cargo_fuzz)
                    .current_dir(root().join(folder))
                    .env("RUSTUP_TOOLCHAIN", "nightly")
                    .args(["run", target, "--", &format!("-max_total_time={seconds}")]),
            )?;
        }
    }
    Ok(())
}
