use std::collections::BTreeSet;

use fanjet_config::{ConfigError, Flags, Sources, check_ranges, load, numbers_and_times};
use fanjet_edge::EdgeSettings;
use fanjet_ingest::IngestConfig;

use super::*;
use crate::prepare::PrepareSettings;

/// The settings of a process with one of them changed, or what its operator is told.
fn set<S: Settings>(setting: &str) -> Result<S, String> {
    let flags = Flags {
        set: Some(setting.to_owned())
            .filter(|setting| !setting.is_empty())
            .into_iter()
            .collect(),
        ..Flags::default()
    };
    let settings: S = load(Sources {
        defaults: &S::defaults(),
        env: &[],
        flags: &flags,
    })
    .map_err(|error| error.to_string())?;
    check_ranges(&settings, S::ranges()).map_err(|error| ConfigError::from(error).to_string())?;
    Ok(settings)
}

/// Numbers and times that no setting can have a use for.
fn absurd(is_time: bool) -> &'static [&'static str] {
    match is_time {
        true => &["1ns", "200years", "18446744073709551615s", "-1s", "soon"],
        false => &[
            "-2",
            "9223372036854775807",
            "18446744073709551615",
            "99999999999999999999999",
            "1e300",
            "many",
        ],
    }
}

/// Zero and absurd values of every number and every time are refused with words that help, or zero has a meaning.
fn walk<S: Settings>() {
    let defaults = set::<S>("").unwrap();
    let ranges: Vec<Range> = S::ranges().collect();
    let stated: BTreeSet<_> = ranges.iter().map(|range| range.key().to_owned()).collect();
    let found: BTreeSet<_> = numbers_and_times(&defaults).into_iter().collect();
    // What is a word by default may be a time as well.
    let words = BTreeSet::from(["embedded.sync".to_owned()]);
    let missing: Vec<_> = found.difference(&stated).collect();
    assert!(
        missing.is_empty(),
        "{}: without a range: {missing:?}",
        S::NAME
    );
    let unknown: Vec<_> = stated
        .difference(&found)
        .filter(|key| !words.contains(*key))
        .collect();
    assert!(
        unknown.is_empty(),
        "{}: ranges of nothing: {unknown:?}",
        S::NAME
    );
    assert_eq!(
        ranges.len(),
        stated.len(),
        "{}: a range is stated twice",
        S::NAME
    );
    for range in &ranges {
        let key = range.key();
        let zero = if range.is_time() { "0s" } else { "0" };
        match (set::<S>(&format!("{key}={zero}")), range.meaning_of_zero()) {
            (Ok(_), Some(_)) => {}
            (Err(told), None) => {
                for part in [key, zero, "allowed: "] {
                    assert!(told.contains(part), "{part:?} is not in {told:?}");
                }
            }
            (Ok(_), None) => panic!("{key}={zero} is taken, and nobody says what it means"),
            (Err(told), Some(_)) => panic!("{key}={zero} has a meaning, and is refused: {told}"),
        }
        for value in absurd(range.is_time()) {
            let told = match set::<S>(&format!("{key}={value}")) {
                Ok(_) => panic!("{key}={value} is taken"),
                Err(told) => told,
            };
            assert!(told.contains(key), "{key}={value}: {told}");
            assert!(
                told.len() > format!("wrong setting {key}: ").len(),
                "{told}"
            );
        }
    }
}

#[test]
fn every_number_and_time_of_every_process_has_a_range() {
    walk::<ServeSettings>();
    walk::<IngestConfig>();
    walk::<EdgeSettings>();
    walk::<KafkaSettings>();
    walk::<PrepareSettings>();
}
