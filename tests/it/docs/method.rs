//! `docs/method.md` states the value of every threshold in its sentences.

use super::read;
use hitrate::domain::thresholds;
use std::collections::BTreeSet;

/// Each threshold with its value and the words in which the method states it. If a value changes, change both here.
#[rustfmt::skip]
const STATED: &[(&str, f64, &str)] = &[
    ("window_price_tolerance", 1e-9, "to within 1e-9"),
    ("window_day_share", 0.9, "at least 90 % of the summaries carry the price of the last point"),
    ("window_hour_share", 0.2, "If at most 20 % do, it is a short stretch"),
    ("window_min_witnesses", 5.0, "fewer than 5 comparable summaries"),
    ("closing_settle_minutes", 30.0, "from 30 minutes past midnight"),
    ("plausibility_days", 7.0, "the accepted runs of the last 7 days"),
    ("empty_answer_hours", 3.0, "if a run at most 3 hours old had rows"),
    ("longest_sweep_hours", 3.0, "within 3 hours of the run's start"),
    ("hourly_min_tokens", 1e6, "fewer than 1 million tokens lie between the readings"),
    ("hourly_tolerance", 0.01, "more than 0.01 outside of 0 to 1"),
    ("hourly_days", 8.0, "The last 8 days are published"),
    ("lens_window_days", 7.0, "over the last 7 days of readings"),
    ("full_record_days", 3.0, "While fewer than 3 days have a published rate"),
    ("cell_min_tokens", 10e6, "It counts with at least 10 million tokens a day"),
    ("prompt_size_min_counts", 24.0, "known from 24 counts on"),
    ("prompt_size_min_cells", 100.0, "known on at least 100 cells"),
    ("prompt_size_min_errors", 2.0, "at least 2 standard errors from zero"),
    ("min_shared_models", 3.0, "shares fewer than 3 models with others"),
    ("endpoint_min_tokens", 1e6, "**Endpoints** with at least 1 million tokens a day"),
    ("effect_ridge", 0.25, "(0.25 mean weights of a model-provider pair)"),
    ("interval_coverage", 0.9, "the truth in 90 % of all cases"),
    ("interval_prior_models", 3.0, "counts like 3 models of the provider's own"),
    ("interval_pool_models", 6.0, "from the providers with at least 6 models"),
    ("next_week_part_days", 3.0, "from the first 3 to the last 3 days of the window"),
    ("next_week_prior", 3.0, "which counts like 3 moves of its own"),
    ("resamples", 400.0, "400 draws of whole models"),
    ("resample_seed", 20_260_721.0, "a fixed seed (20260721)"),
    ("tier_band_cache", 0.016, "0.016 of hit rate for `cache`"),
    ("tier_band_cost", 0.05, "5 % of the cost for `cost`"),
    ("tier_band_z", 0.2, "0.2 for the z-scores"),
    ("tier_memory_days", 7.0, "is remembered for 7 such days"),
    ("launch_days", 3.0, "the first 3 days of a model are left out"),
    ("flag_min_hit_rate", 0.3, "a hit rate of at least 30 %"),
    ("flag_min_tokens", 100e6, "on at least 100 million tokens a day, a listed discount"),
    ("phantom_efficiency", 0.2, "an efficiency under 20 %"),
    ("read_price_discount", 0.95, "a read price below 95 % of the input price"),
    ("list_moved_tolerance", 0.001, "moved by more than 0.1 % within the day"),
    ("schedule_min_deviation", 0.05, "at least 5 % off that mean"),
    ("schedule_min_returns", 1.0, "returned at least 1 time to a price that held earlier in the window"),
    ("written_min_share", 0.01, "if w is below 0.01"),
    ("marked_max_share", 0.95, "at most 95 % of the tokens that were not found were written"),
    ("constant_min_days", 4.0, "on at least 4 observed days of the window"),
    ("constant_max_deviation", 0.001, "a standard deviation below 0.001"),
    ("identity_tolerance", 0.05, "a deviation above 5 %"),
    ("impossible_price_below", 0.95, "below 0.95 times the lowest list price"),
    ("impossible_price_above", 1.01, "above 1.01 times the highest"),
    ("identity_min_tokens", 10e6, "no price tiers and at least 10 million tokens"),
    ("reference_quantile", 0.9, "the 0.9 quantile of the hit rates"),
    ("reference_min_endpoints", 3.0, "With fewer than 3 endpoints, or a reference of 0"),
    ("most_resends", 1.0, "(1-u)/u prompts a turn, at most 1"),
    ("cost_prior_days", 3.0, "the common scatter, which counts like 3 days"),
    ("session_gap_minutes", 30.0, "while pauses are under 30 minutes"),
    ("session_min_reuse", 0.5, "can reuse less than 0.5 of the previous one"),
    ("gate_availability", 0.9, "availability (or uptime) under 0.9"),
    ("preference_min_uptime", 0.9, "with an uptime below 0.9"),
    ("preference_min_age_hours", 24.0, "younger than 24 hours"),
    ("preference_reading_days", 2.0, "without a reading for more than 2 days"),
    ("preference_min_tokens", 10e6, "at least 10 million tokens a day and 1 % of"),
    ("preference_min_share", 0.01, "at least 10 million tokens a day and 1 % of"),
    ("pin_withhold_below", -0.1, "reaches below -10 % (a pin)"),
    ("shortlist_withhold_below", -0.2, "or -20 % (a shortlist or an order)"),
    ("shortlist_min", 2.0, "if there are fewer than 2 of those"),
    ("shortlist_reach", 1.1, "at most 1.1 times the best"),
    ("list_misleads_from", 0.05, "misleads only if that costs at least 5 % more"),
    ("saving_min_traffic", 0.8, "at least 80 % of the traffic have a cost"),
    ("saving_spreads", 1.6, "1.6 standard errors"),
    ("traffic_scatter", 0.84, "scatters by 0.84 within a model"),
    ("stale_after_hours", 3.0, "Data older than 3 hours are stale"),
    ("stale_grace_hours", 24.0, "After 24 more hours preferences are withheld"),
    ("backtest_output_share", 0.05, "plus 0.05 of its effective output price"),
    ("backtest_min_tokens", 10e6, "at least 10 million tokens in the latest reading"),
    ("backtest_history_days", 30.0, "use prices from 30 days before the first choice"),
    ("backtest_told_from", 100.0, "shows the result from 100 choices on"),
    ("policy_gain", 0.8, "takes in 0.8 of each day's news"),
    ("policy_most_news", 0.25, "never more than 0.25 of it"),
    ("policy_long_share", 0.1, "shrunk by 0.1 towards a mean"),
    ("policy_long_half_life", 5.0, "a half-life of 5 days"),
    ("policy_day_thin_charge", 0.005, "charged 0.005 for each factor e"),
    ("policy_thin_charge", 0.01, "a charge of 0.01 for each factor e"),
    ("policy_uncharged_tokens", 1e9, "The charge is zero at 1000 million tokens a day"),
    ("policy_today_half_life", 3.0, "halves every 3 h"),
    ("policy_today_share", 0.1, "0.1 of yesterday's tokens"),
    ("policy_pace_floor", 1e6, "at least 1 million tokens a day"),
    ("hourly_choice_minutes", 70.0, "at most 70 minutes old"),
    ("hourly_choice_min_rest", 1e6, "at least 1 million tokens in the rest of the day"),
    ("hourly_choice_close", 20.0, "a reading at 20:00 or later"),
    ("mover_days", 7.0, "over the last 7 UTC days"),
    ("mover_min_days", 2.0, "at least 2 observed days in both weeks"),
    ("mover_min_tokens", 100e6, "have at least 100 million tokens a day"),
    ("mover_min_change", 0.02, "the change is at least 0.02"),
    ("expected_cost_prior_days", 3.0, "those of all endpoints, which count like 3 days"),
    ("expected_cost_half_life", 7.0, "with a half-life of 7 days"),
    ("expected_cost_spreads", 1.8, "1.8 root mean squares"),
    ("shift_period_hours", 6.0, "averaged over periods of 6 hours"),
    ("shift_window_days", 14.0, "together with the days before it, 14 days in all"),
    ("shift_min_before", 8.0, "with at least 8 periods before it"),
    ("shift_min_after", 4.0, "at least 4 periods after it"),
    ("shift_max_after_hours", 72.0, "at most 72 hours old"),
    ("shift_min_periods_a_day", 2.0, "fewer than 2 periods a day"),
    ("shift_daily_min_before", 5.0, "with at least 5 days before"),
    ("shift_daily_min_after", 2.0, "and 2 to 4 days after"),
    ("shift_daily_max_after", 4.0, "and 2 to 4 days after"),
    ("shift_hour_min_tokens", 100e3, "here 100,000 tokens in an hour are enough"),
    ("shift_min_tokens", 10e6, "fewer than 10 million tokens a day over the days of the window"),
    ("shift_min_hit_rate", 0.10, "A hit rate must differ by at least 10 points"),
    ("shift_min_price", 0.20, "an effective price by at least 20 %"),
    ("shift_min_speed", 0.30, "a speed or a time by at least 30 %"),
    ("shift_min_uptime", 0.10, "an uptime by at least 10 points"),
    ("shift_min_scatters", 1.5, "at least 1.5 times the scatter"),
    ("shift_false_discovery", 0.05, "with q up to 5 % are reported"),
    ("shift_list_move_hours", 24.0, "within 24 hours of a move of the list price"),
    ("outage_uptime", 0.8, "its uptime over 30 minutes is below 80 %"),
    ("outage_min_readings", 3.0, "At least 3 such readings"),
    ("outage_deep_uptime", 0.5, "or 2 if all are below 50 %"),
    ("outage_gap_minutes", 150.0, "no further apart than 150 minutes"),
    ("status_min_readings", 4.0, "at least 4 consecutive readings show it"),
    ("status_min_hours", 6.0, "over at least 6 hours"),
    ("season_hour_days", 21.0, "the hourly rates of the 21 days before the current one"),
    ("season_weeks", 8.0, "closing rates of 8 weeks"),
    ("season_min_days", 7.0, "each day without its mean, on at least 7 days"),
    ("season_min_weeks", 3.0, "on at least 3 weeks"),
    ("season_min_effect", 0.05, "at least 5 points above its lowest one"),
    ("season_max_q", 0.05, "at most 5 % of the published profiles are expected to be false"),
    ("schedule_min_days", 3.0, "was seen on at least 3 days"),
    ("schedule_min_fit", 0.95, "explains at least 95 % of what the runs saw"),
    ("share_min_coverage", 0.9, "cover at least 90 % of the day"),
    ("jump_min_factor", 5.0, "by a factor of at least 5 from one complete day to the next"),
    ("jump_min_z", 4.0, "at least 4 robust standard deviations"),
    ("jump_min_tokens", 100e6, "with at least 100 million tokens on the larger day"),
    ("jump_others_factor", 1.5, "changed by less than a factor of 1.5"),
];

#[test]
fn the_method_states_every_threshold_with_its_value() {
    let text = read("docs/method.md");
    let table = thresholds::table();
    let there: BTreeSet<&str> = table.iter().map(|one| one.name.as_str()).collect();
    let stated: BTreeSet<&str> = STATED.iter().map(|(name, ..)| *name).collect();
    assert_eq!(stated, there, "a row for every threshold");
    for (name, value, words) in STATED {
        let used = table.iter().find(|one| one.name == *name).expect("compared above").value;
        assert!((used - value).abs() < 1e-12, "{name} is {used}; docs/method.md states {words:?}");
        assert!(text.contains(words), "docs/method.md does not state {name} as {words:?}");
    }
}

#[test]
fn the_method_is_a_page_for_readers() {
    let text = read("docs/method.md");
    assert!(text.lines().count() <= 230, "{} lines", text.lines().count());
    let names: Vec<String> = thresholds::table().into_iter().map(|one| format!("`{}`", one.name)).collect();
    let named: Vec<_> = names.iter().filter(|name| text.contains(name.as_str())).collect();
    assert!(named.is_empty(), "the prose states values, not names: {named:?}");
}
