use serde::{Deserialize, Serialize};

use super::*;
use crate::{Secret, optional};

const A: &str = "# One.\n[a]\n# Many.\n# Allowed: 1 to 1_000_000.\nmany = 10_000\n# How long.\n# Allowed: 1s to 1h.\ntime = \"60s\"\n# A list.\nlist = []\n# Hidden.\npassword = \"\"\n\n[a.deep]\n# Where.\nurl = \"ws://host\"\n# Maybe.\nuser = \"\"\n";

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct A1 {
    many: u32,
    #[serde(with = "humantime_serde")]
    time: std::time::Duration,
    #[serde(deserialize_with = "crate::list")]
    list: Vec<String>,
    password: Secret,
    deep: Deep,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deep {
    url: String,
    #[serde(with = "optional")]
    user: Option<String>,
}

impl crate::Section for A1 {
    const FRAGMENT: crate::Fragment = crate::Fragment {
        section: "a",
        text: A,
    };
}

crate::role! {
    struct Settings {
        a: A1,
    }
    "a.deep.url = \"ws://other\""
}

fn printed(file: Option<&std::path::Path>, set: &[&str]) -> String {
    let flags = Flags {
        config: file.map(Into::into),
        set: set.iter().map(|&set| set.to_owned()).collect(),
        ..Flags::default()
    };
    let settings: Settings = load(Sources {
        tree: Settings::FRAGMENTS,
        env: &[],
        flags: &flags,
    })
    .unwrap();
    document(&settings).unwrap()
}

#[test]
fn a_default_is_printed_as_in_the_fragment() {
    assert_eq!(printed(None, &[]), A.replace("//host", "//other"));
}

#[test]
fn changed_values_are_printed_and_the_document_is_a_settings_file() {
    let set = [
        "a.many=7",
        "a.time=90s",
        "a.list=x,y",
        "a.deep.url=ws://host",
        "a.deep.user=me",
    ];
    let document = printed(None, &set);
    for line in [
        "# Allowed: 1 to 1_000_000.\nmany = 7\n",
        "time = \"1m 30s\"\n",
        "list = [\"x\", \"y\"]\n",
        "[a.deep]\n# Where.\nurl = \"ws://host\"\n",
        "user = \"me\"\n",
    ] {
        assert!(document.contains(line), "{line:?} is not in {document}");
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &document).unwrap();
    assert_eq!(printed(Some(file.path()), &[]), document);
}

#[test]
fn secrets_are_left_out() {
    let set = ["a.password=hunter2", "a.deep.url=ws://me:hunter2@host"];
    let document = printed(None, &set);
    assert!(!document.contains("hunter2"), "{document}");
    assert!(document.contains("#password = (hidden)\n"), "{document}");
    assert!(
        document.contains("url = \"ws://(hidden)@host\"\n"),
        "{document}"
    );
}
