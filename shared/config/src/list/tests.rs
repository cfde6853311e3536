//! Tests of lists from every source.

use serde::Deserialize;

use crate::{Flags, Sources, load};

#[derive(Debug, Deserialize)]
struct Settings {
    #[serde(deserialize_with = "super::list")]
    numbers: Vec<u8>,
}

fn read(defaults: &str, set: Option<&str>) -> Result<Vec<u8>, String> {
    let flags = Flags {
        set: set.map(str::to_owned).into_iter().collect(),
        ..Flags::default()
    };
    let settings: Result<Settings, _> = load(Sources {
        defaults,
        env: &[],
        flags: &flags,
    });
    settings
        .map(|settings| settings.numbers)
        .map_err(|error| error.to_string())
}

#[test]
fn a_list_is_an_array_or_text_with_commas() {
    assert_eq!(read("numbers = [1, 2]", None), Ok(vec![1, 2]));
    assert_eq!(read("numbers = []", Some("numbers=1, 2,")), Ok(vec![1, 2]));
    assert_eq!(read("numbers = [1]", Some("numbers=")), Ok(vec![]));
}

#[test]
fn what_is_wrong_is_named() {
    let error = read("numbers = []", Some("numbers=1,x")).unwrap_err();
    assert!(
        error.contains("numbers") && error.contains("\"x\""),
        "{error}"
    );
    assert!(read("numbers = 1", None).unwrap_err().contains("commas"));
}
