//! A chart of several lines over days, drawn here as SVG geometry, with a table of the same numbers for readers who
//! cannot see it.

use super::TableRow;
use super::spark::DayAxis;
use crate::domain::imported::ImportKind;
use crate::domain::window::Basis;
use crate::site::parts::{assets, format};
use crate::wording::imports;
use askama::Template;
use askama::filters::HtmlSafe;
use chrono::NaiveDate;
use std::collections::BTreeSet;

/// Width of the drawing: the smallest phone shows it in full, newest days included.
const WIDTH: f64 = 344.0;
const LEFT: f64 = 48.0;
const RIGHT: f64 = 334.0;
const TOP: f64 = 28.0;
const BOTTOM: f64 = 178.0;
/// Height of the drawing with the labels of its days.
const HEIGHT: f64 = 200.0;
/// Day labels along the axis.
const DAY_LABELS: i64 = 5;
/// Height of a name in the legend of a file.
const LEGEND_ROW: f64 = 16.0;
/// Number of characters of a name that fit into the legend of a file.
const LEGEND_CHARS: usize = 44;
/// Number of characters that fit above the drawing of a file.
const HEAD_CHARS: usize = 46;

/// One value of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// UTC day.
    pub day: NaiveDate,
    /// The value; `None` is a gap.
    pub value: Option<f64>,
    /// Whether it was derived from the price chart instead of observed.
    pub derived: bool,
    /// The kind of source that it was imported from; `None` if it is from the record.
    pub imported: Option<ImportKind>,
}

/// A line to be drawn.
#[derive(Debug, Clone)]
pub struct Series {
    /// Display name, untrusted.
    pub name: String,
    /// Its points, oldest first.
    pub points: Vec<Point>,
    /// Days that are marked, with a description; what the mark means is [`Subject::mark`].
    pub steps: Vec<(NaiveDate, String)>,
}

#[derive(Debug, Clone)]
struct Tick {
    at: String,
    label: String,
}

/// A place in the drawing: x and y.
type Place = (String, String);

#[derive(Debug, Clone)]
struct Dot {
    at: Place,
    derived: bool,
    imported: bool,
}

/// A change of the list price, marked on the line.
#[derive(Debug, Clone)]
struct Step {
    at: Place,
    what: String,
}

#[derive(Debug, Clone)]
struct Line {
    class: String,
    name: String,
    observed: String,
    derived: String,
    imported: String,
    dots: Vec<Dot>,
    steps: Vec<Step>,
}

/// A day of the axis as an area that shows its values when it is pointed at or focused.
#[derive(Debug, Clone)]
struct Band {
    left: String,
    width: String,
    middle: String,
    day: String,
    /// Class and value of each line with a value on that day.
    values: Vec<(String, String)>,
    /// Day, names and values in words.
    spoken: String,
}

/// A drawn chart with its table.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/day_chart.html")]
pub struct DayChart {
    subject: Subject,
    summary: String,
    y_ticks: Vec<Tick>,
    x_ticks: Vec<Tick>,
    lines: Vec<Line>,
    bands: Vec<Band>,
    rows: Vec<TableRow>,
    has_derived: bool,
    /// The kinds of imported values, in words.
    imported: Vec<String>,
    has_steps: bool,
    address: Option<String>,
}
impl HtmlSafe for DayChart {}

/// The same drawing as a standalone file, with its colours included.
#[derive(Debug, Template)]
#[template(path = "parts/day_chart.svg", escape = "html")]
struct ChartFile<'a> {
    chart: &'a DayChart,
}

/// What a marked day means: below the drawing, and beside its value in the table.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    pub note: &'static str,
    pub cell: &'static str,
}

/// The list price changed.
pub const PRICE_MOVE: Mark = Mark { note: "a change of the list price", cell: "list price changed" };
/// The traffic jumped.
pub const JUMP: Mark = Mark { note: "a jump that is likely one customer", cell: "likely one customer" };

/// What a chart shows, and how its numbers are formatted.
#[derive(Debug, Clone)]
pub struct Subject {
    /// What marked days mean.
    pub mark: Mark,
    /// Id of the title in the page.
    pub id: &'static str,
    pub title: String,
    /// Label of the value axis.
    pub unit: &'static str,
    /// Top of the value axis; `None` takes the largest value.
    pub top: Option<f64>,
    pub format: fn(f64) -> String,
}

impl DayChart {
    /// Draws the series; `None` if none of them has a value.
    pub fn new(subject: Subject, series: &[Series]) -> Option<Self> {
        let known = |s: &&Series| s.points.iter().any(|p| p.value.is_some());
        let series: Vec<&Series> = series.iter().filter(known).collect();
        let axis = DayAxis::over(series.iter().flat_map(|s| s.points.iter().map(|p| p.day)))?;
        let largest =
            series.iter().flat_map(|s| &s.points).filter_map(|p| p.value).fold(0.0_f64, |top, v| top.max(v));
        let top = subject.top.unwrap_or_else(|| round_up(largest));
        let scale = Scale { axis, top };
        let lines: Vec<Line> = series.iter().enumerate().map(|(i, s)| scale.line(i, s)).collect();
        let summary = format!(
            "{} over {} days; the table below has the same numbers",
            format::counted(lines.len(), "line", "lines"),
            axis.days()
        );
        Some(Self {
            summary,
            y_ticks: scale.y_ticks(subject.format),
            x_ticks: scale.x_ticks(),
            bands: axis.each().filter_map(|day| scale.band(day, &series, subject.format)).collect(),
            rows: rows(axis, &series, &subject),
            has_derived: lines.iter().any(|l| l.dots.iter().any(|d| d.derived)),
            imported: kinds_of_imports(&series),
            has_steps: lines.iter().any(|l| !l.steps.is_empty()),
            address: None,
            lines,
            subject,
        })
    }

    /// Sets the address of the drawing as a file.
    #[must_use]
    pub fn at(mut self, address: String) -> Self {
        self.address = Some(address);
        self
    }

    /// The title, shortened to the width of a file.
    fn head(&self) -> String {
        format::shorten(&self.subject.title, HEAD_CHARS)
    }

    /// The names below the drawing of a file, each with its height.
    fn legend(&self) -> impl Iterator<Item = (&Line, f64, String)> {
        let rows = self.lines.iter().enumerate();
        rows.map(|(nth, line)| {
            (line, HEIGHT + LEGEND_ROW * nth as f64, format::shorten(&line.name, LEGEND_CHARS))
        })
    }

    /// The height of a file: heading, drawing and legend.
    fn file_height(&self) -> f64 {
        HEIGHT + 40.0 + LEGEND_ROW * self.lines.len() as f64
    }

    /// The drawing as a standalone file.
    ///
    /// # Errors
    /// If the template cannot be rendered.
    pub fn file(&self) -> askama::Result<String> {
        ChartFile { chart: self }.render()
    }
}

/// Rounds up to 1, 2, 4, 6 or 8 times a power of ten, so that quarters of it are round numbers.
fn round_up(largest: f64) -> f64 {
    if largest <= 0.0 || !largest.is_finite() {
        return 1.0;
    }
    let power = 10f64.powf(largest.log10().floor());
    let step = [1.0, 2.0, 4.0, 6.0, 8.0, 10.0].into_iter().find(|step| step * power >= largest);
    step.unwrap_or(10.0) * power
}

fn place((x, y): (f64, f64)) -> Place {
    (format!("{x:.1}"), format!("{y:.1}"))
}

struct Scale {
    axis: DayAxis,
    top: f64,
}

impl Scale {
    fn x(&self, day: NaiveDate) -> f64 {
        LEFT + self.axis.place(day) * (RIGHT - LEFT)
    }

    fn y(&self, value: f64) -> f64 {
        BOTTOM - (value / self.top).clamp(0.0, 1.0) * (BOTTOM - TOP)
    }

    fn at(&self, day: NaiveDate, value: f64) -> (f64, f64) {
        (self.x(day), self.y(value))
    }

    fn y_ticks(&self, format: fn(f64) -> String) -> Vec<Tick> {
        (0..=4)
            .map(|n| f64::from(n) / 4.0 * self.top)
            .map(|value| Tick { at: format!("{:.1}", self.y(value)), label: format(value) })
            .collect()
    }

    fn x_ticks(&self) -> Vec<Tick> {
        let every = (self.axis.days() + DAY_LABELS - 1) / DAY_LABELS;
        self.axis
            .each()
            .step_by(every.max(1) as usize)
            .map(|day| Tick { at: format!("{:.1}", self.x(day)), label: format::short_day(day) })
            .collect()
    }

    fn line(&self, index: usize, series: &Series) -> Line {
        let known: Vec<(Point, f64)> =
            series.points.iter().filter_map(|p| Some((*p, p.value.filter(|v| v.is_finite())?))).collect();
        let (mut observed, mut derived, mut imported) = (String::new(), String::new(), String::new());
        for pair in known.windows(2) {
            let [(from, start), (to, end)] = pair else { continue };
            if (to.day - from.day).num_days() != 1 {
                continue;
            }
            let path = if from.imported.or(to.imported).is_some() {
                &mut imported
            } else if from.derived || to.derived {
                &mut derived
            } else {
                &mut observed
            };
            let ((x1, y1), (x2, y2)) = (self.at(from.day, *start), self.at(to.day, *end));
            *path += &format!("M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}");
        }
        let dots = known.iter().map(|(p, v)| Dot {
            at: place(self.at(p.day, *v)),
            derived: p.derived,
            imported: p.imported.is_some(),
        });
        Line {
            class: class(index),
            name: series.name.clone(),
            observed,
            derived,
            imported,
            dots: dots.collect(),
            steps: self.steps(series, &known),
        }
    }

    /// The area of a day; `None` if no line has a value on it.
    fn band(&self, day: NaiveDate, series: &[&Series], format: fn(f64) -> String) -> Option<Band> {
        let half = (RIGHT - LEFT) / (self.axis.days() - 1).max(1) as f64 / 2.0;
        let (left, right) = ((self.x(day) - half).max(LEFT - 8.0), (self.x(day) + half).min(WIDTH));
        let at = |s: &Series| s.points.iter().find(|p| p.day == day)?.value.filter(|v| v.is_finite());
        let known = series.iter().enumerate().filter_map(|(nth, s)| Some((nth, &s.name, at(s)?)));
        let known: Vec<(usize, &String, f64)> = known.collect();
        let spoken = known.iter().map(|(_, name, value)| format!("{name} {}", format(*value)));
        let day = format::short_day(day);
        (!known.is_empty()).then(|| Band {
            left: format!("{left:.1}"),
            width: format!("{:.1}", right - left),
            middle: format!("{:.1}", (left + right) / 2.0),
            spoken: format!("{day}: {}", spoken.collect::<Vec<_>>().join(", ")),
            values: known.iter().map(|(nth, _, value)| (class(*nth), format(*value))).collect(),
            day,
        })
    }

    /// The steps on days that have a value; the others appear only in the list of changes.
    fn steps(&self, series: &Series, known: &[(Point, f64)]) -> Vec<Step> {
        let of = |(day, what): &(NaiveDate, String)| {
            let (_, value) = known.iter().find(|(point, _)| point.day == *day)?;
            Some(Step { at: place(self.at(*day, *value)), what: what.clone() })
        };
        series.steps.iter().filter_map(of).collect()
    }
}

/// The class that carries the colour of a line.
fn class(index: usize) -> String {
    format!("c{}", index % 6 + 1)
}

/// The kinds of the imported values of a chart, each once, in words.
fn kinds_of_imports(series: &[&Series]) -> Vec<String> {
    let points = series.iter().flat_map(|series| &series.points).filter(|point| point.value.is_some());
    let labels = points
        .filter_map(|point| Some(imports::label(point.imported?, point.derived.then_some(Basis::Derived))));
    labels.collect::<BTreeSet<_>>().into_iter().collect()
}

fn rows(axis: DayAxis, series: &[&Series], subject: &Subject) -> Vec<TableRow> {
    let format = subject.format;
    let value = |s: &Series, day: NaiveDate| match s.points.iter().find(|p| p.day == day) {
        Some(Point { value: Some(value), imported: Some(kind), derived, .. }) => {
            let basis = derived.then_some(Basis::Derived);
            format!("{} ({})", format(*value), imports::label(*kind, basis))
        }
        Some(Point { value: Some(value), derived: true, .. }) => format!("{} (derived)", format(*value)),
        Some(Point { value: Some(value), .. }) => format(*value),
        _ => "no data".to_owned(),
    };
    let stepped = |s: &Series, day: NaiveDate| s.steps.iter().any(|(at, _)| *at == day);
    let cell = |s: &Series, day: NaiveDate| match stepped(s, day) {
        true => format!("{} ({})", value(s, day), subject.mark.cell),
        false => value(s, day),
    };
    let row = |day: NaiveDate| TableRow {
        head: day.to_string(),
        cells: series.iter().map(|s| cell(s, day)).collect(),
    };
    axis.each().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(n: u32, value: Option<f64>, derived: bool) -> Point {
        Point { day: NaiveDate::from_ymd_opt(2026, 8, n).expect("a day"), value, derived, imported: None }
    }

    fn subject() -> Subject {
        Subject {
            mark: PRICE_MOVE,
            id: "c",
            title: "Hit rate".to_owned(),
            unit: "hit rate",
            top: Some(1.0),
            format: format::percent,
        }
    }

    fn series(points: Vec<Point>) -> Series {
        Series { name: "one".to_owned(), points, steps: Vec::new() }
    }

    #[test]
    fn derived_days_are_another_line_and_gaps_stay_open() {
        let points = vec![
            point(1, Some(0.4), true),
            point(2, Some(0.5), true),
            point(3, Some(0.5), false),
            point(4, None, false),
            point(6, Some(0.7), false),
            point(7, Some(0.7), false),
        ];
        let chart = DayChart::new(subject(), &[series(points)]).expect("a chart");
        let line = &chart.lines[0];
        assert_eq!(line.derived.matches('M').count(), 2);
        assert_eq!(line.observed.matches('M').count(), 1);
        assert_eq!(line.dots.iter().filter(|d| d.derived).count(), 2);
        assert_eq!(chart.rows.len(), 7);
        assert_eq!(chart.rows[4].cells, ["no data"]);
        assert!(chart.rows[0].cells[0].ends_with("(derived)"));
    }

    #[test]
    fn imported_days_are_another_line_and_labelled_in_note_and_table() {
        let imported = |n: u32, derived: bool| Point {
            imported: Some(ImportKind::PriceCharts),
            ..point(n, Some(0.4), derived)
        };
        let points = vec![
            imported(1, true),
            imported(2, false),
            point(3, Some(0.5), false),
            point(4, Some(0.5), false),
        ];
        let chart = DayChart::new(subject(), &[series(points)]).expect("a chart");
        let line = &chart.lines[0];
        assert_eq!((line.imported.matches('M').count(), line.observed.matches('M').count()), (2, 1));
        assert_eq!(line.dots.iter().filter(|dot| dot.imported).count(), 2);
        assert!(chart.rows[0].cells[0].ends_with("(imported: price charts (derived))"));
        assert!(chart.rows[1].cells[0].ends_with("(imported: price charts)"));
        assert!(!chart.rows[2].cells[0].contains("imported"));
        assert!(chart.to_string().contains("not from this record (imported: price charts"));
    }

    #[test]
    fn every_day_with_a_value_can_be_pointed_at_and_stays_inside() {
        let other = Series { name: "<two>".to_owned(), ..series(vec![point(3, Some(0.25), false)]) };
        let one = series(vec![point(1, Some(0.5), false), point(3, Some(0.75), false)]);
        let chart = DayChart::new(subject(), &[one, other]).expect("a chart");
        let days: Vec<&str> = chart.bands.iter().map(|band| band.day.as_str()).collect();
        assert_eq!(days, ["1 Aug", "3 Aug"], "not the day without data");
        assert_eq!(chart.bands[1].spoken, "3 Aug: one 75\u{202f}%, <two> 25\u{202f}%");
        assert_eq!(chart.bands[1].values[1], ("c2".to_owned(), "25\u{202f}%".to_owned()));
        let number = |text: &String| text.parse::<f64>().expect("a number");
        assert!(chart.bands.iter().all(|band| number(&band.left) + number(&band.width) <= WIDTH));
        let page = chart.to_string();
        assert!(page.contains("tabindex=\"0\" role=\"img\"") && !page.contains("<two>"), "{page}");
        assert!(page.contains("class=\"legend lines\"") && chart.file_height() > HEIGHT + 2.0 * LEGEND_ROW);
    }

    #[test]
    fn a_step_of_the_list_price_is_marked_where_there_is_a_value_and_told_in_the_table() {
        let day = |n: u32| point(n, None, false).day;
        let mut one =
            series(vec![point(1, Some(0.4), false), point(2, Some(0.3), false), point(4, Some(0.3), false)]);
        one.steps = vec![(day(2), "0.4 to 0.3".to_owned()), (day(3), "unseen".to_owned())];
        let chart = DayChart::new(subject(), &[one]).expect("a chart");
        assert_eq!(chart.lines[0].steps.len(), 1);
        assert!(chart.rows[1].cells[0].ends_with("(list price changed)"));
        let file = chart.file().expect("a file");
        assert!(
            file.starts_with("<svg xmlns=")
                && file.contains("prefers-color-scheme")
                && file.contains("0.4 to 0.3")
        );
    }

    #[test]
    fn nothing_known_is_no_chart() {
        assert!(DayChart::new(subject(), &[series(vec![point(1, None, false)])]).is_none());
        assert!(DayChart::new(subject(), &[]).is_none());
    }

    #[test]
    fn the_axis_ends_on_a_number_that_divides_well() {
        assert_eq!(round_up(0.37), 0.4);
        assert_eq!(round_up(0.0), 1.0);
        assert!((round_up(5.1) - 6.0).abs() < 1e-12);
    }
}
