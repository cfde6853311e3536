//! Holds the docs against the tree: links lead somewhere, and the tests, files, metrics and settings that pages name exist.

mod markdown;
mod links;
mod names;
mod numbers;
mod bounds;

use anyhow::{Result, bail};

/// Checks every page.
///
/// # Errors
/// All complaints together.
pub(crate) fn check() -> Result<()> {
    let pages = markdown::pages()?;
    let mut complaints = links::check(&pages);
    complaints.extend(names::check(&pages)?);
    complaints.extend(numbers::check(&pages));
    complaints.extend(bounds::check(&pages)?);
    if !complaints.is_empty() {
        bail!("docs:\n  {}", complaints.join("\n  "));
    }
    println!(
        "docs: {} pages, their links and the names in them are in order",
        pages.len()
    );
    Ok(())
}
