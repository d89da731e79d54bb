//! Why a change counts as one, in a sentence with its evidence; and the parts of such sentences.

use crate::domain::change::ChangedField;
use crate::domain::format::{grouped, percent_change, usd};
use crate::domain::imported::ImportKind;
use chrono::{DateTime, Utc};

/// A field in the middle of a sentence.
pub fn field_in_words(field: ChangedField) -> &'static str {
    use ChangedField as F;
    match field {
        F::ListInput => "input",
        F::ListOutput => "output",
        F::ListCacheRead => "cache read",
        F::ListCacheWrite => "cache write",
        F::ListCacheWrite1h => "cache write for an hour",
        F::Discount => "discount",
        F::PriceTiers => "conditional prices",
        F::Quantization => "quantization",
        F::ContextLength => "context length",
        F::MaxPromptTokens => "longest prompt",
        F::MaxCompletionTokens => "longest completion",
        F::Parameters => "parameters",
        F::TrainsOnPrompts => "trains on prompts",
        F::RetainsPrompts => "retains prompts",
        F::Region => "region",
        F::Restricted => "restricted",
        F::Deranked => "ranked lower",
        F::Disabled => "disabled",
        F::DeprecationDate => "end of the offer",
        F::Tag => "tag",
        F::Status => "status",
        F::HitRate => "hit rate",
        F::EffectiveInput => "effective input price",
        F::Throughput => "output speed",
        F::LatencyMs => "time to first token",
        F::Uptime => "uptime",
        F::Tokens => "tokens a day",
        F::TierCost => "cost tier",
        F::TierCache => "cache tier",
        F::TierReliability => "reliability tier",
        F::TierSpeed => "speed tier",
        F::TierOverall => "overall tier",
        F::Recommendation => "recommendation",
        F::Window => "window of the usage summaries",
    }
}

/// A change in whole percent, or with one decimal below ten percent, with a typographic minus.
pub(super) fn signed_percent(change: f64) -> String {
    let decimals = usize::from(change.abs() < 0.095);
    percent_change(change, decimals).replace('-', "\u{2212}")
}

/// Two amounts in dollars; with all their digits if they are the same with three.
fn amounts(from: f64, to: f64) -> (String, String) {
    let (short_from, short_to) = (usd(from), usd(to));
    if short_from != short_to || from == to {
        return (short_from, short_to);
    }
    let full = |amount: f64| format!("${}", format!("{amount:.9}").trim_end_matches('0'));
    (full(from), full(to))
}

/// The move of one number: "input −22 % ($0.088 → $0.0685)", "cache read now $0.10", "discount 20 % → 30 %".
pub(super) fn number_moved(field: ChangedField, from: Option<f64>, to: Option<f64>) -> String {
    let name = field_in_words(field);
    if field == ChangedField::Discount {
        let share = |share: Option<f64>| {
            share.map_or("none".to_owned(), |share| format!("{} %", (share * 1e4).round() / 100.0))
        };
        return format!("{name} {} → {}", share(from), share(to));
    }
    match (from, to) {
        (Some(from), Some(to)) if from > 0.0 => {
            let (before, after) = amounts(from, to);
            format!("{name} {} ({before} → {after})", signed_percent(to / from - 1.0))
        }
        (Some(from), Some(to)) => format!("{name} {} → {}", usd(from), usd(to)),
        (None, Some(to)) => format!("{name} now {}", usd(to)),
        (_, None) => format!("{name} no longer listed"),
    }
}

/// The moves of a price that follow a schedule, in numbers.
#[derive(Debug, Clone, Copy)]
pub struct ScheduleWords<'a> {
    /// The price.
    pub field: ChangedField,
    /// Its values, lowest first.
    pub levels: &'a [f64],
    /// Minutes UTC at which it falls, if it does so at one time.
    pub falls: Option<i64>,
    /// Minutes UTC at which it rises, if it does so at one time.
    pub rises: Option<i64>,
    /// Days of the week on which it falls or rises, Monday is 0; `None` if they are several for either.
    pub weekdays: Option<&'a [u32]>,
    /// Number of days on which it falls or rises.
    pub days_seen: usize,
    /// Number of days from the first move to the last.
    pub days: usize,
    /// Whether documented conditional prices explain it.
    pub is_documented: bool,
}

/// Why moves of a price are a schedule: "input alternates between $0.25 and $0.80: the lower price 22:00–02:00 UTC on 12 of
/// 13 days".
pub fn schedule(words: &ScheduleWords<'_>) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let name = field_in_words(words.field);
    let amount = |value: f64| match words.field {
        ChangedField::Discount => format!("{} %", (value * 1e4).round() / 100.0),
        _ => usd(value),
    };
    let levels = match words.levels {
        [] => format!("{name} appears and goes"),
        [one] => format!("{name} appears and goes at {}", amount(*one)),
        [low, high] => format!("{name} alternates between {} and {}", amount(*low), amount(*high)),
        [low, .., high] => format!(
            "{name} moves between {} levels from {} to {}",
            words.levels.len(),
            amount(*low),
            amount(*high)
        ),
    };
    let clock = |minutes: i64| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    let lower = if words.levels.len() > 2 { "lower prices" } else { "the lower price" };
    let days: Vec<&str> = words
        .weekdays
        .unwrap_or_default()
        .iter()
        .filter_map(|day| DAYS.get(*day as usize).copied())
        .collect();
    let on = if days.is_empty() { String::new() } else { format!(" (moves on {})", days.join(", ")) };
    let when = match (words.falls, words.rises) {
        (Some(fall), Some(rise)) if words.weekdays.is_none() => {
            format!("{lower} {}–{} UTC", clock(fall), clock(rise))
        }
        (Some(fall), Some(rise)) => format!("{lower} from {} to {} UTC", clock(fall), clock(rise)),
        (Some(fall), None) => format!("it falls at about {} UTC", clock(fall)),
        (None, Some(rise)) => format!("it rises at about {} UTC", clock(rise)),
        (None, None) => "it moves".to_owned(),
    };
    let documented = if words.is_documented { ", as its conditional prices state" } else { "" };
    format!("{levels}: {when}{on} on {} of {} days{documented}", words.days_seen, words.days)
}

/// Between which readings something was seen to change; it follows a comma.
fn between(last_read: Option<DateTime<Utc>>, at: DateTime<Utc>) -> String {
    let (day, minute) = ("%Y-%m-%d %H:%M", "%H:%M");
    match last_read {
        None => format!("first seen in the run of {} UTC", at.format(day)),
        Some(last) => {
            let same_day = last.date_naive() == at.date_naive();
            let end = at.format(if same_day { minute } else { day });
            format!("seen between the readings of {} and {end} UTC", last.format(day))
        }
    }
}

/// Why the change of a price or a discount counts.
pub fn price_moved(
    field: ChangedField,
    (from, to): (Option<f64>, Option<f64>),
    (last_read, at): (Option<DateTime<Utc>>, DateTime<Utc>),
) -> String {
    format!("{}, {}", number_moved(field, from, to), between(last_read, at))
}

/// Why an imported change of a list price counts: "input +10 % ($1.00 → $1.10) from 2026-07-20 00:00 UTC on, imported from
/// series-1f2e3d4c".
pub fn imported_price_moved(
    field: ChangedField,
    (from, to): (Option<f64>, Option<f64>),
    at: DateTime<Utc>,
    source: &str,
) -> String {
    let origin = if source == ImportKind::ListedPrices.as_str() {
        "the upstream's log of list prices"
    } else {
        source
    };
    let moved = number_moved(field, from, to);
    format!("{moved} from {} UTC on, imported from {origin}", at.format("%Y-%m-%d %H:%M"))
}

/// Why a change of conditional prices counts; `before` and `after` are their numbers.
pub fn price_tiers_moved(
    (before, after): (usize, usize),
    (last_read, at): (Option<DateTime<Utc>>, DateTime<Utc>),
) -> String {
    let what = match (before, after) {
        (0, after) => format!("now listed ({after})"),
        (before, 0) => format!("no longer listed (were {before})"),
        (before, after) if before == after => format!("changed ({after})"),
        (before, after) => format!("changed ({before} → {after})"),
    };
    format!("conditional prices {what}, {}", between(last_read, at))
}

/// Why the change of a fact counts; `None` is a value that is not published.
pub fn fact_moved(
    field: ChangedField,
    (from, to): (Option<&str>, Option<&str>),
    (last_read, at): (Option<DateTime<Utc>>, DateTime<Utc>),
) -> String {
    format!("{}, {}", fact_words(field, from, to), between(last_read, at))
}

/// "quantization fp8 → fp4", "region now eu".
pub(super) fn fact_words(field: ChangedField, from: Option<&str>, to: Option<&str>) -> String {
    let name = field_in_words(field);
    match (from, to) {
        (Some(from), Some(to)) => format!("{name} {from} → {to}"),
        (None, Some(to)) => format!("{name} now {to}"),
        (_, None) => format!("{name} no longer published"),
    }
}

/// The parameters that an endpoint no longer and newly supports.
pub fn parameters_moved(
    (removed, added): (&[String], &[String]),
    (last_read, at): (Option<DateTime<Utc>>, DateTime<Utc>),
) -> String {
    format!("{}, {}", parameters_words(removed, added), between(last_read, at))
}

/// "parameters: tools added, logprobs removed".
pub(super) fn parameters_words(removed: &[String], added: &[String]) -> String {
    let part =
        |names: &[String], what: &str| (!names.is_empty()).then(|| format!("{} {what}", names.join(", ")));
    let parts: Vec<String> = [part(added, "added"), part(removed, "removed")].into_iter().flatten().collect();
    format!("parameters: {}", parts.join("; "))
}

/// Why an announcement of the end of an offer counts.
pub fn deprecation_moved(
    (from, to): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
    (last_read, at): (Option<DateTime<Utc>>, DateTime<Utc>),
) -> String {
    format!("{}, {}", deprecation_words(from, to), between(last_read, at))
}

pub(super) fn deprecation_words(from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> String {
    let day = |time: DateTime<Utc>| time.format("%Y-%m-%d").to_string();
    match (from, to) {
        (None, Some(to)) => format!("end of the offer announced for {}", day(to)),
        (Some(from), None) => format!("announced end of {} withdrawn", day(from)),
        (Some(from), Some(to)) if day(from) == day(to) => {
            let minute = |time: DateTime<Utc>| time.format("%H:%M").to_string();
            format!("announced end on {} moved from {} to {} UTC", day(to), minute(from), minute(to))
        }
        (Some(from), Some(to)) => format!("announced end moved from {} to {}", day(from), day(to)),
        (None, None) => "no end announced".to_owned(),
    }
}

/// A whole number in a sentence.
pub fn whole(number: i64) -> String {
    u64::try_from(number).map_or_else(|_| number.to_string(), grouped)
}

/// Why an endpoint counts as new.
pub fn endpoint_appeared(at: DateTime<Utc>, last_read: Option<DateTime<Utc>>) -> String {
    let when = at.format("%Y-%m-%d %H:%M");
    match last_read {
        None => format!("first listed in the run of {when} UTC"),
        Some(last) => {
            format!("listed again in the run of {when} UTC, last read {} UTC", last.format("%Y-%m-%d %H:%M"))
        }
    }
}

/// Why an endpoint counts as gone.
pub fn endpoint_gone(at: DateTime<Utc>) -> String {
    format!(
        "no longer in the list of its model’s endpoints in the run of {} UTC",
        at.format("%Y-%m-%d %H:%M")
    )
}

/// Why a model counts as new or gone; `absent_since` is the first run that no longer listed it, if it was listed before.
pub fn model_listed(at: DateTime<Utc>, is_listed: bool, absent_since: Option<DateTime<Utc>>) -> String {
    let run = |at: DateTime<Utc>| format!("the run of {} UTC", at.format("%Y-%m-%d %H:%M"));
    match (is_listed, absent_since) {
        (false, _) => format!("no longer listed in {}", run(at)),
        (true, None) => format!("first listed in {}", run(at)),
        (true, Some(since)) => format!("listed again in {}, absent since {}", run(at), run(since)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().expect("a time")
    }

    #[test]
    fn a_price_move_states_its_readings_and_its_percentage() {
        let seen = (Some(at("2026-10-03T16:57:00Z")), at("2026-10-03T17:57:00Z"));
        assert_eq!(
            price_moved(ChangedField::ListInput, (Some(0.088), Some(0.0685)), seen),
            "input \u{2212}22 % ($0.088 → $0.0685), seen between the readings of 2026-10-03 16:57 and 17:57 UTC"
        );
        let night = (Some(at("2026-10-03T23:57:00Z")), at("2026-10-04T00:57:00Z"));
        assert_eq!(
            price_moved(ChangedField::ListCacheRead, (None, Some(0.1)), night),
            "cache read now $0.10, seen between the readings of 2026-10-03 23:57 and 2026-10-04 00:57 UTC"
        );
        assert_eq!(
            price_moved(ChangedField::Discount, (Some(0.2), None), (None, at("2026-10-04T00:57:00Z"))),
            "discount 20 % → none, first seen in the run of 2026-10-04 00:57 UTC"
        );
        assert_eq!(
            number_moved(ChangedField::ListOutput, Some(1.200_001), Some(1.200_002)),
            "output +0.0 % ($1.200001 → $1.200002)",
            "amounts that look the same are written with all digits"
        );
        assert_eq!(number_moved(ChangedField::ListInput, Some(0.0), Some(1.0)), "input $0.00 → $1.00");
    }

    #[test]
    fn an_imported_price_move_states_its_source() {
        let day = at("2026-07-20T00:00:00Z");
        assert_eq!(
            imported_price_moved(ChangedField::ListInput, (Some(1.0), Some(1.1)), day, "listed_prices"),
            "input +10 % ($1.00 → $1.10) from 2026-07-20 00:00 UTC on, imported from the upstream's log of list prices"
        );
        assert_eq!(
            imported_price_moved(ChangedField::ListCacheRead, (Some(0.1), None), day, "series-1f2e3d4c"),
            "cache read no longer listed from 2026-07-20 00:00 UTC on, imported from series-1f2e3d4c"
        );
    }

    #[test]
    fn a_schedule_names_its_levels_and_its_hours() {
        let words = ScheduleWords {
            field: ChangedField::ListInput,
            levels: &[0.25, 0.8],
            falls: Some(22 * 60),
            rises: Some(2 * 60),
            weekdays: None,
            days_seen: 12,
            days: 13,
            is_documented: false,
        };
        assert_eq!(
            schedule(&words),
            "input alternates between $0.25 and $0.80: the lower price 22:00–02:00 UTC on 12 of 13 days"
        );
        let weekly = ScheduleWords { weekdays: Some(&[0, 5]), is_documented: true, ..words };
        assert_eq!(
            schedule(&weekly),
            "input alternates between $0.25 and $0.80: the lower price from 22:00 to 02:00 UTC (moves on Mon, Sat) on 12 of \
             13 days, as its conditional prices state"
        );
        let levels = ScheduleWords { levels: &[0.1, 0.2, 0.3], rises: None, ..words };
        assert_eq!(
            schedule(&levels),
            "input moves between 3 levels from $0.10 to $0.30: it falls at about 22:00 UTC on 12 of 13 days"
        );
    }

    #[test]
    fn facts_have_plain_words() {
        assert_eq!(fact_words(ChangedField::Region, None, Some("eu")), "region now eu");
        assert_eq!(
            fact_words(ChangedField::Quantization, Some("fp8"), None),
            "quantization no longer published"
        );
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            parameters_words(&names(&["logprobs"]), &names(&["tools", "seed"])),
            "parameters: tools, seed added; logprobs removed"
        );
        let end = at("2026-11-01T00:00:00Z");
        assert_eq!(deprecation_words(None, Some(end)), "end of the offer announced for 2026-11-01");
        assert_eq!(deprecation_words(Some(end), None), "announced end of 2026-11-01 withdrawn");
        assert_eq!(
            deprecation_words(Some(end), Some(end + chrono::Duration::hours(16))),
            "announced end on 2026-11-01 moved from 00:00 to 16:00 UTC"
        );
        let (back, gone) = (at("2026-10-04T00:57:00Z"), at("2026-10-03T23:57:00Z"));
        assert_eq!(
            [
                model_listed(back, true, None),
                model_listed(back, true, Some(gone)),
                model_listed(gone, false, None)
            ],
            [
                "first listed in the run of 2026-10-04 00:57 UTC",
                "listed again in the run of 2026-10-04 00:57 UTC, absent since the run of 2026-10-03 23:57 UTC",
                "no longer listed in the run of 2026-10-03 23:57 UTC",
            ]
        );
        assert_eq!((whole(131_072), whole(-1)), ("131,072".to_owned(), "-1".to_owned()));
    }
}
