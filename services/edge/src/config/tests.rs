use super::*;

const FILE: &str = include_str!("../../config.toml");

/// The file's commented keys, uncommented: a line is a key when it reads as one.
fn uncommented() -> String {
    FILE.lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if !key.starts_with(' ') => key,
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_file_shows_every_key_with_its_default() {
    let shown: toml::Table = uncommented().parse().unwrap();
    let defaults = toml::Table::try_from(EdgeConfig::default()).unwrap();
    let keys = |table: &toml::Table| -> Vec<String> {
        table
            .iter()
            .flat_map(|(section, keys)| {
                keys.as_table()
                    .unwrap()
                    .keys()
                    .map(move |key| format!("{section}.{key}"))
            })
            .collect()
    };
    assert_eq!(keys(&shown), keys(&defaults));
    assert_eq!(
        toml::from_str::<EdgeConfig>(&uncommented()).unwrap(),
        EdgeConfig::default()
    );
    assert_eq!(
        toml::from_str::<EdgeConfig>(FILE).unwrap(),
        EdgeConfig::default()
    );
}

#[test]
fn an_unknown_key_is_an_error() {
    for text in ["[tail]\nring_byte = 1", "[tails]", "listen = 1"] {
        assert!(toml::from_str::<EdgeConfig>(text).is_err(), "{text}");
    }
}

#[test]
fn closes_that_could_not_end_in_time_are_an_error() {
    let refused = |spread, deadline| {
        let drain = DrainConfig {
            spread: Duration::from_millis(spread),
            deadline: Duration::from_millis(deadline),
            ..DrainConfig::default()
        };
        drain.check().err().map(|error| error.to_string())
    };
    assert_eq!(refused(0, 0), None);
    assert_eq!(refused(1000, 1000), None);
    for (spread, deadline) in [(1001, 1000), (100, 1500)] {
        let words = refused(spread, deadline).unwrap();
        assert!(words.starts_with("drain.spread is"), "{words}");
    }
}
