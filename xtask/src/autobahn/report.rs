//! What the suite found, case by case.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Cases where the edge does what RFC 6455 allows and the suite does not expect.
const KNOWN: &[(&str, &str)] = &[(
    "2.10",
    "of ten pings at once the edge answers only the newest, as RFC 6455 section 5.5.3 allows",
)];

/// All cases that were run.
pub(super) struct Report {
    cases: Vec<Case>,
}

struct Case {
    /// `6.4.1`, as numbers.
    id: Vec<u32>,
    name: String,
    /// Whether it can be passed without an echo.
    applies: bool,
    behavior: String,
    close_code: Option<u64>,
}

impl Report {
    pub(super) fn read(folder: &Path, agent: &str) -> Result<Self> {
        let index = read(&folder.join("index.json"))?;
        let results = index[agent].as_object().context("no results")?;
        let mut cases = Vec::with_capacity(results.len());
        for (name, result) in results {
            let file = result["reportfile"].as_str().context("no report")?;
            cases.push(Case::new(name, result, &read(&folder.join(file))?)?);
        }
        cases.sort_by(|a, b| a.id.cmp(&b.id));
        ensure!(
            cases.iter().any(|case| case.applies),
            "no case of the suite was run"
        );
        Ok(Self { cases })
    }

    /// Applicable cases that failed without an explanation.
    pub(super) fn failures(&self) -> Vec<&str> {
        let failed = self.applicable().filter(|case| !case.has_passed());
        let unknown = failed.filter(|case| case.explanation().is_none());
        unknown.map(|case| case.name.as_str()).collect()
    }

    pub(super) fn summary(&self) -> String {
        let count = |behavior: &str| {
            let cases = self.applicable().filter(|case| case.behavior == behavior);
            cases.count()
        };
        format!(
            "{} of {} cases apply: {} OK, {} non-strict, {} informational, {} failed",
            self.applicable().count(),
            self.cases.len(),
            count("OK"),
            count("NON-STRICT"),
            count("INFORMATIONAL"),
            count("FAILED"),
        )
    }

    /// The page of the documentation.
    pub(super) fn page(&self) -> String {
        let mut rows = BTreeMap::<(&str, String), Vec<&str>>::new();
        for case in self.applicable() {
            let code = case
                .close_code
                .map_or("none".to_owned(), |code| code.to_string());
            let row = rows.entry((case.behavior.as_str(), code)).or_default();
            row.push(&case.name);
        }
        let rows = rows.into_iter().map(|((behavior, code), cases)| {
            let (behavior, cases) = (behavior.to_lowercase(), cases.join(", "));
            format!("| {behavior} | {code} | {cases} |\n")
        });
        let rows: String = rows.collect();
        let known = self.applicable().filter_map(|case| {
            let why = case.explanation()?;
            Some(format!("Case {} fails because {why}.\n", case.name))
        });
        let known: String = known.collect();
        let summary = self.summary();
        format!(
            "{INTRODUCTION}{summary}.\n\n\
             | result | close code | cases |\n|---|---|---|\n{rows}\n{known}"
        )
    }

    fn applicable(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter(|case| case.applies)
    }
}

impl Case {
    fn new(name: &str, result: &Value, report: &Value) -> Result<Self> {
        let id = name.split('.').map(str::parse).collect::<Result<_, _>>()?;
        let expected = report["expected"]["OK"].as_array();
        let mut events = expected.into_iter().flatten();
        Ok(Self {
            id,
            name: name.to_owned(),
            applies: events.all(|event| event[0] != "message"),
            behavior: result["behavior"]
                .as_str()
                .context("no behavior")?
                .to_owned(),
            close_code: result["remoteCloseCode"].as_u64(),
        })
    }

    fn has_passed(&self) -> bool {
        ["OK", "NON-STRICT", "INFORMATIONAL"].contains(&self.behavior.as_str())
    }

    fn explanation(&self) -> Option<&'static str> {
        let known = KNOWN.iter().find(|(name, _)| *name == self.name);
        known.filter(|_| !self.has_passed()).map(|(_, why)| *why)
    }
}

const INTRODUCTION: &str = "# Autobahn testsuite

Written by `cargo xtask autobahn`, which runs the client of the Autobahn testsuite 0.8.2 against an edge, cases 2 to 7. It
needs Python 2.7, for which the suite is written. The suite is made for servers that echo; a case applies here
when what it expects holds no echo. Cases 1, 9 and 10 all wait for one, 12 and 13 for compression by extension, which no edge agrees
to. Text that is not JSON ends a connection with 1007 in any case, so that cases 6 show that ill-formed UTF-8 does the same, and
well-formed text in fragments is left to our own tests. Non-strict are those where the edge reads ill-formed text to the end
of its message, instead of failing at the first bad byte. Another client stayed connected meanwhile and was served behind it.

";

fn read(file: &Path) -> Result<Value> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    // What was received is quoted with halves of surrogate pairs, which are no text.
    let text = text.replace("\\ud", "\\\\ud");
    Ok(serde_json::from_str(&text)?)
}
