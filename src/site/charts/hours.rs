//! Hourly hit rates of one endpoint as a heat map: one row per UTC day, with its hours from left to right. A rate is
//! drawn from its actual start to its actual end; time without a rate stays hatched.

use super::TableRow;
use crate::domain::hourly::Stretch;
use crate::domain::window::midnight;
use crate::site::parts::{assets, format, link};
use crate::snapshot::{Endpoint, HourlyRates, ModelEntry};
use askama::Template;
use askama::filters::HtmlSafe;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use std::fmt::Write;

/// Maximum number of maps on a model's page; the page links to the others.
const MAPS: usize = 6;
/// Steps of the colour scale, each a tenth of the range of the hit rate.
const STEPS: usize = 10;

const LEFT: f64 = 46.0;
const HOUR: f64 = 12.0;
const RIGHT: f64 = LEFT + 24.0 * HOUR;
const TOP: f64 = 6.0;
const ROW: f64 = 15.0;
/// Distance between the lines of the hatching.
const HATCH: f64 = 5.0;
/// Height below the rows, for the hours and the legend.
const FOOT: f64 = 58.0;
/// Number of characters that fit above the drawing.
const HEAD_CHARS: usize = 42;
/// An hour in the table shows a rate only if the rate covers at least this much of it.
const COVERS: Duration = Duration::minutes(30);

/// A label at a place along an axis.
#[derive(Debug, Clone)]
struct Tick {
    at: f64,
    label: String,
}

/// The drawing without its frame.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/hours.svg", escape = "html")]
struct Drawing {
    hatch: String,
    /// The time after the newest run, drawn over the hatching.
    ahead: String,
    /// Each step of the scale with its cells as one path.
    cells: Vec<(usize, String)>,
    days: Vec<Tick>,
    hours: Vec<Tick>,
    bottom: f64,
    /// Left ends of the legend's swatches.
    legend: Vec<(usize, f64)>,
}
impl HtmlSafe for Drawing {}

/// The map of an endpoint with its table.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/hours.html")]
pub struct HourMap {
    id: String,
    tag: String,
    title: String,
    /// The heading above the drawing, truncated to fit.
    head: String,
    summary: String,
    drawing: Drawing,
    height: f64,
    columns: Vec<String>,
    rows: Vec<TableRow>,
    address: String,
}
impl HtmlSafe for HourMap {}

/// The same drawing as a standalone file, with its colours included.
#[derive(Debug, Template)]
#[template(path = "parts/hours_file.svg", escape = "html")]
struct MapFile<'a> {
    map: &'a HourMap,
}

/// The hourly part of a model's page.
#[derive(Debug, Default)]
pub struct Hours {
    /// The maps of the endpoints with the most traffic.
    pub maps: Vec<HourMap>,
    /// Tags and addresses of the other maps.
    pub others: Vec<(String, String)>,
    pub why_none: &'static str,
}

/// Whether the rates distinguish hours: at least one UTC day has two rates.
fn tells_hours(stretches: &[Stretch]) -> bool {
    stretches.windows(2).any(|pair| pair[0].start.date_naive() == pair[1].start.date_naive())
}

/// The first day on which any endpoint of the model has a rate; earlier days are not shown as gaps.
fn first_day(hourly: &HourlyRates, model: &ModelEntry) -> Option<NaiveDate> {
    let first = |e: &Endpoint| hourly.of(e.endpoint_id).next().map(|s| s.start.date_naive());
    model.endpoints.iter().filter_map(first).min()
}

pub fn of_model(hourly: &HourlyRates, model: &ModelEntry) -> Hours {
    let Some(first) = first_day(hourly, model) else {
        return Hours {
            why_none: "No reading of the last days yields an hourly rate: there was no traffic, or too little.",
            ..Hours::default()
        };
    };
    let mut found = Hours::default();
    for endpoint in model.busiest() {
        let stretches: Vec<Stretch> = hourly.of(endpoint.endpoint_id).collect();
        if !tells_hours(&stretches) {
            continue;
        }
        if found.maps.len() < MAPS {
            let id = format!("hours-{}", found.maps.len() + 1);
            found.maps.push(HourMap::new(id, model, endpoint, &stretches, (first, hourly.to)));
        } else {
            let address = link::hours_chart(&model.model_id, endpoint.tag.as_str());
            found.others.push((endpoint.tag.to_string(), address));
        }
    }
    if found.maps.is_empty() {
        found.why_none = "There was one usable reading a day, which gives a daily rate but no hourly rates. Hourly \
                          rates appear once the upstream is read several times a day.";
    }
    found
}

/// The map of one endpoint, for its file; `None` if its rates do not distinguish hours.
pub fn of_endpoint(hourly: &HourlyRates, model: &ModelEntry, tag: &str) -> Option<HourMap> {
    let endpoint = model.endpoints.iter().find(|e| e.tag.as_str() == tag)?;
    let stretches: Vec<Stretch> = hourly.of(endpoint.endpoint_id).collect();
    let first = first_day(hourly, model).filter(|_| tells_hours(&stretches))?;
    Some(HourMap::new("hours".to_owned(), model, endpoint, &stretches, (first, hourly.to)))
}

impl HourMap {
    /// Draws the rates between a first day and the moment of the newest run.
    fn new(
        id: String,
        model: &ModelEntry,
        endpoint: &Endpoint,
        stretches: &[Stretch],
        (first, to): (NaiveDate, DateTime<Utc>),
    ) -> Self {
        let days: Vec<NaiveDate> = first.iter_days().take_while(|day| *day <= to.date_naive()).collect();
        Self {
            id,
            tag: endpoint.tag.to_string(),
            title: format!("{} at {}: hit rate by hour, approximate", model.name, endpoint.tag),
            head: format::shorten(&format!("{} at {}", model.name, endpoint.tag), HEAD_CHARS),
            summary: summary(stretches, days.len()),
            height: TOP + days.len() as f64 * ROW + FOOT,
            drawing: drawing(&days, stretches, to),
            columns: days.iter().map(|day| format::short_day(*day)).collect(),
            rows: (0..24).map(|hour| row(&days, stretches, to, hour)).collect(),
            address: link::hours_chart(&model.model_id, endpoint.tag.as_str()),
        }
    }

    /// The drawing as a standalone file.
    ///
    /// # Errors
    /// If the template cannot be rendered.
    pub fn file(&self) -> askama::Result<String> {
        MapFile { map: self }.render()
    }
}

fn summary(stretches: &[Stretch], days: usize) -> String {
    let low = stretches.iter().map(|s| s.hit_rate).fold(f64::INFINITY, f64::min);
    let high = stretches.iter().map(|s| s.hit_rate).fold(0.0, f64::max);
    let tokens: f64 = stretches.iter().map(|s| s.tokens as f64).sum();
    let hits: f64 = stretches.iter().map(|s| s.hit_rate * s.tokens as f64).sum();
    format!(
        "{} rates over {}: {} to {}, {} weighted by tokens.",
        stretches.len(),
        format::counted(days, "day", "days"),
        format::percent(low),
        format::percent(high),
        format::percent(hits / tokens)
    )
}

/// The horizontal position of a moment within a day.
fn x(day: NaiveDate, at: DateTime<Utc>) -> f64 {
    LEFT + ((at - midnight(day)).num_seconds() as f64 / 3600.0).clamp(0.0, 24.0) * HOUR
}

fn y(row: usize) -> f64 {
    TOP + row as f64 * ROW
}

fn drawing(days: &[NaiveDate], stretches: &[Stretch], to: DateTime<Utc>) -> Drawing {
    let bottom = y(days.len());
    let mut cells = vec![String::new(); STEPS];
    for stretch in stretches {
        let day = stretch.start.date_naive();
        let Some(row) = days.iter().position(|shown| *shown == day) else { continue };
        let (left, right) = (x(day, stretch.start), x(day, stretch.end));
        // Writing to a String cannot fail.
        _ = write!(
            cells[step(stretch.hit_rate)],
            "M{left:.1} {}h{:.1}v{ROW}H{left:.1}z",
            y(row),
            right - left
        );
    }
    let today = x(to.date_naive(), to);
    Drawing {
        hatch: hatch(bottom),
        ahead: format!("M{today:.1} {}H{RIGHT}V{bottom}H{today:.1}z", bottom - ROW),
        cells: cells.into_iter().enumerate().filter(|(_, path)| !path.is_empty()).collect(),
        days: days
            .iter()
            .enumerate()
            .map(|(row, day)| Tick { at: y(row) + ROW / 2.0, label: format::short_day(*day) })
            .collect(),
        hours: (0..=24)
            .step_by(6)
            .map(|h| Tick { at: LEFT + f64::from(h) * HOUR, label: h.to_string() })
            .collect(),
        bottom,
        legend: (0..STEPS).map(|step| (step, 76.0 + step as f64 * 10.0)).collect(),
    }
}

/// The step of the scale that a rate falls into.
fn step(hit_rate: f64) -> usize {
    ((hit_rate.clamp(0.0, 1.0) * STEPS as f64) as usize).min(STEPS - 1)
}

/// Slanted lines over all rows, clipped at the edges.
fn hatch(bottom: f64) -> String {
    let (height, mut lines, mut start) = (bottom - TOP, String::new(), LEFT - (bottom - TOP));
    while start < RIGHT {
        let (left, right) = (start.max(LEFT), (start + height).min(RIGHT));
        _ = write!(
            lines,
            "M{left:.1} {:.1}L{right:.1} {:.1}",
            bottom - (left - start),
            bottom - (right - start)
        );
        start += HATCH;
    }
    lines
}

fn row(days: &[NaiveDate], stretches: &[Stretch], to: DateTime<Utc>, hour: i64) -> TableRow {
    let cell = |day: &NaiveDate| {
        let start = midnight(*day) + Duration::hours(hour);
        let end = start + Duration::hours(1);
        let covers = |s: &Stretch| s.end.min(end) - s.start.max(start);
        let found = stretches.iter().filter(|s| covers(s) >= COVERS).max_by_key(|s| covers(s));
        match found {
            Some(stretch) => format::percent(stretch.hit_rate),
            None if end > to => "to come".to_owned(),
            None => "no rate".to_owned(),
        }
    };
    TableRow { head: format!("{hour:02}:00"), cells: days.iter().map(cell).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(start: &str, end: &str, hit_rate: f64) -> Stretch {
        let time = |text: &str| format!("2026-08-0{text}:00Z").parse().expect("a time");
        Stretch { start: time(start), end: time(end), hit_rate, tokens: 2_000_000 }
    }

    fn day(n: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 8, n).expect("a day")
    }

    #[test]
    fn a_rate_stands_at_its_true_bounds_in_the_step_of_its_tenth() {
        let rates = [stretch("5T00:00", "5T00:57", 0.05), stretch("5T02:57", "5T04:57", 1.0)];
        let drawn = drawing(&[day(5), day(6)], &rates, midnight(day(6)) + Duration::hours(12));
        assert_eq!(
            drawn.cells,
            [(0, "M46.0 6h11.4v15H46.0z".to_owned()), (9, "M81.4 6h24.0v15H81.4z".to_owned())]
        );
        assert_eq!(drawn.ahead, "M190.0 21H334V36H190.0z", "the future is not a gap");
    }

    #[test]
    fn the_table_tells_rates_gaps_and_what_is_ahead_apart() {
        let rates = [stretch("5T00:00", "5T00:57", 0.05), stretch("5T02:57", "5T04:57", 0.5)];
        let at = |hour| row(&[day(5), day(6)], &rates, midnight(day(6)), hour).cells;
        assert_eq!(at(0), ["5\u{202f}%", "to come"]);
        assert_eq!(
            (at(1)[0].as_str(), at(2)[0].as_str()),
            ("no rate", "no rate"),
            "three minutes are not an hour"
        );
        assert_eq!((at(3)[0].as_str(), at(4)[0].as_str()), ("50\u{202f}%", "50\u{202f}%"));
    }

    #[test]
    fn one_rate_a_day_tells_no_hours() {
        let daily = [stretch("5T00:00", "5T22:00", 0.5), stretch("6T00:00", "6T22:00", 0.5)];
        assert!(!tells_hours(&daily) && !tells_hours(&[]));
        assert!(tells_hours(&[daily[0], stretch("5T22:00", "5T22:57", 0.4)]));
    }

    #[test]
    fn the_hatching_stays_inside_of_the_rows() {
        let lines = hatch(96.0);
        let numbers: Vec<f64> = lines
            .split(['M', 'L', ' '])
            .filter(|part| !part.is_empty())
            .map(|part| part.parse().expect("a number"))
            .collect();
        for point in numbers.chunks(2) {
            assert!((LEFT..=RIGHT).contains(&point[0]) && (TOP..=96.0).contains(&point[1]), "{point:?}");
        }
    }

    #[test]
    fn every_rate_has_a_step() {
        assert_eq!([0.0, 0.099, 0.1, 0.95, 1.0, 1.5, -1.0].map(step), [0, 0, 1, 9, 9, 9, 0]);
    }
}
