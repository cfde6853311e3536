//! Targets and measured values.

use serde::Serialize;

use super::table::figure;

/// One target.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Target {
    what: String,
    wanted: f64,
    is_floor: bool,
    /// NaN: not measured here.
    measured: f64,
    remark: String,
}

impl Target {
    pub(super) fn at_least(what: &str, wanted: f64, measured: f64) -> Self {
        Self {
            what: what.to_owned(),
            wanted,
            is_floor: true,
            measured,
            remark: String::new(),
        }
    }

    pub(super) fn at_most(what: &str, wanted: f64, measured: f64) -> Self {
        let is_floor = false;
        Self {
            is_floor,
            ..Self::at_least(what, wanted, measured)
        }
    }

    /// The reliability of the value, or the command that measures it.
    pub(super) fn remarked(self, remark: String) -> Self {
        Self { remark, ..self }
    }

    /// A row of the table.
    pub(super) fn cells(&self) -> [String; 5] {
        let sign = if self.is_floor { ">=" } else { "<=" };
        [
            self.what.clone(),
            format!("{sign} {}", figure(self.wanted)),
            figure(self.measured),
            self.met(),
            self.remark.clone(),
        ]
    }

    /// Otherwise by which factor it is missed.
    fn met(&self) -> String {
        let factor = match self.is_floor {
            true => self.wanted / self.measured,
            false => self.measured / self.wanted,
        };
        match factor {
            unknown if unknown.is_nan() && self.measured.is_nan() => String::new(),
            missed if missed > 1.0 => format!("no: missed by a factor of {missed:.2}"),
            _ => "yes".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_met_from_their_side() {
        for (target, met) in [
            (Target::at_least("x", 10.0, 10.0), "yes"),
            (
                Target::at_least("x", 10.0, 8.0),
                "no: missed by a factor of 1.25",
            ),
            (Target::at_most("x", 10.0, 9.0), "yes"),
            (
                Target::at_most("x", 10.0, 12.0),
                "no: missed by a factor of 1.20",
            ),
            (Target::at_most("x", 0.0, 0.0), "yes"),
            (Target::at_most("x", 64.0, -3.0), "yes"),
            (Target::at_least("x", 10.0, f64::NAN), ""),
        ] {
            assert_eq!(target.met(), met, "{target:?}");
        }
    }
}
