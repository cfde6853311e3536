use fanjet_tools::shell::root;

use super::patch::{CaughtBy, all, parsed};
use super::{page, tree};

const PATCH: &str = "bug: it is wrong\nseen: once\ncaught-by: cargo test -p fanjet-edge --lib tail::some_test\n--- a/x\n+++ b/x\n";

/// Cheap enough for every run of the tests. Whether each is caught takes minutes: `cargo xtask mutants --kept`.
#[test]
fn every_kept_mutant_still_applies() {
    for mutant in all().unwrap() {
        let applied = tree::git_apply(root(), &mutant.patch, &["--check"]);
        assert!(
            applied.is_ok(),
            "{}: {:#}",
            mutant.name,
            applied.unwrap_err()
        );
    }
}

#[test]
fn the_page_lists_every_kept_mutant() {
    let page = std::fs::read_to_string(page::path()).unwrap();
    assert!(
        page == page::render(&all().unwrap()),
        "run cargo xtask mutants --write"
    );
}

#[test]
fn a_header_has_the_bug_and_the_test() {
    let mutant = parsed(PATCH).unwrap();
    assert_eq!(
        (mutant.bug.as_str(), mutant.files.as_slice()),
        ("it is wrong", &["x".to_owned()][..])
    );
    assert_eq!(
        mutant.caught_by[0].command(),
        "cargo test -p fanjet-edge --lib tail::some_test"
    );
    let simulated = PATCH.replace(
        "cargo test -p fanjet-edge --lib tail::some_test",
        "cargo xtask simulate --seeds 9 --stop",
    );
    assert_eq!(
        parsed(&simulated).unwrap().caught_by,
        [CaughtBy::Simulation { seeds: 9 }]
    );
}

#[test]
fn an_incomplete_header_is_refused() {
    for (missing, complaint) in [
        ("bug: it is wrong\n", "`bug"),
        ("--- a/x\n", "no diff"),
        ("cargo test", "must be"),
    ] {
        let error = parsed(&PATCH.replace(missing, "")).unwrap_err().to_string();
        assert!(error.contains(complaint), "{error}");
    }
}
