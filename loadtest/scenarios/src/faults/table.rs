//! The promises of `docs/operate/faults.md`: one row per fault, read from the page itself, so that page and tests
//! cannot disagree.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

use super::probe::{NO_LISTENER, ProbeResponse};

/// The page.
pub(super) const PAGE: &str = include_str!("../../../../docs/operate/faults.md");

/// The effects of one fault on the programs and their clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) name: String,
    /// The responses of `/readyz` during the fault, by program; a single program has no name.
    ready: Vec<(Option<String>, Vec<Readiness>)>,
    /// What happens to live clients.
    pub(super) live: Fate,
    /// What happens to clients that connect during the fault and read the log from the start.
    pub(super) replaying: Fate,
    /// Metrics that rise.
    pub(super) metrics: Vec<String>,
    pub(super) afterwards: Afterwards,
}

/// One allowed response of `/readyz`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Readiness {
    Ready,
    /// None: no process listens yet.
    NotListening,
    /// It waits for this part, and for no other that is not another alternative; the reason contains the text.
    Waits {
        part: String,
        reason: String,
    },
}

/// What happens to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// It stays connected, and gets all events.
    Served,
    /// Closed with a code and a reason that contains the text.
    Closed { code: u16, reason: String },
    /// Rejected: HTTP status and a part of the response.
    Refused { status: u16, reason: String },
}

/// What follows the end of the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Afterwards {
    /// Ready, and every client has every event once and in order.
    NothingLost,
    /// The fault is permanent: the behavior during the fault continues.
    AsBefore,
}

/// All rows of the page, in its order.
pub(super) fn rows(page: &str) -> Result<Vec<Row>> {
    let lines = page.lines().filter(|line| line.starts_with("| `"));
    let rows: Vec<_> = lines
        .map(|line| row(line).with_context(|| format!("docs/operate/faults.md: {line}")))
        .collect::<Result<_>>()?;
    let mut seen = BTreeMap::new();
    for row in &rows {
        let before = seen.insert(&row.name, row);
        ensure!(
            before.is_none(),
            "docs/operate/faults.md: {} has two rows",
            row.name
        );
    }
    Ok(rows)
}

fn row(line: &str) -> Result<Row> {
    let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [name, what, ready, live, replaying, rising, afterwards] = cells[..] else {
        bail!("a row needs seven cells");
    };
    ensure!(!what.is_empty(), "the fault is not described");
    Ok(Row {
        name: unquoted(name, '`')?.to_owned(),
        ready: ready.split("; ").map(program).collect::<Result<_>>()?,
        live: fate(live)?,
        replaying: fate(replaying)?,
        metrics: metrics(rising)?,
        afterwards: match afterwards {
            "200, nothing lost" => Afterwards::NothingLost,
            "as meanwhile" => Afterwards::AsBefore,
            other => bail!("unknown end {other:?}"),
        },
    })
}

/// As in ``ingest 200 or 503 `upstream` ``.
fn program(cell: &str) -> Result<(Option<String>, Vec<Readiness>)> {
    let is_status = cell.starts_with(|first: char| first.is_ascii_digit());
    let (name, answers) = match cell.split_once(' ') {
        Some((name, answers)) if !is_status => (Some(name.to_owned()), answers),
        _ => (None, cell),
    };
    let answers = answers.split(" or ").map(readiness);
    Ok((name, answers.collect::<Result<_>>()?))
}

/// `200`, `no answer`, or ``503 `part` `` with or without `"reason"`.
fn readiness(cell: &str) -> Result<Readiness> {
    match cell {
        "200" => return Ok(Readiness::Ready),
        "no answer" => return Ok(Readiness::NotListening),
        _ => {}
    }
    let waits = cell.strip_prefix("503 ");
    let waits = waits.with_context(|| format!("{cell:?} is neither 200 nor 503 with a part"))?;
    let (part, reason) = waits.split_once(' ').unwrap_or((waits, "\"\""));
    Ok(Readiness::Waits {
        part: unquoted(part, '`')?.to_owned(),
        reason: unquoted(reason, '"')?.to_owned(),
    })
}

/// `served`, or a close code or an HTTP status with `"reason"`.
fn fate(cell: &str) -> Result<Fate> {
    if cell == "served" {
        return Ok(Fate::Served);
    }
    let (code, reason) = cell
        .split_once(' ')
        .with_context(|| format!("{cell:?} is neither served nor a code with a reason"))?;
    let (code, reason) = (code.parse()?, unquoted(reason, '"')?.to_owned());
    Ok(match code {
        1000.. => Fate::Closed { code, reason },
        status => Fate::Refused { status, reason },
    })
}

/// `-`, or names in backticks separated by commas.
fn metrics(cell: &str) -> Result<Vec<String>> {
    if cell == "-" {
        return Ok(Vec::new());
    }
    let names = cell.split(", ").map(|name| unquoted(name, '`'));
    names.map(|name| Ok(name?.to_owned())).collect()
}

fn unquoted(text: &str, quote: char) -> Result<&str> {
    let inner = text.strip_prefix(quote);
    inner
        .and_then(|inner| inner.strip_suffix(quote))
        .with_context(|| format!("{text:?} must be between two {quote}"))
}

impl Row {
    /// Whether a program may respond like this.
    ///
    /// # Errors
    /// When the row does not mention the program.
    pub(super) fn allows(&self, program: &str, answer: &ProbeResponse) -> Result<bool> {
        let mut said = self.ready.iter();
        let said = said.find(|(name, _)| name.as_deref().is_none_or(|name| name == program));
        let (_, allowed) =
            said.with_context(|| format!("the row {} does not mention {program}", self.name))?;
        Ok(match answer.status {
            200 => allowed.contains(&Readiness::Ready),
            NO_LISTENER => allowed.contains(&Readiness::NotListening),
            503 => {
                let is_named = |(part, reason): (&String, &String)| {
                    allowed.iter().any(|allowed| match allowed {
                        Readiness::Waits {
                            part: named,
                            reason: text,
                        } => named == part && reason.contains(text),
                        Readiness::Ready | Readiness::NotListening => false,
                    })
                };
                !answer.missing.is_empty() && answer.missing.iter().all(is_named)
            }
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests;
