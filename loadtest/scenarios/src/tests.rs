use clap::CommandFactory;
use fanjet_tools::shell::root;

use super::*;

/// Every `cargo xtask WORD ...` of CONTRIBUTING with a scenario is a valid command line.
#[test]
fn contributing_names_scenarios_that_there_are() {
    let text = std::fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let cli = Cli::command();
    let shown: Vec<_> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.strip_prefix("cargo xtask "))
        .filter(|command| {
            let name = command.split_whitespace().next().unwrap();
            cli.find_subcommand(name).is_some()
        })
        .collect();
    assert!(shown.len() >= 10, "{shown:?}");
    for command in shown {
        let words = ["cargo xtask"]
            .into_iter()
            .chain(command.split_whitespace());
        // A folder or a version that the page omits.
        let is_known = match cli.clone().try_get_matches_from(words) {
            Ok(_) => true,
            Err(error) => error.kind() == clap::error::ErrorKind::MissingRequiredArgument,
        };
        assert!(is_known, "CONTRIBUTING has `cargo xtask {command}`");
    }
}
