use super::*;

impl Compression {
    /// A compression whose compressor cannot be created.
    pub(crate) fn broken() -> Self {
        Self {
            level: i32::MAX,
            ..Self::default()
        }
    }
}

#[test]
fn the_defaults_work() {
    assert!(Compression::load(&ZstdConfig::default()).is_ok());
    for role in [
        DictionaryRole::V1,
        DictionaryRole::V2,
        DictionaryRole::V2Previous,
    ] {
        assert!(Compression::default().compressor(role).is_ok());
        assert!(Compression::broken().compressor(role).is_err());
    }
    let served = Compression::default();
    let ids: Vec<_> = served.v2_dictionaries().iter().map(|it| it.id()).collect();
    assert_eq!(ids, [fanjet_dictionaries::v2().id()]);
}

#[test]
fn two_dictionaries_of_v2_have_two_ids() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("previous.zdict");
    let with = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let config = ZstdConfig {
            v2_previous_dictionary: path.clone(),
            ..ZstdConfig::default()
        };
        Compression::load(&config)
    };
    let both = with(fanjet_dictionaries::v1().bytes()).unwrap();
    let ids: Vec<_> = both.v2_dictionaries().iter().map(|it| it.id()).collect();
    assert_eq!(
        ids,
        [
            fanjet_dictionaries::v2().id(),
            fanjet_dictionaries::v1().id()
        ]
    );
    let twice = with(fanjet_dictionaries::v2().bytes())
        .unwrap_err()
        .to_string();
    assert!(
        twice.contains("v2_previous_dictionary") && twice.contains("another id"),
        "{twice}"
    );
}
