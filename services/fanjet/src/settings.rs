//! `fanjet settings`: the reference of all settings, generated from the fragments with their defaults.

use std::io::Write;
use std::process::ExitCode;

use fanjet_config::{Described, EXIT_CONFIG, Role, fail, reference};
use fanjet_edge::EdgeSettings;
use fanjet_ingest::{IngestSettings, LabelsSettings};
use fanjet_kafka::KafkaSettings;
use fanjet_standalone::prepare::PrepareSettings;
use fanjet_standalone::serve::ServeSettings;

/// The roles that have settings.
const ROLES: [Described; 6] = [
    described::<IngestSettings>("ingest"),
    described::<LabelsSettings>("labels"),
    described::<EdgeSettings>("edge"),
    described::<KafkaSettings>("kafka"),
    described::<ServeSettings>("serve"),
    described::<PrepareSettings>("prepare"),
];

const fn described<S: Role>(name: &'static str) -> Described {
    Described {
        name,
        fragments: S::FRAGMENTS,
        different: S::DIFFERENT,
    }
}

/// Prints the page.
pub(crate) fn main() -> ExitCode {
    let page = match reference(ServeSettings::FRAGMENTS, &ROLES) {
        Ok(page) => page,
        Err(wrong) => return fail(wrong, EXIT_CONFIG),
    };
    match std::io::stdout().write_all(page.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(format_args!("failed to print: {error}"), 1),
    }
}
