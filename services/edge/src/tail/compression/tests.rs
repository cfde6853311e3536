use super::*;

impl Compression {
    /// A compression whose compressor cannot be created.
    pub(crate) fn broken() -> Self {
        Self {
            dictionary: None,
            level: i32::MAX,
        }
    }
}

#[test]
fn the_defaults_work() {
    assert!(Compression::load(&ZstdConfig::default()).is_ok());
    assert!(Compression::default().compressor().is_ok());
    assert!(Compression::broken().compressor().is_err());
}
