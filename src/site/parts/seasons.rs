//! What follows the clock at an endpoint, as text and tables.

use super::{Cell, format};
use crate::domain::season::{PricePeriod, PriceSource, RateSeason, SeasonRate};
use crate::snapshot::Endpoint;
use crate::wording::seasons as wording;
use askama::Template;
use askama::filters::HtmlSafe;

/// The section of an endpoint's page.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/seasons.html")]
pub struct Clock {
    profiles: Vec<Profile>,
    workload: String,
    prices: Vec<Price>,
    /// Where the price periods come from.
    source: String,
}
impl HtmlSafe for Clock {}

#[derive(Debug, Clone)]
struct Profile {
    sentence: String,
    /// Name of the rows: hour or day.
    row: &'static str,
    rows: Vec<(String, Vec<Cell>)>,
}

#[derive(Debug, Clone)]
struct Price {
    times: String,
    now: bool,
    cells: Vec<Cell>,
}

/// What follows the clock; `None` if nothing is known to.
pub fn of_endpoint(endpoint: &Endpoint, workload: &str, title: String) -> Option<Clock> {
    let seasons = endpoint.seasons.as_ref().filter(|seasons| !seasons.is_empty())?;
    let hour = |place: u32| format!("{place:02}:00");
    let by_hour = seasons.by_hour.as_ref().map(|s| profile(wording::by_hour(s), "Hour, UTC", s, hour));
    let by_day = seasons
        .by_weekday
        .as_ref()
        .map(|s| profile(wording::by_weekday(s), "Day, UTC", s, wording::day_name));
    let schedule = seasons.price_by_time.as_ref();
    let source = schedule.map_or_else(String::new, wording::price_source);
    Some(Clock {
        profiles: by_hour.into_iter().chain(by_day).collect(),
        workload: title,
        prices: schedule.map(|s| s.periods.iter().map(|p| price(p, workload)).collect()).unwrap_or_default(),
        source,
    })
}

/// The same in sentences, for the page of the model; published prices are stated there as conditions.
pub fn lines(endpoint: &Endpoint) -> Vec<String> {
    let Some(seasons) = &endpoint.seasons else { return Vec::new() };
    let observed =
        seasons.price_by_time.as_ref().filter(|schedule| schedule.source != PriceSource::Published);
    let price =
        |period: &PricePeriod| Some(format!("input {} {}", format::usd(period.list.input?), period.words()));
    let prices =
        observed.map(|schedule| schedule.periods.iter().filter_map(price).collect::<Vec<_>>().join(", "));
    let by_hour = seasons.by_hour.as_ref().map(wording::by_hour);
    let by_weekday = seasons.by_weekday.as_ref().map(wording::by_weekday);
    prices.into_iter().chain(by_hour).chain(by_weekday).collect()
}

fn profile(
    sentence: String,
    row: &'static str,
    season: &RateSeason,
    name: impl Fn(u32) -> String,
) -> Profile {
    let cells = |rate: &SeasonRate| {
        let ends = rate.low.zip(rate.high);
        let range = ends.map(|(low, high)| format!("{} to {}", format::percent(low), format::percent(high)));
        vec![
            Cell::number(Some(rate.hit_rate), format::percent, "unknown").labelled("hit rate"),
            Cell::words(range, "one day").labelled("90 % interval"),
            Cell::count(rate.days).labelled("days"),
        ]
    };
    let rows = season.profile.iter().map(|rate| (name(rate.place), cells(rate))).collect();
    Profile { sentence, row, rows }
}

fn price(period: &PricePeriod, workload: &str) -> Price {
    let usd = |price: Option<f64>, label| Cell::number(price, format::usd, "not listed").labelled(label);
    let session = period.session_cost.get(workload).copied();
    Price {
        times: period.words(),
        now: period.now,
        cells: vec![
            usd(period.list.input, "input"),
            usd(period.list.cache_read, "cache read"),
            usd(period.list.output, "output"),
            Cell::number(session, format::usd_fine, "not priced").labelled("session"),
        ],
    }
}
