//! What the suite found, case by case.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Cases that are not judged: the suite wants an answer to each of ten pings at once.
const NOT_JUDGED: [&str; 2] = ["2.10", "2.11"];
const WHY_NOT: &str = "Not judged are 2.10 and 2.11, which want an answer to each of ten pings at once: the edge may \
                       answer the newest only, as RFC 6455 section 5.5.3 allows.";

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

    /// Cases that failed.
    pub(super) fn failures(&self) -> Vec<&str> {
        let failed = self.judged().filter(|case| !case.has_passed());
        failed.map(|case| case.name.as_str()).collect()
    }

    pub(super) fn summary(&self) -> String {
        let count = |behavior: &str| {
            let cases = self.judged().filter(|case| case.behavior == behavior);
            cases.count()
        };
        format!(
            "{} of {} cases apply and are judged: {} OK, {} non-strict, {} informational, {} failed",
            self.judged().count(),
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
        for case in self.judged() {
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
        let summary = self.summary();
        format!(
            "{INTRODUCTION}{summary}.\n\n\
             | result | close code | cases |\n|---|---|---|\n{rows}\n{WHY_NOT}\n"
        )
    }

    fn judged(&self) -> impl Iterator<Item = &Case> {
        let applicable = self.cases.iter().filter(|case| case.applies);
        applicable.filter(|case| !NOT_JUDGED.contains(&case.name.as_str()))
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
