use clap::CommandFactory;
use fanjet_tools::shell::root;

use super::*;

/// Every `cargo xtask WORD ...` in CONTRIBUTING is a valid command.
#[test]
fn every_command_in_contributing_exists() {
    let text = std::fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let shown: Vec<_> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.strip_prefix("cargo xtask "))
        .collect();
    assert!(shown.len() >= 15, "{shown:?}");
    for command in shown {
        let mut words = vec!["cargo xtask"];
        words.extend(command.split_whitespace());
        let is_scenario = scenarios::NAMES.contains(&words[1]);
        let is_known = is_scenario
            || match Cli::command().try_get_matches_from(&words) {
                Ok(matches) => Cli::command()
                    .find_subcommand(matches.subcommand_name().unwrap())
                    .is_some(),
                Err(error) => error.kind() == clap::error::ErrorKind::MissingRequiredArgument,
            };
        assert!(is_known, "CONTRIBUTING has `cargo xtask {command}`");
    }
}

#[test]
fn an_unknown_command_lists_the_scenarios() {
    let error = scenarios::run(&["caos".into()]).unwrap_err().to_string();
    assert!(error.contains("caos") && error.contains("chaos"), "{error}");
}

#[test]
fn scenarios_that_are_part_of_the_load_run_optimised() {
    let is_optimised = |words: &[&str]| {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        scenarios::is_optimised(&words)
    };
    assert!(is_optimised(&["cutover", "--seed", "1"]));
    assert!(!is_optimised(&["cutover", "--dev"]));
    assert!(!is_optimised(&["chaos"]));
}
