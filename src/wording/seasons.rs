//! Sentences about what follows the clock.

use super::flags::percent;
use crate::domain::endpoint::Weekday;
use crate::domain::format::usd;
use crate::domain::season::{PriceSchedule, PriceSource, RateSeason, SeasonPart};

/// How sure a profile is: `14 days, q 0.003`.
pub fn evidence(season: &RateSeason) -> String {
    let q = if season.q_value < 0.001 { "below 0.001".to_owned() } else { format!("{:.3}", season.q_value) };
    format!("{} days, false discovery rate {q}", season.days)
}

/// Which hours have the highest and the lowest hit rate, in one sentence.
pub fn by_hour(season: &RateSeason) -> String {
    let part = |part: &SeasonPart| {
        format!("{} from {:02}:00 to {:02}:00 UTC", percent(part.hit_rate), part.from, part.until)
    };
    format!(
        "The hit rate follows the hour of the day: {}, {} ({}).",
        part(&season.high),
        part(&season.low),
        evidence(season)
    )
}

/// How weekends differ from working days, in one sentence.
pub fn by_weekday(season: &RateSeason) -> String {
    let (weekend, working) =
        if season.high.from == 0 { (&season.low, &season.high) } else { (&season.high, &season.low) };
    format!(
        "The hit rate differs on weekends: {} on Saturday and Sunday, {} on working days ({}).",
        percent(weekend.hit_rate),
        percent(working.hit_rate),
        evidence(season)
    )
}

/// Where a price schedule comes from, in one sentence.
pub fn price_source(schedule: &PriceSchedule) -> String {
    let days = schedule.days.unwrap_or_default();
    match schedule.source {
        PriceSource::Published => "The provider publishes these prices with their times.".to_owned(),
        PriceSource::Observed => format!(
            "The list price moved at these hours again and again over {days} days; the upstream publishes no schedule."
        ),
        PriceSource::Levels => format!(
            "The list price was low and high at these times over {days} days, at changing amounts: each price is the median of \
             what was seen. The upstream publishes no schedule."
        ),
    }
}

/// The name of a day of the week, 0 is Monday.
pub fn day_name(place: u32) -> String {
    let name = Weekday::ALL.get(place as usize % Weekday::ALL.len()).map_or("", |day| day.as_str());
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What a session costs now, and in the cheapest and the most expensive period: `$0.25 now, $0.80 Mon to Fri UTC`. Each
/// period is its cost in USD, its times and whether it holds now. Of two periods, the one that takes fewer words to name is
/// named. `None` if the costs do not differ.
pub fn session_by_time(periods: &[(f64, String, bool)]) -> Option<String> {
    let cost = |period: &&(f64, String, bool)| period.0;
    let cheapest = periods.iter().min_by(|a, b| cost(a).total_cmp(&cost(b)))?;
    let most = periods.iter().max_by(|a, b| cost(a).total_cmp(&cost(b)))?;
    if cheapest.0 >= most.0 {
        return None;
    }
    let now = periods.iter().find(|period| period.2);
    if let ([one, two], Some(now)) = (periods, now) {
        let other = if one.2 { two } else { one };
        let (at_present, later) = (usd(now.0), usd(other.0));
        return Some(if now.1.len() < other.1.len() {
            format!("{at_present} now ({}), {later} at other times", now.1)
        } else {
            format!("{at_present} now, {later} {}", other.1)
        });
    }
    let others = [cheapest, most].into_iter().filter(|one| now.is_none_or(|now| now.0 != one.0));
    let others: Vec<String> = others.map(|(cost, times, _)| format!("{} {times}", usd(*cost))).collect();
    let now = now.map(|(cost, ..)| format!("{} now", usd(*cost)));
    let parts: Vec<String> = now.into_iter().chain(others).collect();
    Some(parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_names_the_present_and_the_other_periods() {
        let period = |cost: f64, times: &str, now: bool| (cost, times.to_owned(), now);
        let two = [period(0.25, "weekends and nights", true), period(0.8, "Mon to Fri UTC", false)];
        assert_eq!(session_by_time(&two).as_deref(), Some("$0.25 now, $0.80 Mon to Fri UTC"));
        let peak = [period(0.25, "weekends and nights", false), period(0.8, "Mon to Fri UTC", true)];
        let expected = "$0.80 now (Mon to Fri UTC), $0.25 at other times";
        assert_eq!(session_by_time(&peak).as_deref(), Some(expected));
        let unknown = [period(0.25, "nights", false), period(0.8, "days", false)];
        assert_eq!(session_by_time(&unknown).as_deref(), Some("$0.25 nights, $0.80 days"));
        let three = [period(0.5, "x", true), period(0.8, "y", false), period(0.2, "z", false)];
        assert_eq!(session_by_time(&three).as_deref(), Some("$0.50 now, $0.20 z, $0.80 y"));
        assert_eq!(session_by_time(&[period(0.5, "x", true), period(0.5, "y", false)]), None);
        assert_eq!(session_by_time(&[]), None);
    }
}
