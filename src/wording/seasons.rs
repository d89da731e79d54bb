//! Sentences about what follows the clock.

use super::flags::percent;
use crate::domain::endpoint::Weekday;
use crate::domain::format::usd;
use crate::domain::season::{RateSeason, SeasonPart};

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

/// The name of a day of the week, 0 is Monday.
pub fn day_name(place: u32) -> String {
    let name = Weekday::ALL.get(place as usize % Weekday::ALL.len()).map_or("", |day| day.as_str());
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What a session costs at an endpoint now, and in its cheapest and most expensive period, as a note; each period is its
/// cost in USD, its times and whether it holds now. `None` if the costs do not differ.
pub fn session_by_time(tag: &str, periods: &[(f64, String, bool)]) -> Option<String> {
    let cost = |period: &&(f64, String, bool)| period.0;
    let cheapest = periods.iter().min_by(|a, b| cost(a).total_cmp(&cost(b)))?;
    let dearest = periods.iter().max_by(|a, b| cost(a).total_cmp(&cost(b)))?;
    if cheapest.0 >= dearest.0 {
        return None;
    }
    let now = periods.iter().find(|period| period.2);
    let others = [cheapest, dearest].into_iter().filter(|one| now.is_none_or(|now| now.0 != one.0));
    let others: Vec<String> = others.map(|(cost, times, _)| format!("{} {times}", usd(*cost))).collect();
    let now = now.map(|(cost, ..)| format!("{} now", usd(*cost)));
    let parts: Vec<String> = now.into_iter().chain(others).collect();
    Some(format!("a session at {tag} costs {}", parts.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_names_the_present_and_the_other_periods() {
        let period = |cost: f64, times: &str, now: bool| (cost, times.to_owned(), now);
        let two = [period(0.25, "Sat, Sun UTC", true), period(0.8, "Mon to Fri UTC", false)];
        let expected = "a session at a/b costs $0.25 now, $0.80 Mon to Fri UTC";
        assert_eq!(session_by_time("a/b", &two).as_deref(), Some(expected));
        let three = [period(0.5, "x", true), period(0.8, "y", false), period(0.2, "z", false)];
        let expected = "a session at a/b costs $0.50 now, $0.20 z, $0.80 y";
        assert_eq!(session_by_time("a/b", &three).as_deref(), Some(expected));
        assert_eq!(session_by_time("a/b", &[period(0.5, "x", true), period(0.5, "y", false)]), None);
        assert_eq!(session_by_time("a/b", &[]), None);
    }
}
