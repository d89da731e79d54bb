//! What the address of a page with a config and charts chooses: mode, tool, limits, days and lines. Everything is in the
//! address, so that links and forms work without a script.

use super::{format, link};
use crate::domain::limits::{Limit, Limits};
use crate::preferences::Mode;
use crate::preferences::targets::{TARGETS, Target};
use std::str::FromStr;

/// The numbers of days that charts can show; the middle one is the default.
pub const DAYS: [i64; 3] = [7, 14, 30];
/// The days of charts by default.
pub const DEFAULT_DAYS: i64 = DAYS[1];
/// Maximum number of lines that can be chosen.
pub const MOST_LINES: usize = 6;
/// Longest value that is read or repeated, characters.
const LONGEST_VALUE: usize = 200;

/// The fields besides the limits.
const MODE: &str = "mode";
const TOOL: &str = "tool";
const SHOWN_DAYS: &str = "days";
const LINE: &str = "line";

/// The choice of an address. Fields that it does not know are ignored; invalid values are reported and ignored.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// How much of the routing to take over; `None` for the first mode that the page offers.
    pub mode: Option<Mode>,
    /// The tool to write the config for; `None` for the first target.
    tool: Option<&'static Target>,
    pub limits: Limits,
    /// Days of the charts; `None` for [`DEFAULT_DAYS`].
    days: Option<i64>,
    /// Tags of the endpoints to draw, at most [`MOST_LINES`]; empty for the choice of the page.
    pub lines: Vec<String>,
    /// What is wrong with the values, one sentence each.
    pub errors: Vec<String>,
    /// The values as they were typed.
    typed: Vec<(String, String)>,
}

/// A group of fields that one form of a page sets; the form repeats all other fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Limits,
    Lines,
}

impl Choice {
    /// Reads the fields of an address.
    pub fn read(fields: Vec<(String, String)>) -> Self {
        let cut = |(name, value): (String, String)| (name, value.chars().take(LONGEST_VALUE).collect());
        let mut choice = Self { typed: fields.into_iter().map(cut).collect(), ..Self::default() };
        choice.mode = choice.known(MODE);
        choice.tool = choice.known(TOOL);
        choice.days = choice.chosen_days();
        choice.lines = choice.chosen_lines();
        match Limits::from_fields(|limit| Some(choice.typed(limit.as_str()))) {
            Ok(limits) => choice.limits = limits,
            Err(errors) => choice.errors.extend(errors),
        }
        choice
    }

    /// Whether it is what the address without fields chooses.
    pub fn is_default(&self) -> bool {
        self.pairs().is_empty() && self.errors.is_empty()
    }

    /// The tool to write the config for.
    pub fn tool(&self) -> &'static Target {
        self.tool.unwrap_or(&TARGETS[0])
    }

    /// The number of days that charts show.
    pub fn days(&self) -> i64 {
        self.days.unwrap_or(DEFAULT_DAYS)
    }

    /// Whether the address chooses days or lines of charts.
    pub fn is_about_charts(&self) -> bool {
        self.days.is_some() || !self.lines.is_empty()
    }

    /// Whether the address sets limits, valid or not.
    pub fn is_about_limits(&self) -> bool {
        !self.limits.is_empty() || !self.errors.is_empty()
    }

    /// What was typed into a field; empty if nothing was.
    pub fn typed(&self, name: &str) -> &str {
        self.typed.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value.trim())
    }

    fn known<T: FromStr<Err = String>>(&mut self, name: &str) -> Option<T> {
        let value = format::shorten(self.typed(name), 60);
        if value.is_empty() {
            return None;
        }
        value.parse().map_err(|error| self.errors.push(error)).ok()
    }

    fn chosen_days(&mut self) -> Option<i64> {
        let value = format::shorten(self.typed(SHOWN_DAYS), 60);
        let days = value.parse().ok().filter(|days| DAYS.contains(days));
        if days.is_none() && !value.is_empty() {
            let known = DAYS.map(|days| days.to_string()).join(", ");
            self.errors.push(format!("`{SHOWN_DAYS}` is `{value}`: expected one of {known}"));
        }
        days
    }

    fn chosen_lines(&mut self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for (_, tag) in self.typed.iter().filter(|(name, tag)| name == LINE && !tag.is_empty()) {
            if !lines.contains(tag) {
                lines.push(tag.clone());
            }
        }
        if lines.len() > MOST_LINES {
            self.errors
                .push(format!("{} lines are too many: the charts show the first {MOST_LINES}", lines.len()));
            lines.truncate(MOST_LINES);
        }
        lines
    }

    /// The fields that differ from the default, in a fixed order.
    fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs: Vec<(&'static str, String)> = Vec::new();
        pairs.extend(self.mode.map(|mode| (MODE, mode.to_string())));
        let tool = self.tool.filter(|tool| tool.name != TARGETS[0].name);
        pairs.extend(tool.map(|tool| (TOOL, tool.name.to_owned())));
        pairs.extend(self.limits.fields().into_iter().map(|(limit, value)| (limit.as_str(), value)));
        let days = self.days.filter(|days| *days != DEFAULT_DAYS);
        pairs.extend(days.map(|days| (SHOWN_DAYS, days.to_string())));
        pairs.extend(self.lines.iter().map(|tag| (LINE, tag.clone())));
        pairs
    }

    /// The fields that a form of a group repeats, so that sending it keeps the rest of the choice.
    pub fn kept_by(&self, group: Group) -> Vec<(&'static str, String)> {
        let is_own = |name: &str| match group {
            Group::Limits => Limit::parse(name).is_some(),
            Group::Lines => name == LINE,
        };
        self.pairs().into_iter().filter(|(name, _)| !is_own(name)).collect()
    }

    fn with(&self, path: &str, field: &str, value: &str, fragment: &str) -> String {
        let kept = self.pairs().into_iter().filter(|(name, _)| *name != field);
        let own = std::iter::once((field, value.to_owned())).filter(|(_, value)| !value.is_empty());
        let query: Vec<String> =
            own.chain(kept).map(|(name, value)| format!("{name}={}", link::encode(&value))).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{path}{mark}{}#{fragment}", query.join("&"))
    }

    /// The address of a page with another mode; `None` for the first mode that it offers.
    pub fn with_mode(&self, path: &str, mode: Option<Mode>) -> String {
        self.with(path, MODE, mode.map_or("", Mode::as_str), "answer")
    }

    /// The address of a page with another tool.
    pub fn with_tool(&self, path: &str, tool: &Target) -> String {
        let name = if tool.name == TARGETS[0].name { "" } else { tool.name };
        self.with(path, TOOL, name, "answer")
    }

    /// The address of a page with another number of days.
    pub fn with_days(&self, path: &str, days: i64) -> String {
        let value = if days == DEFAULT_DAYS { String::new() } else { days.to_string() };
        self.with(path, SHOWN_DAYS, &value, "days")
    }

    /// The query of the API for the same preference, with a mode and a target.
    pub fn api_query(&self, mode: Mode, target: &Target) -> String {
        let limits = self.limits.fields().into_iter();
        let limits = limits.map(|(limit, value)| format!("&{limit}={}", link::encode(&value)));
        format!("target={}&mode={mode}{}", target.name, limits.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[(&str, &str)]) -> Choice {
        Choice::read(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_link_changes_one_field_and_keeps_the_others() {
        let choice = read(&[
            ("tool", "opencode"),
            ("mode", "pin"),
            ("context", "1000"),
            ("line", "a/b&c"),
            ("utm", "x"),
            ("days", "30"),
        ]);
        assert!(choice.errors.is_empty() && !choice.is_default(), "{:?}", choice.errors);
        assert_eq!(
            choice.with_mode("/m", None),
            "/m?tool=opencode&context=1000&days=30&line=a%2Fb%26c#answer"
        );
        assert_eq!(choice.with_days("/m", 14), "/m?mode=pin&tool=opencode&context=1000&line=a%2Fb%26c#days");
        assert!(choice.with_tool("/m", &TARGETS[0]).starts_with("/m?mode=pin&context=1000"));
        assert_eq!(
            choice.api_query(Mode::Pin, &TARGETS[0]),
            format!("target={}&mode=pin&context=1000", TARGETS[0].name)
        );
        let names = |group| choice.kept_by(group).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(Group::Limits), ["mode", "tool", "days", "line"]);
        assert_eq!(names(Group::Lines), ["mode", "tool", "context", "days"]);
    }

    #[test]
    fn what_the_page_shows_anyway_is_the_default() {
        assert!(
            read(&[]).is_default() && read(&[("utm_source", "x"), ("mode", ""), ("region", "")]).is_default()
        );
        let usual = read(&[("tool", TARGETS[0].name), ("days", "14"), ("no_training", "false")]);
        assert!(usual.is_default());
        assert_eq!(usual.with_mode("/m", Some(Mode::Avoid)), "/m?mode=avoid#answer");
        assert_eq!(usual.with_days("/m", 14), "/m#days");
    }

    #[test]
    fn wrong_values_are_named_and_ignored() {
        let wrong = read(&[
            ("mode", "<b>"),
            ("tool", &"x".repeat(5000)),
            ("days", "8"),
            ("context", "lots"),
            ("region", "eu"),
        ]);
        let errors = wrong.errors.join("\n");
        for part in ["unknown mode `<b>`", "unknown target `xxx", "`days` is `8`", "`context` is `lots`"] {
            assert!(errors.contains(part), "{part}: {errors}");
        }
        assert!(errors.len() < 3000 && wrong.mode.is_none() && !wrong.is_default());
        assert_eq!((wrong.typed("context"), wrong.typed("region")), ("lots", "eu"));
        let lines: Vec<(String, String)> = (0..9).map(|n| ("line".to_owned(), n.to_string())).collect();
        let many = Choice::read(lines);
        assert!(many.lines.len() == MOST_LINES && many.errors[0].starts_with("9 lines are too many"));
    }
}
