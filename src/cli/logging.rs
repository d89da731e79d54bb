//! The log on standard error: text for people, or one JSON object a line for collectors. Neither contains raw control
//! characters or those that change the direction of text: a message may quote what an upstream sent.

use super::plain::{LogLines, harmless_json};
use super::terminal::When;
use crate::clock::{Clock, SystemClock};
use crate::config::LogFormat;
use serde_json::{Map, Value};
use std::fmt;
use std::io;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Starts the log of the process. `HITRATE_LOG` decides what is logged.
pub fn init(format: LogFormat, colour: When) {
    let filter =
        EnvFilter::try_from_env("HITRATE_LOG").unwrap_or_else(|_| EnvFilter::new("hitrate=info,warn"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter);
    match format {
        LogFormat::Text => {
            let colour = colour.on_standard_error();
            builder.with_writer(|| LogLines(io::stderr())).with_ansi(colour).with_target(false).init();
        }
        LogFormat::Json => builder
            .with_writer(io::stderr)
            .fmt_fields(JsonFields::new())
            .event_format(JsonLine(|| SystemClock.now()))
            .init(),
    }
}

/// Writes the error that ends the process as the last line of a log in JSON, whatever `HITRATE_LOG` filters.
pub fn last_error(words: &str) {
    let line = serde_json::json!({
        "time": SystemClock.now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        "level": "ERROR",
        "message": words,
    });
    eprintln!("{}", harmless_json(&line.to_string()));
}

/// An event as one JSON object: `time`, `level`, `message`, the fields of its spans (such as `run_id`), and its own fields.
struct JsonLine<T>(T);

impl<S, N, T> FormatEvent<S, N> for JsonLine<T>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
    T: Fn() -> chrono::DateTime<chrono::Utc> + Send + Sync + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        // From the outermost span on, so that the innermost one counts, and then the event.
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            let extensions = span.extensions();
            let formatted = extensions.get::<FormattedFields<N>>().map(|fields| fields.fields.as_str());
            if let Some(Ok(Value::Object(of_span))) = formatted.map(serde_json::from_str) {
                fields.0.extend(of_span);
            }
        }
        event.record(&mut fields);
        let time = (self.0)().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        let mut line = Map::from_iter([
            ("time".to_owned(), time.into()),
            ("level".to_owned(), event.metadata().level().as_str().into()),
            ("message".to_owned(), fields.0.remove("message").unwrap_or_else(|| "".into())),
        ]);
        // No field replaces one of these three.
        for (name, value) in fields.0 {
            line.entry(name).or_insert(value);
        }
        writeln!(writer, "{}", harmless_json(&Value::Object(line).to_string()))
    }
}

/// The fields of an event as JSON values.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn add(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().trim_start_matches("r#").to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.add(field, value.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::fmt::MakeWriter;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Kept {
        type Writer = Self;
        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn a_line_has_no_character_that_a_terminal_obeys_and_its_values_are_the_same() {
        let kept = Kept::default();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(kept.clone())
            .fmt_fields(JsonFields::new())
            .event_format(JsonLine(|| chrono::DateTime::UNIX_EPOCH))
            .finish();
        let name = "a\u{1b}[2J\u{7f}\u{9b}31m\u{200e}\u{2028}\u{202e}\u{2066}\u{2069} ü 🧪 \\ \"";
        tracing::subscriber::with_default(subscriber, || {
            tracing::info_span!("run", model = name).in_scope(|| tracing::warn!(name, "{name}"));
        });
        let text = String::from_utf8(kept.0.lock().expect("not poisoned").clone()).expect("UTF-8");
        let line = text.strip_suffix('\n').expect("one line");
        assert_eq!(super::super::plain::one_line(line), line, "nothing to replace");
        assert!(line.contains("\\u007f\\u009b31m") && line.contains("ü 🧪"), "{line}");
        let object: Value = serde_json::from_str(line).expect("JSON");
        for field in ["message", "name", "model"] {
            assert_eq!(object[field], name, "{field}");
        }
    }

    #[test]
    fn each_line_is_one_object_with_the_id_of_its_run() {
        let kept = Kept::default();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(kept.clone())
            .fmt_fields(JsonFields::new())
            .event_format(JsonLine(|| chrono::DateTime::UNIX_EPOCH))
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("run", run_id = tracing::field::Empty);
            span.record("run_id", "20260801T005700Z");
            span.in_scope(|| {
                let error = io::Error::other("the disk is\nfull");
                tracing::error!(%error, requests = 7, level = "forged", "cannot store");
            });
            tracing::info!("outside");
        });
        let text = String::from_utf8(kept.0.lock().expect("not poisoned").clone()).expect("UTF-8");
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert_eq!(
            lines[0],
            serde_json::json!({
                "time": "1970-01-01T00:00:00.000000Z", "level": "ERROR", "message": "cannot store",
                "run_id": "20260801T005700Z", "error": "the disk is\nfull", "requests": 7
            })
        );
        assert_eq!(lines[1].get("run_id"), None);
    }
}
