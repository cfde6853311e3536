//! Formats an event as a line, for every process and both formats.
//!
//! Values may be untrusted: a line shows each as one value of one field, whatever it contains.

use std::fmt::{self, Debug, Display};
use std::time::Instant;

use fanjet_output::Line;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_log::NormalizeEvent;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::limit::{CallSite, Limiter};
use super::lost;
use crate::LogFormat;

/// The key of the message, which may also be a field's name.
const MESSAGE: &str = "message";
/// The fixed parts of a line.
const OWN: [&str; 4] = ["timestamp", "level", "target", "suppressed"];

/// Writes the lines that pass the limit.
#[derive(Debug)]
pub(super) struct Lines {
    format: LogFormat,
    limiter: Limiter,
}

impl Lines {
    pub(super) fn new(format: LogFormat) -> Self {
        Self {
            format,
            limiter: Limiter::default(),
        }
    }
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _spans: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let normalized = event.normalized_metadata();
        let metadata = normalized.as_ref().unwrap_or_else(|| event.metadata());
        let suppressed =
            match CallSite::of(metadata).map(|place| self.limiter.admit(place, Instant::now())) {
                None => 0,
                Some(Some(suppressed)) => suppressed,
                // Empty fields are not written.
                Some(None) => {
                    lost::count_suppressed();
                    return Ok(());
                }
            };
        let mut fields = Fields {
            line: begin(self.format, metadata, writer.has_ansi_escapes())?,
            format: self.format,
            names: Vec::new(),
        };
        event.record(&mut fields);
        if suppressed > 0 {
            fields.own_value("suppressed", suppressed);
        }
        if self.format == LogFormat::Json {
            fields.line.own("}");
        }
        writer.write_str(&fields.line.end())
    }
}

fn begin(
    format: LogFormat,
    metadata: &Metadata<'_>,
    with_colours: bool,
) -> Result<Line, fmt::Error> {
    let mut now = String::new();
    SystemTime.format_time(&mut Writer::new(&mut now))?;
    let (level, target) = (metadata.level(), metadata.target());
    let mut line = Line::default();
    match format {
        LogFormat::Text if with_colours => {
            let colour = colour(level);
            line.own(&format!(
                "\u{1b}[2m{now}\u{1b}[0m \u{1b}[{colour}m{level:>5}\u{1b}[0m \u{1b}[2m"
            ));
            line.words(target);
            line.own(":\u{1b}[0m");
        }
        LogFormat::Text => {
            line.own(&format!("{now} {level:>5} "));
            line.words(target);
            line.own(":");
        }
        LogFormat::Json => {
            line.own(&format!(
                "{{\"timestamp\":\"{now}\",\"level\":\"{level}\",\"target\":"
            ));
            line.quoted(target);
        }
    }
    Ok(line)
}

/// ANSI color codes.
fn colour(level: &Level) -> u8 {
    match *level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 34,
        Level::TRACE => 35,
    }
}

struct Fields {
    line: Line,
    format: LogFormat,
    /// Keys of this line so far. JSON with a duplicate key is ambiguous.
    names: Vec<&'static str>,
}

impl Fields {
    /// Writes the key and the separator, if there is room.
    fn begin(&mut self, name: &'static str) -> bool {
        if self.line.is_full() || name.starts_with("log.") {
            return false;
        }
        let is_taken = OWN.contains(&name) || self.names.contains(&name);
        let again = if is_taken { "_" } else { "" };
        self.names.push(name);
        match self.format {
            LogFormat::Text if name == MESSAGE && !is_taken => self.line.own(" "),
            LogFormat::Text => self.line.own(&format!(" {name}{again}=")),
            LogFormat::Json => self.line.own(&format!(",\"{name}{again}\":")),
        }
        true
    }

    /// A number or a boolean, which needs no quotes.
    fn plain(&mut self, field: &Field, value: impl Display) {
        if self.begin(field.name()) {
            self.line.words(value);
        }
    }

    fn own_value(&mut self, name: &str, value: impl Display) {
        match self.format {
            LogFormat::Text => self.line.own(&format!(" {name}={value}")),
            LogFormat::Json => self.line.own(&format!(",\"{name}\":{value}")),
        }
    }

    fn text(&mut self, field: &Field, is_text: bool, words: impl Display) {
        let is_message = field.name() == MESSAGE && !self.names.contains(&MESSAGE);
        if !self.begin(field.name()) {
            return;
        }
        match self.format {
            LogFormat::Text if is_message => self.line.words(words),
            LogFormat::Text if !is_text => self.line.value(words),
            LogFormat::Text | LogFormat::Json => self.line.quoted(words),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, false, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, true, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.plain(field, value);
        } else {
            self.text(field, true, value);
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
