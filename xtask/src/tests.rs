use clap::CommandFactory;

use super::*;

/// Every `cargo xtask WORD ...` that the README shows is a command line that there is.
#[test]
fn the_readme_names_commands_that_there_are() {
    let text = std::fs::read_to_string(shell::root().join("README.md")).unwrap();
    let shown: Vec<_> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.strip_prefix("cargo xtask "))
        .collect();
    assert!(shown.len() >= 15, "{shown:?}");
    for command in shown {
        let words = ["cargo xtask"]
            .into_iter()
            .chain(command.split_whitespace());
        // A folder or a version that the README leaves out.
        let is_known = match Cli::command().try_get_matches_from(words) {
            Ok(_) => true,
            Err(error) => error.kind() == clap::error::ErrorKind::MissingRequiredArgument,
        };
        assert!(is_known, "the README has `cargo xtask {command}`");
    }
}
