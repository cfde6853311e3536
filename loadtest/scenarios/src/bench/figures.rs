//! One row of figures, and how it is taken.

use std::time::Instant;

use anyhow::Result;
use serde::Serialize;

use super::cpu::cpu_seconds;
use super::table::{Table, figure};
use crate::memory::resident_mib;

/// What one process did during a window.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Figures {
    pub(super) case: String,
    pub(super) seconds: f64,
    /// CPU seconds.
    pub(super) cpu: f64,
    pub(super) frames: f64,
    pub(super) bytes: f64,
    /// At the end.
    pub(super) mib: f64,
}

/// A process that is watched.
pub(super) struct Watched {
    pid: i32,
    began: Instant,
    cpu: f64,
}

impl Watched {
    pub(super) fn begin(pid: i32) -> Result<Self> {
        Ok(Self {
            pid,
            began: Instant::now(),
            cpu: cpu_seconds(pid)?,
        })
    }

    pub(super) fn end(&self, case: &str, frames: f64, bytes: f64) -> Result<Figures> {
        Ok(Figures {
            case: case.to_owned(),
            seconds: self.began.elapsed().as_secs_f64(),
            cpu: cpu_seconds(self.pid)? - self.cpu,
            frames,
            bytes,
            mib: resident_mib(self.pid)?,
        })
    }
}

impl Figures {
    /// Of one core.
    pub(super) fn cpu_percent(&self) -> f64 {
        self.cpu / self.seconds * 100.0
    }
}

/// All of them in one table.
pub(super) fn table(rows: &[Figures]) -> Table {
    let mut table = Table::new(&[
        "",
        "frames/s",
        "MB/s",
        "CPU %",
        "CPU us per frame",
        "CPU s per GB",
        "bytes per frame",
        "MiB",
    ]);
    for row in rows {
        table.row([
            row.case.clone(),
            figure(row.frames / row.seconds),
            figure(row.bytes / row.seconds / 1e6),
            figure(row.cpu_percent()),
            figure(row.cpu / row.frames * 1e6),
            figure(row.cpu / (row.bytes / 1e9)),
            figure(row.bytes / row.frames),
            figure(row.mib),
        ]);
    }
    table
}
