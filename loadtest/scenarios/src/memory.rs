//! The memory of a process.

use std::fs;

use anyhow::{Context, Result};

/// The resident memory of a process.
pub(crate) fn resident_mib(pid: i32) -> Result<f64> {
    Ok(kibibytes(pid, "VmRSS:")? as f64 / 1024.0)
}

/// A line of the status that the system reports of a process.
pub(crate) fn kibibytes(pid: i32, key: &str) -> Result<u64> {
    let status =
        fs::read_to_string(format!("/proc/{pid}/status")).context("the process is gone")?;
    let value = status.lines().find_map(|line| line.strip_prefix(key));
    let value = value.with_context(|| format!("no {key} in the status"))?;
    Ok(value.trim().trim_end_matches(" kB").trim().parse()?)
}
