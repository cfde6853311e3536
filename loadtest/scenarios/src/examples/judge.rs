//! Compares what an example printed with what was published.

use std::collections::BTreeMap;

use fanjet_oracle::{Verdict, compare, time_us};

/// The result of one example.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    /// Number of processes.
    pub(super) lives: usize,
    /// Events that were printed again after a fault.
    pub(super) repeated: usize,
}

/// Judges a subscriber: every event once, in order. A new process may begin with the last event of the one before.
pub(super) fn judge_stream(wanted: &[&str], lives: &[Vec<String>]) -> Judged {
    let mut judged = Judged {
        lives: lives.len(),
        ..Judged::default()
    };
    let mut all: Vec<&str> = Vec::new();
    for life in lives {
        let again = match (all.last(), life.first()) {
            (Some(last), Some(first)) => *last == first.as_str(),
            _ => false,
        };
        judged.repeated += usize::from(again);
        all.extend(life.iter().skip(usize::from(again)).map(String::as_str));
    }
    hold(&mut judged.verdict, wanted, &all);
    judged
}

/// Judges a reader of NATS, whose lines are a seq, a tab and an event. Every event must have exactly one seq. The first process of
/// an unshared consumer must print them once and in order; after a fault events may be repeated and late.
pub(super) fn judge_log(wanted: &[&str], lives: &[Vec<String>], is_shared: bool) -> Judged {
    let mut judged = Judged {
        lives: lives.len(),
        ..Judged::default()
    };
    let verdict = &mut judged.verdict;
    let mut by_seq = BTreeMap::new();
    let mut highest = 0;
    for (number, life) in lives.iter().enumerate() {
        for line in life {
            let Some((seq, json)) = line.split_once('\t') else {
                verdict.object(|| format!("a line without a tab: {line}"));
                continue;
            };
            let Ok(seq) = seq.parse::<u64>() else {
                verdict.object(|| format!("a line without a seq: {line}"));
                continue;
            };
            if number == 0 && !is_shared && seq <= highest {
                verdict.reordered += 1;
                verdict.object(|| format!("seq {seq} after {highest}, before any fault"));
            }
            highest = highest.max(seq);
            match by_seq.insert(seq, json) {
                Some(other) if other == json => judged.repeated += 1,
                Some(other) => {
                    verdict.differ += 1;
                    verdict.object(|| format!("seq {seq} is two events: {other} and {json}"));
                }
                None => {}
            }
        }
    }
    let all: Vec<_> = by_seq.into_values().collect();
    hold(&mut judged.verdict, wanted, &all);
    judged
}

/// Compares two lists of events, up to the first difference.
fn hold(verdict: &mut Verdict, wanted: &[&str], printed: &[&str]) {
    verdict.events += printed.len() as u64;
    let mut last = 0;
    for (wanted, printed) in wanted.iter().zip(printed) {
        if let Err(error) = compare(wanted, printed) {
            verdict.differ += 1;
            verdict.object(|| format!("{error:#}"));
            return;
        }
        let time = time_us(printed).unwrap_or_default();
        if time <= last {
            verdict.reordered += 1;
            verdict.object(|| format!("time_us {time} after {last}"));
        }
        last = time;
    }
    let (wanted, printed) = (wanted.len() as u64, printed.len() as u64);
    verdict.missing += wanted.saturating_sub(printed);
    verdict.repeated += printed.saturating_sub(wanted);
    if wanted != printed {
        verdict.object(|| format!("{printed} events of {wanted}"));
    }
}

#[cfg(test)]
mod tests;
