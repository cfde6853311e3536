use fanjet_config::{Flags, Fragment, Role, Sources, load};
use fanjet_edge::EdgeSettings;
use fanjet_ingest::{IngestSettings, LabelsSettings};
use fanjet_kafka::KafkaSettings;
use toml::{Table, Value};

use super::*;
use crate::prepare::PrepareSettings;

/// The settings of a process with one of them changed, or the error.
fn set<S: Role>(setting: &str) -> Result<S, String> {
    let flags = Flags {
        set: Some(setting.to_owned())
            .filter(|setting| !setting.is_empty())
            .into_iter()
            .collect(),
        ..Flags::default()
    };
    load(Sources {
        tree: ServeSettings::FRAGMENTS,
        env: &[],
        flags: &flags,
    })
    .map_err(|error| error.to_string())
}

/// Numbers and durations that make no sense for any setting.
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

/// The dotted keys of all values.
fn keys(path: &str, value: &Value) -> Vec<String> {
    match value {
        Value::Table(table) => {
            let below = table.iter();
            let below = below.flat_map(|(key, value)| keys(&format!("{path}.{key}"), value));
            below.collect()
        }
        _ => vec![path.trim_start_matches('.').to_owned()],
    }
}

fn fragments_fit<S: Role>() {
    let settings = set::<S>("").unwrap();
    let mut written = keys("", &Value::try_from(&settings).unwrap());
    let mut named = Vec::new();
    for fragment in S::FRAGMENTS {
        named.extend(fragment.entries().unwrap().iter().map(|entry| entry.key()));
    }
    written.sort();
    named.sort();
    assert_eq!(written, named);
}

/// Zero and absurd values of every number and duration are rejected with the key, the value and what is allowed.
fn ranges_are_kept<S: Role>() {
    let entries = S::FRAGMENTS
        .iter()
        .flat_map(|fragment| fragment.entries().unwrap());
    for entry in entries {
        let key = entry.key();
        let Some(allowed) = entry.allowed else {
            continue;
        };
        let given = if allowed.is_time() || allowed.is_number() {
            absurd(allowed.is_time())
        } else {
            &["no such word"]
        };
        let zero = if allowed.is_time() { "0s" } else { "0" };
        let is_zero_refused = allowed.check(zero).is_err();
        let refused = given.iter().chain(is_zero_refused.then_some(&zero));
        for value in refused {
            let refusal = match set::<S>(&format!("{key}={value}")) {
                Ok(_) => panic!("{key}={value} is accepted"),
                Err(refusal) => refusal,
            };
            for part in [&key, *value, "allowed: ", &allowed.to_string()] {
                assert!(refusal.contains(part), "{part:?} is not in {refusal:?}");
            }
        }
        if !is_zero_refused {
            set::<S>(&format!("{key}={zero}")).unwrap();
        }
    }
}

#[test]
fn fragments_name_every_key_of_their_structs_and_no_other() {
    fragments_fit::<ServeSettings>();
    fragments_fit::<IngestSettings>();
    fragments_fit::<LabelsSettings>();
    fragments_fit::<EdgeSettings>();
    fragments_fit::<KafkaSettings>();
    fragments_fit::<PrepareSettings>();
}

#[test]
fn values_out_of_range_are_rejected_by_every_role() {
    ranges_are_kept::<ServeSettings>();
    ranges_are_kept::<IngestSettings>();
    ranges_are_kept::<LabelsSettings>();
    ranges_are_kept::<EdgeSettings>();
    ranges_are_kept::<KafkaSettings>();
    ranges_are_kept::<PrepareSettings>();
}

/// `serve` reads the sections of all other roles, so its sections are the tree.
#[test]
fn every_section_is_in_the_tree_once() {
    let tree = ServeSettings::FRAGMENTS;
    let roles: [&[Fragment]; 5] = [
        IngestSettings::FRAGMENTS,
        LabelsSettings::FRAGMENTS,
        EdgeSettings::FRAGMENTS,
        KafkaSettings::FRAGMENTS,
        PrepareSettings::FRAGMENTS,
    ];
    for fragment in roles.into_iter().flatten() {
        assert!(tree.contains(fragment), "[{}]", fragment.section);
    }
    let text: Vec<_> = tree.iter().map(|fragment| fragment.text).collect();
    let table: Table = text.join("\n").parse().unwrap();
    assert_eq!(table.len(), tree.len());
}
