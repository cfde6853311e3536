use super::*;

const LINE: &str = "| `full` | no room | ingest 200 or 503 `log` \"not writable\"; edge 200 | served | 1011 \"damaged\" | `a_total`, `b{c=\"d\"}` | 200, nothing lost |";

fn answer(status: u16, missing: &[(&str, &str)]) -> ProbeResponse {
    let missing = missing
        .iter()
        .map(|(part, reason)| ((*part).to_owned(), (*reason).to_owned()));
    ProbeResponse {
        status,
        missing: missing.collect(),
        is_standby: false,
    }
}

#[test]
fn a_row_is_read_from_the_page() {
    let page = format!("# Faults\n\n| fault | |\n|---|---|\n{LINE}\n");
    let [row] = &rows(&page).unwrap()[..] else {
        panic!("one row");
    };
    assert_eq!(row.name, "full");
    assert_eq!(row.live, Fate::Served);
    let reason = "damaged".to_owned();
    assert_eq!(row.replaying, Fate::Closed { code: 1011, reason });
    assert_eq!(row.metrics, ["a_total", "b{c=\"d\"}"]);
    assert_eq!(row.afterwards, Afterwards::NothingLost);

    let allows = |program, answer| row.allows(program, &answer).unwrap();
    assert!(allows("ingest", answer(200, &[])));
    assert!(allows(
        "ingest",
        answer(503, &[("log", "not writable: full")])
    ));
    assert!(!allows("ingest", answer(503, &[("log", "no answer")])));
    assert!(!allows(
        "ingest",
        answer(503, &[("upstream", "not writable")])
    ));
    let both = [("log", "not writable"), ("upstream", "away")];
    assert!(!allows("ingest", answer(503, &both)));
    assert!(!allows("ingest", answer(503, &[])));
    assert!(!allows("ingest", answer(500, &[])));
    assert!(allows("edge", answer(200, &[])));
    assert!(!allows("edge", answer(503, &[("log", "not writable")])));
    assert!(!allows("edge", answer(NO_LISTENER, &[])));
    row.allows("kafka", &answer(200, &[])).unwrap_err();
}

#[test]
fn a_row_that_says_something_else_is_refused() {
    rows(LINE).unwrap();
    rows(&format!("{LINE}\n{LINE}")).unwrap_err();
    for (good, bad) in [
        ("no room", ""),
        ("503 `log`", "503 log"),
        ("503 `log`", "404 `log`"),
        ("| served |", "| stays |"),
        ("| served |", "| served | served |"),
        ("1011 \"damaged\"", "1011 damaged"),
        ("`a_total`", "a_total"),
        ("200, nothing lost", "200"),
    ] {
        let line = LINE.replace(good, bad);
        assert_ne!(line, LINE, "{good}");
        rows(&line).unwrap_err();
    }
}

#[test]
fn the_page_can_be_read() {
    assert!(rows(PAGE).unwrap().len() > 20);
}
