use std::io::Write;

use serde::{Deserialize, Serialize};

use super::*;
use crate::{Secret, Section};

const UPSTREAM: &str = r#"
[upstream]
# Where.
url = "wss://default.example"
# How many.
# Allowed: 1 to 60_000.
window = 10
# Which.
tags = ["a"]
# How long.
# Allowed: 1ms to 1h, or 0s for never.
pause = "5s"
# How.
# Allowed: "text" or "json".
format = "text"
# At which address.
listen = "0.0.0.0:6008"
"#;
const NATS: &str = r#"
[nats]
# Secret.
password = "built in"
"#;
const EMBEDDED: &str = "[embedded]\n# Where.\npath = \"data\"\n";

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Upstream {
    url: String,
    window: u16,
    tags: Vec<String>,
    #[serde(with = "humantime_serde")]
    pause: std::time::Duration,
    format: String,
    listen: std::net::SocketAddr,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nats {
    password: Secret,
}

macro_rules! section {
    ($section:ty, $name:literal, $text:expr) => {
        impl Section for $section {
            const FRAGMENT: Fragment = Fragment {
                section: $name,
                text: $text,
            };
        }
    };
}

section!(Upstream, "upstream", UPSTREAM);
section!(Nats, "nats", NATS);

crate::role! {
    struct Settings {
        upstream: Upstream,
        nats: Nats,
    }
}

const TREE: &[Fragment] = &[
    Upstream::FRAGMENT,
    Nats::FRAGMENT,
    Fragment {
        section: "embedded",
        text: EMBEDDED,
    },
];

fn load_with(file: &str, env: &[(&str, &str)], set: &[&str]) -> Result<Settings, ConfigError> {
    let mut on_disk = tempfile::NamedTempFile::new().unwrap();
    on_disk.write_all(file.as_bytes()).unwrap();
    let env: Vec<_> = env
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    let flags = Flags {
        config: Some(on_disk.path().to_owned()),
        set: set.iter().map(|&s| s.to_owned()).collect(),
        ..Flags::default()
    };
    load(Sources {
        tree: TREE,
        env: &env,
        flags: &flags,
    })
}

#[test]
fn later_sources_override_earlier_ones_key_by_key() {
    let settings = load_with(
        "[upstream]\nurl = \"wss://file\"\nwindow = 20\n",
        &[
            ("FANJET_UPSTREAM__WINDOW", "30"),
            ("FANJET_UPSTREAM__LISTEN", "127.0.0.1:1"),
            ("OTHER", "x"),
        ],
        &["upstream.listen=127.0.0.1:2", "upstream.window=40"],
    )
    .unwrap();
    assert_eq!(settings.upstream.url, "wss://file");
    assert_eq!(settings.upstream.window, 40);
    assert_eq!(settings.upstream.listen.port(), 2);
    assert_eq!(settings.upstream.tags, ["a"]);
    assert_eq!(settings.nats.password.expose(), "built in");
}

#[test]
fn errors_name_the_key_the_value_and_what_is_allowed() {
    for (file, env, set, parts) in [
        (
            "",
            vec![("FANJET_UPSTREAM__WINDOW", "many")],
            vec![],
            ["upstream.window", "\"many\"", "1 to 60_000"],
        ),
        (
            "",
            vec![],
            vec!["upstream.window=70000"],
            ["upstream.window", "70000", "1 to 60_000"],
        ),
        (
            "",
            vec![],
            vec!["upstream.windw=7"],
            ["upstream.windw", "windw", "`window`"],
        ),
        (
            "[upstreem]\nurl = \"x\"",
            vec![],
            vec![],
            ["upstreem", "unknown", "upstream, nats, embedded"],
        ),
        (
            "",
            vec![("FANJET_UPSTREAM__LISTEN", "nowhere")],
            vec![],
            ["upstream.listen", "nowhere", "socket address"],
        ),
        (
            "listen = ",
            vec![],
            vec![],
            ["cannot parse", "not TOML", "line 1 (`listen`)"],
        ),
        (
            "",
            vec![],
            vec!["upstream.pause=5"],
            ["upstream.pause", "\"5\"", "1ms to 1h, or 0s for never"],
        ),
        (
            "[upstream]\npause = 5",
            vec![],
            vec![],
            ["upstream.pause", "\"5\"", "such as 500ms"],
        ),
        (
            "",
            vec![],
            vec!["upstream.format=xml"],
            ["upstream.format", "\"xml\"", "\"text\" or \"json\""],
        ),
        (
            "",
            vec![],
            vec!["embedded.path=/there"],
            ["embedded", "other roles", "allowed: upstream, nats"],
        ),
        (
            "",
            vec![],
            vec!["listen"],
            ["--set listen", "cannot parse", "KEY=VALUE"],
        ),
    ] {
        let message = load_with(file, &env, &set).unwrap_err().to_string();
        for part in parts {
            assert!(message.contains(part), "{part:?} is not in {message:?}");
        }
    }
}

/// Several roles often share the environment of a pod or a shell.
#[test]
fn settings_of_other_roles_in_the_environment_are_ignored() {
    let env = [
        ("FANJET_EMBEDDED__PATH", "/there"),
        ("FANJET_UPSTREAM__WINDOW", "30"),
    ];
    assert_eq!(load_with("", &env, &[]).unwrap().upstream.window, 30);
    let file = "[embedded]\npath = \"/there\"\n[upstream]\nwindow = 20";
    assert_eq!(load_with(file, &[], &[]).unwrap().upstream.window, 20);
    for (file, env) in [
        ("", Some(("FANJET_EMBEDED__PATH", "/there"))),
        ("", Some(("FANJET_EMBEDDED_PATH", "/there"))),
        ("[embeded]\npath = \"/there\"", None),
    ] {
        let env: Vec<_> = env.into_iter().collect();
        let error = load_with(file, &env, &[]).unwrap_err().to_string();
        assert!(error.contains("an unknown section"), "{error}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let flags = Flags {
        config: Some("/nowhere/fanjet.toml".into()),
        ..Flags::default()
    };
    let error = load::<Settings>(Sources {
        tree: TREE,
        env: &[],
        flags: &flags,
    })
    .unwrap_err();
    assert!(error.to_string().contains("/nowhere/fanjet.toml"));
}

/// Errors end up in logs.
#[test]
fn an_error_contains_nothing_that_may_be_a_secret() {
    let secret = "hunter2";
    for (file, env, set, key) in [
        ("", Some("FANJET_NATS__PASWORD"), "", "nats.pasword"),
        ("", Some("FANJET_NATS_PASSWORD"), "", "nats_password"),
        ("", Some("FANJET_ADMIN_PASSWORD"), "", "admin_password"),
        ("", Some("FANJET_NAST__PASSWORD"), "", "nast"),
        ("[nats]\npasword = \"hunter2\"", None, "", "nats.pasword"),
        (
            "[nats]\npassword = [\"hunter2\"]",
            None,
            "",
            "nats.password",
        ),
        (
            "[nats]\npassword = \"hunter2",
            None,
            "",
            "line 2 (`password`)",
        ),
        (
            "[nats]\npassword = hunter2",
            None,
            "",
            "line 2 (`password`)",
        ),
        ("", Some("FANJET_NATS"), "", "nats: expected a section"),
        ("nats = \"hunter2\"", None, "", "such as nats.KEY"),
        ("", None, "nats=hunter2", "such as nats.KEY"),
        ("", None, "nats.pasword=hunter2", "nats.pasword"),
        ("", None, "nats.password:hunter2", "--set nats.password"),
        ("", None, "nats.pass word=hunter2", "--set nats.pass"),
    ] {
        let env: Vec<_> = env.iter().map(|&name| (name, secret)).collect();
        let set: Vec<_> = Some(set)
            .filter(|set| !set.is_empty())
            .into_iter()
            .collect();
        let error = load_with(file, &env, &set).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains(key), "{key:?} is not in {text:?}");
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn secrets_are_never_shown() {
    let settings = load_with("", &[("FANJET_NATS__PASSWORD", "0077")], &[]).unwrap();
    assert_eq!(settings.nats.password.expose(), "0077");
    assert!(!format!("{settings:?}").contains("0077"));
}
