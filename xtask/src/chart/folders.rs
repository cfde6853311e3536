//! Where the chart is, and where what is rendered of it goes.

use std::path::PathBuf;

use fanjet_tools::shell::{root, target};

/// The chart's folder.
pub(super) fn chart() -> PathBuf {
    root().join("helm/fanjet")
}

/// Where rendered manifests are put, to be looked at.
pub(super) fn output() -> PathBuf {
    target().join("chart")
}
