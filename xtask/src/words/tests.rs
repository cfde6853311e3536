use super::*;

const STYLE: &str = "\
# Style

## Names that must not return

| old | new |
|---|---|
| `Keeper`, `start_deaf` | `StatusSampler`, `start_send_only` |
| account (of what a test expects) | expected |

## Words that must not return

| old | new |
|---|---|
| `told` | is notified |
| `passed over`, `of late` | skipped; recently |

## Before and after

| `never read` | x |
";

fn found(text: &str) -> Vec<(usize, String)> {
    let findings = scan::all(&Rules::read(STYLE).unwrap(), text, true);
    findings
        .into_iter()
        .map(|finding| (finding.line, finding.word))
        .collect()
}

fn one(line: usize, word: &str) -> Vec<(usize, String)> {
    vec![(line, word.to_owned())]
}

#[test]
fn a_planted_name_fails() {
    assert_eq!(
        found("use a::B;\n\npub(crate) struct Keeper<T>(T);"),
        one(3, "Keeper")
    );
    assert_eq!(
        found("impl A {\n    pub async fn start_deaf(&self) {}\n}"),
        one(2, "start_deaf")
    );
    assert_eq!(found("use a::Sampler as Keeper;"), one(1, "Keeper"));
    assert_eq!(
        found("pub struct StatusKeeper;\nfn f(_: other::Keeper) {}"),
        []
    );
    assert_eq!(
        found("/// As struct Keeper in prose.\nlet keeper = \"struct Keeper\";"),
        []
    );
}

#[test]
fn a_planted_sentence_fails() {
    assert_eq!(
        found("warn!(\n    \"an event was passed over\"\n);"),
        one(2, "passed over")
    );
    assert_eq!(
        found("/// It was passed\n    /// over, of\n/// late."),
        [(1, "passed over".to_owned()), (2, "of late".to_owned())]
    );
    assert_eq!(found("# Told the cluster\nlimit = 1"), one(1, "told"));
    assert_eq!(found("let is_told = true;"), one(1, "told"));
    assert_eq!(
        found("enum E { PassedOver, HTTPTold }"),
        [(1, "passed over".to_owned()), (1, "told".to_owned())]
    );
    assert_eq!(
        found("It passed. Over there; untoldable, passed(over), of: late"),
        []
    );
}

#[test]
fn a_finding_names_the_file_the_line_and_what_to_write() {
    let rules = Rules::read(STYLE).unwrap();
    let finding = scan::all(&rules, "\nIt is told.", false).remove(0);
    let findings = [("shared/a/src/b.rs".to_owned(), finding)];
    assert_eq!(
        complaints(&findings, &[], &[]),
        ["shared/a/src/b.rs:2: `told`: write is notified"]
    );
}

#[test]
fn exceptions_and_folders_hold_only_below_their_path_and_must_be_needed() {
    let finding = |word: &str| Finding {
        line: 1,
        word: word.to_owned(),
        instead: String::new(),
    };
    let findings = [
        ("shared/a/src/b.rs".to_owned(), finding("told")),
        ("shared/ab/src/b.rs".to_owned(), finding("told")),
        ("shared/c/src/b.rs".to_owned(), finding("of late")),
    ];
    let entry = |path, word| Allowed {
        path,
        word,
        reason: "",
    };
    let of = |allowed: &[Allowed], folders: &[&str]| complaints(&findings, allowed, folders).len();
    assert_eq!(of(&[], &[]), 3);
    assert_eq!(of(&[entry("shared/a", "told")], &[]), 2);
    assert_eq!(
        of(&[entry("shared/a", "of late")], &[]),
        4,
        "it matches nothing"
    );
    assert_eq!(
        of(&[entry("shared/a", "told")], &["shared/ab", "shared/c"]),
        0
    );
    assert_eq!(
        of(
            &[entry("shared/a", "told")],
            &["shared/a", "shared/ab", "shared/c"]
        ),
        1
    );
    assert_eq!(of(&[], &["shared", "docs"]), 1, "docs is clean");
}

#[test]
fn the_style_page_has_its_tables() {
    let page = fs::read_to_string(root().join(PAGE)).unwrap();
    let rules = Rules::read(&page).unwrap();
    assert!(
        rules.names.len() >= 40 && rules.words.len() >= 25,
        "{rules:?}"
    );
    assert!(Rules::read("# Style").is_err());
}
