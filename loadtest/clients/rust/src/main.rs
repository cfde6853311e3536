//! Runs one foreign client as its documentation describes, and prints every event that it returns as a line of JSON.
//!
//! ```text
//! fanjet-clients-rust jetstream-oxide|rocketman SPEC
//! ```

mod spec;

mod jetstream_oxide_client;
mod rocketman_client;

use anyhow::{Context, Result, bail};

use spec::Spec;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let library = arguments.next().context("which library?")?;
    let spec: Spec = serde_json::from_str(&arguments.next().context("what to ask for?")?)?;
    match library.as_str() {
        "jetstream-oxide" => jetstream_oxide_client::run(spec).await,
        "rocketman" => rocketman_client::run(spec).await,
        other => bail!("no driver for {other}"),
    }
}
