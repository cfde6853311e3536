//! The folders of the chart and of its rendered manifests.

use std::path::PathBuf;

use fanjet_tools::shell::{root, target};

/// The chart's folder.
pub(super) fn chart() -> PathBuf {
    root().join("helm/fanjet")
}

/// Rendered manifests, for inspection.
pub(super) fn output() -> PathBuf {
    target().join("chart")
}
