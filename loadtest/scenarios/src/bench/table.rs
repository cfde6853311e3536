//! Figures as Markdown.

use std::fmt::{self, Write};

/// A table that prints as Markdown.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(head: &[&str]) -> Self {
        Self {
            head: head.iter().map(ToString::to_string).collect(),
            rows: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |cells: &[String]| {
            cells.iter().fold("|".to_owned(), |mut line, cell| {
                let _infallible = write!(line, " {cell} |");
                line
            })
        };
        writeln!(f, "{}", line(&self.head))?;
        writeln!(f, "|{}", "---|".repeat(self.head.len()))?;
        for row in &self.rows {
            writeln!(f, "{}", line(row))?;
        }
        Ok(())
    }
}

/// With significant digits only.
pub(super) fn figure(value: f64) -> String {
    match value.abs() {
        _ if !value.is_finite() => "-".to_owned(),
        big if big >= 1e6 => format!("{:.2} M", value / 1e6),
        big if big >= 1e4 => format!("{:.1} k", value / 1e3),
        big if big >= 100.0 => format!("{value:.0}"),
        big if big >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_figures() {
        let mut table = Table::new(&["what", "is"]);
        table.row(["x".to_owned(), figure(0.386)]);
        assert_eq!(
            table.to_string(),
            "| what | is |\n|---|---|\n| x | 0.39 |\n"
        );
        let figures = [1_620_000.0, 65_400.0, 512.4, 27.35, f64::INFINITY].map(figure);
        assert_eq!(figures, ["1.62 M", "65.4 k", "512", "27.4", "-"]);
    }
}
