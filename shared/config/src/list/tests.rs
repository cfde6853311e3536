//! Tests of lists from every source.

use serde::Deserialize;
use toml::Table;

#[derive(Debug, Deserialize)]
struct Settings {
    #[serde(deserialize_with = "super::list")]
    numbers: Vec<u8>,
}

fn read(text: &str) -> Result<Vec<u8>, String> {
    let table: Table = text.parse().unwrap();
    let settings: Result<Settings, _> = table.try_into();
    settings
        .map(|settings| settings.numbers)
        .map_err(|error| error.to_string())
}

#[test]
fn a_list_is_an_array_or_text_with_commas() {
    assert_eq!(read("numbers = [1, 2]"), Ok(vec![1, 2]));
    assert_eq!(read("numbers = \"1, 2,\""), Ok(vec![1, 2]));
    assert_eq!(read("numbers = \"\""), Ok(vec![]));
}

#[test]
fn an_invalid_item_is_named() {
    let error = read("numbers = \"1,x\"").unwrap_err();
    assert!(error.contains("\"x\""), "{error}");
    assert!(read("numbers = 1").unwrap_err().contains("commas"));
}
