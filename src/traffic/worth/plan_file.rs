//! Flat plans as dated data: `data/plans.toml` and the user's own file.

use super::lifetimes::{day, some_day};
use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc, Weekday};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

const SHIPPED: &str = include_str!("../../../data/plans.toml");
/// Longest window, hours: a leap year.
const MOST_HOURS: f64 = 8784.0;
/// Shortest window, hours: a minute.
const LEAST_HOURS: f64 = 1.0 / 60.0;

/// A flat plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Name on the command line.
    pub name: String,
    /// Name in texts.
    pub title: String,
    /// How the platform is named in logs.
    #[serde(default)]
    pub platform: Option<String>,
    /// Price a month, USD.
    pub usd_month: f64,
    /// Price a year if paid yearly, USD.
    #[serde(default)]
    pub usd_year: Option<f64>,
    /// Requests that may be in flight at once; `None` if no limit is published.
    #[serde(default)]
    pub concurrency: Option<u32>,
    /// First day on which it holds, UTC.
    #[serde(deserialize_with = "day")]
    pub from: NaiveDate,
    /// Last day on which it holds, UTC; `None` if it still did when it was checked.
    #[serde(default, deserialize_with = "some_day")]
    pub to: Option<NaiveDate>,
    /// When its sources were last read.
    #[serde(default, deserialize_with = "some_day")]
    pub checked: Option<NaiveDate>,
    /// Where the facts are published.
    #[serde(default)]
    pub sources: Vec<String>,
    /// What is not known.
    #[serde(default)]
    pub unknown: Vec<String>,
    /// Another plan of the file that offers the same models at the same prices.
    #[serde(default)]
    pub models_of: Option<String>,
    /// What is limited.
    pub allowance: Rule,
    /// The windows of the allowance; every one of them limits it.
    #[serde(default)]
    pub window: Vec<PlanWindow>,
    /// The models that it offers; all if empty.
    #[serde(default)]
    pub model: Vec<PlanModel>,
}

/// What the allowance of a plan limits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The unit.
    pub kind: Allowance,
}

/// The unit of an allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allowance {
    /// Use at the plan's own prices, multiplied by the model's factor, USD.
    Usd,
    /// Prompt and output tokens.
    Tokens,
    /// Requests.
    Requests,
    /// Only a percentage is shown.
    Percent,
    /// The limits are not known.
    Unknown,
}

impl Allowance {
    /// Whether the windows have limits that calls can be compared with.
    pub const fn is_countable(self) -> bool {
        matches!(self, Self::Usd | Self::Tokens | Self::Requests)
    }
}

/// A window of an allowance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanWindow {
    /// Its length, hours.
    pub hours: f64,
    /// Its limit in the unit of the allowance; `None` if only a percentage is shown.
    #[serde(default)]
    pub limit: Option<f64>,
    /// When it starts.
    #[serde(default)]
    pub starts: Starts,
}

/// When a window starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Starts {
    /// With the first request after the last window.
    #[default]
    FirstUse,
    /// At any time: the last hours count.
    Rolling,
    /// One after the other from the first day of the traffic.
    Period,
}

/// A model that a plan offers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanModel {
    /// Its id in the public catalogue.
    pub model: String,
    /// Multiplies its use.
    #[serde(default = "one")]
    pub factor: f64,
    /// Price of prompt tokens in the plan, USD per million.
    #[serde(default)]
    pub input: Option<f64>,
    /// Price of prompt tokens that are found in the cache, USD per million.
    #[serde(default)]
    pub cache_read: Option<f64>,
    /// Price of output tokens, USD per million.
    #[serde(default)]
    pub output: Option<f64>,
    /// Hours in which its use counts more.
    #[serde(default)]
    pub peak: Option<Peak>,
}

/// Hours of the day in which the use of a model counts more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peak {
    /// Multiplies its use, besides the factor of the model.
    pub factor: f64,
    /// First hour, UTC.
    pub from_hour: u32,
    /// The hour, UTC, before which it ends.
    pub to_hour: u32,
    /// Whether it holds on Mondays to Fridays only.
    #[serde(default)]
    pub weekdays_only: bool,
}

impl PlanModel {
    /// What multiplies the use of a call at a time.
    pub fn factor_at(&self, at: DateTime<Utc>) -> f64 {
        let is_weekend = matches!(at.weekday(), Weekday::Sat | Weekday::Sun);
        let holds = |peak: &&Peak| {
            (peak.from_hour..peak.to_hour).contains(&at.hour()) && !(peak.weekdays_only && is_weekend)
        };
        self.factor * self.peak.as_ref().filter(holds).map_or(1.0, |peak| peak.factor)
    }
}

const fn one() -> f64 {
    1.0
}

/// An error in a file of plans.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum PlanError {
    /// It is not valid TOML, or a field is missing, unknown or of the wrong type.
    #[error("{path}: {source}")]
    Toml { path: String, source: Box<toml::de::Error> },
    /// A value that is impossible for a plan.
    #[error("{path}: plan `{plan}`: `{key}` is {found}, {wanted}")]
    Value { path: String, plan: String, key: String, found: String, wanted: String },
    /// The same plan twice on some days.
    #[error("{path}: two rows of plan `{plan}` hold on {day}; set `to` of the earlier one to an earlier day")]
    Overlap { path: String, plan: String, day: NaiveDate },
    /// The file contains no plan.
    #[error("{path}: no plan found; expected [[plan]] tables, as in data/plans.toml of the source code")]
    Empty { path: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    plan: Vec<Plan>,
}

/// The plans that ship with the program.
///
/// # Errors
/// Never for the embedded file, which a test reads.
pub fn shipped_plans() -> Result<Vec<Plan>, PlanError> {
    read(SHIPPED, "data/plans.toml")
}

/// Reads a file of plans; error messages refer to it as `path`.
///
/// # Errors
/// [`PlanError`], with line, plan and field if applicable.
pub fn read(text: &str, path: &str) -> Result<Vec<Plan>, PlanError> {
    let file: File = toml::from_str(text)
        .map_err(|source| PlanError::Toml { path: path.to_owned(), source: Box::new(source) })?;
    if file.plan.is_empty() {
        return Err(PlanError::Empty { path: path.to_owned() });
    }
    for plan in &file.plan {
        Check { path, plan }.all()?;
    }
    let mut plans = file.plan.clone();
    for plan in &mut plans {
        let Some(other) = &plan.models_of else { continue };
        let found = file.plan.iter().find(|one| one.name == *other && one.models_of.is_none());
        let Some(found) = found else {
            let wanted = "it must name a plan of the same file that lists its models itself";
            return Err(Check { path, plan }.wrong("models_of", format!("{other:?}"), wanted));
        };
        plan.model.clone_from(&found.model);
    }
    overlap(&plans, path)?;
    Ok(plans)
}

/// Rejects two rows of one plan that hold on the same day.
fn overlap(plans: &[Plan], path: &str) -> Result<(), PlanError> {
    for (at, plan) in plans.iter().enumerate() {
        for other in plans[at + 1..].iter().filter(|other| other.name == plan.name) {
            let day = plan.from.max(other.from);
            if [plan, other].iter().all(|one| one.to.is_none_or(|to| day <= to)) {
                return Err(PlanError::Overlap { path: path.to_owned(), plan: plan.name.clone(), day });
            }
        }
    }
    Ok(())
}

/// Checks one plan.
struct Check<'a> {
    path: &'a str,
    plan: &'a Plan,
}

impl Check<'_> {
    fn wrong(&self, key: &str, found: impl Into<String>, wanted: &str) -> PlanError {
        PlanError::Value {
            path: self.path.to_owned(),
            plan: self.plan.name.chars().take(60).collect(),
            key: key.to_owned(),
            found: found.into(),
            wanted: wanted.to_owned(),
        }
    }

    fn above_zero(&self, key: &str, value: f64) -> Result<(), PlanError> {
        let fits = value.is_finite() && value > 0.0;
        if fits { Ok(()) } else { Err(self.wrong(key, value.to_string(), "it must be a number above 0")) }
    }

    fn all(&self) -> Result<(), PlanError> {
        let plan = self.plan;
        let letters = plan.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if plan.name.is_empty() || plan.name.len() > 60 || !letters {
            let found = format!("{:?}", plan.name.chars().take(60).collect::<String>());
            return Err(self.wrong(
                "name",
                found,
                "it must be 1 to 60 lower-case letters, digits and hyphens",
            ));
        }
        self.above_zero("usd_month", plan.usd_month)?;
        plan.usd_year.map_or(Ok(()), |usd| self.above_zero("usd_year", usd))?;
        if plan.concurrency == Some(0) {
            return Err(self.wrong("concurrency", "0", "it must be 1 or more; omit it if there is no limit"));
        }
        if let Some(to) = plan.to.filter(|to| *to < plan.from) {
            return Err(self.wrong("to", to.to_string(), "it must not be before `from`"));
        }
        if plan.models_of.is_some() && !plan.model.is_empty() {
            return Err(self.wrong("models_of", "set", "it cannot be combined with [[plan.model]] tables"));
        }
        self.windows()?;
        self.models()
    }

    fn windows(&self) -> Result<(), PlanError> {
        let kind = self.plan.allowance.kind;
        if kind.is_countable() && self.plan.window.is_empty() {
            return Err(self.wrong(
                "window",
                "missing",
                "an allowance needs at least one [[plan.window]] table",
            ));
        }
        for window in &self.plan.window {
            if !(LEAST_HOURS..=MOST_HOURS).contains(&window.hours) {
                let wanted = format!("it must be at least a minute (0.0167) and at most {MOST_HOURS} hours");
                return Err(self.wrong("window.hours", window.hours.to_string(), &wanted));
            }
            match window.limit {
                Some(limit) if kind.is_countable() => self.above_zero("window.limit", limit)?,
                Some(limit) => {
                    let wanted = "it must be omitted if the allowance is `percent` or `unknown`";
                    return Err(self.wrong("window.limit", limit.to_string(), wanted));
                }
                None if kind.is_countable() => {
                    return Err(self.wrong(
                        "window.limit",
                        "missing",
                        "it must be set for this kind of allowance",
                    ));
                }
                None => {}
            }
        }
        Ok(())
    }

    fn models(&self) -> Result<(), PlanError> {
        let mut names = BTreeSet::new();
        for model in &self.plan.model {
            if model.model.trim().is_empty() {
                return Err(self.wrong(
                    "model.model",
                    "empty",
                    "it must be the id of a model, such as author/name",
                ));
            }
            if !names.insert(&model.model) {
                return Err(self.wrong(
                    "model.model",
                    format!("{:?}", model.model),
                    "it must be listed only once",
                ));
            }
            self.above_zero("model.factor", model.factor)?;
            if let Some(peak) = &model.peak {
                self.above_zero("model.peak.factor", peak.factor)?;
                if peak.from_hour >= peak.to_hour || peak.to_hour > 24 {
                    let found = format!("{} to {}", peak.from_hour, peak.to_hour);
                    return Err(self.wrong(
                        "model.peak",
                        found,
                        "it must be two hours from 0 to 24, in order",
                    ));
                }
            }
            let prices = [("input", model.input), ("cache_read", model.cache_read), ("output", model.output)];
            for (key, price) in prices {
                if let Some(price) = price.filter(|price| !price.is_finite() || *price < 0.0) {
                    return Err(self.wrong(
                        &format!("model.{key}"),
                        price.to_string(),
                        "it must be 0 or more",
                    ));
                }
            }
            if model.input.is_some() != model.output.is_some()
                || (model.cache_read.is_some() && model.input.is_none())
            {
                let wanted = "`input` and `output` must be set together";
                return Err(self.wrong("model.input", "without the other", wanted));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = r#"
        [[plan]]
        name = "mine"
        title = "My plan"
        usd_month = 20
        from = 2026-01-01
        allowance = { kind = "usd" }
        window = [{ hours = 5, limit = 12.0 }]
        model = [{ model = "a/b", factor = 2.0, input = 1.0, output = 2.0 }]
    "#;

    fn refused(from: &str, to: &str) -> String {
        assert!(OWN.contains(from), "{from}");
        read(&OWN.replace(from, to), "plans.toml").expect_err(to).to_string()
    }

    #[test]
    fn shipped_plans_have_sources_and_say_what_is_unknown() {
        let plans = shipped_plans().expect("valid");
        for plan in &plans {
            assert!(!plan.sources.is_empty() && plan.checked.is_some(), "{}", plan.name);
            assert!(plan.sources.iter().all(|source| source.starts_with("https://")), "{}", plan.name);
            assert!(plan.allowance.kind.is_countable() || !plan.unknown.is_empty(), "{}", plan.name);
        }
        let of = |name: &str| plans.iter().find(|plan| plan.name == name).expect(name);
        assert_eq!(of("ollama-cloud-pro").window[0].limit, Some(60.0));
        assert_eq!(of("ollama-cloud-max").model, of("ollama-cloud-pro").model, "by models_of");
        assert_eq!(of("opencode-go").model[0].factor, 4.0);
    }

    #[test]
    fn use_counts_more_in_peak_hours() {
        let plans = shipped_plans().expect("valid");
        let pro = plans.iter().find(|plan| plan.name == "ollama-cloud-pro").expect("shipped");
        let of = |model: &str, at: &str| {
            let model = pro.model.iter().find(|one| one.model == model).expect("offered");
            model.factor_at(at.parse().expect("a time"))
        };
        // 2 November 2026 is a Monday.
        assert_eq!(of("deepseek/deepseek-v4-pro", "2026-11-02T11:59:59Z"), 1.0);
        assert_eq!(of("deepseek/deepseek-v4-pro", "2026-11-02T12:00:00Z"), 2.0);
        assert_eq!(of("deepseek/deepseek-v4-pro", "2026-11-02T18:00:00Z"), 1.0);
        assert_eq!(of("deepseek/deepseek-v4-pro", "2026-11-01T13:00:00Z"), 1.0, "a Sunday");
        assert_eq!(of("z-ai/glm-5.3", "2026-11-02T13:00:00Z"), 1.0);
    }

    #[test]
    fn every_error_of_an_own_file_names_plan_and_field() {
        assert_eq!(read(OWN, "plans.toml").expect("valid")[0].window[0].starts, Starts::FirstUse);
        for (from, to, said) in [
            ("\"mine\"", "\"My plan\"", "`name` is \"My plan\", it must be 1 to 60 lower-case"),
            ("usd_month = 20", "usd_month = 0", "plan `mine`: `usd_month` is 0, it must be a number above 0"),
            ("usd_month = 20", "usd_month = nan", "`usd_month` is NaN"),
            ("usd_month = 20", "usd_month = 20\nusd_year = -1", "`usd_year` is -1"),
            ("usd_month = 20", "usd_month = 20\nconcurrency = 0", "`concurrency` is 0"),
            ("usd_month = 20", "usd_month = 20\nprice = 1", "unknown field `price`"),
            ("usd_month = 20", "", "missing field `usd_month`"),
            ("from = 2026-01-01", "from = 2026-01-01\nto = 2025-12-31", "`to` is 2025-12-31"),
            ("2026-01-01", "\"soon\"", "from"),
            ("kind = \"usd\"", "kind = \"gpu\"", "unknown variant `gpu`"),
            ("window = [{ hours = 5, limit = 12.0 }]", "", "`window` is missing"),
            ("hours = 5,", "hours = 0,", "`window.hours` is 0"),
            ("hours = 5,", "hours = 9000,", "at most 8784 hours"),
            (", limit = 12.0", "", "`window.limit` is missing"),
            ("limit = 12.0", "limit = -1", "`window.limit` is -1"),
            ("kind = \"usd\"", "kind = \"percent\"", "`window.limit` is 12, it must be omitted"),
            ("model = \"a/b\"", "model = \" \"", "`model.model` is empty"),
            ("factor = 2.0", "factor = 0", "`model.factor` is 0"),
            (
                "factor = 2.0",
                "peak = { factor = 2.0, from_hour = 18, to_hour = 12 }",
                "`model.peak` is 18 to 12",
            ),
            ("input = 1.0", "input = -1.0", "`model.input` is -1"),
            ("input = 1.0, ", "", "`input` and `output` must be set together"),
            ("from = 2026-01-01", "from = 2026-01-01\nmodels_of = \"x\"", "cannot be combined"),
        ] {
            let found = refused(from, to);
            assert!(found.starts_with("plans.toml") && found.contains(said), "{to}: {found}");
        }
        let twice = "model = [{ model = \"a/b\" }, { model = \"a/b\" }]";
        assert!(
            refused("model = [{ model = \"a/b\", factor = 2.0, input = 1.0, output = 2.0 }]", twice)
                .contains("only once")
        );
        let other = refused(
            "model = [{ model = \"a/b\", factor = 2.0, input = 1.0, output = 2.0 }]",
            "models_of = \"x\"",
        );
        assert!(other.contains("`models_of` is \"x\""), "{other}");
        assert!(read("", "plans.toml").expect_err("empty").to_string().contains("no plan found"));
        assert!(read("[[plan]", "plans.toml").expect_err("no TOML").to_string().starts_with("plans.toml"));
        let overlap = read(&format!("{OWN}{OWN}"), "plans.toml").expect_err("overlap").to_string();
        assert!(overlap.contains("two rows of plan `mine` hold on 2026-01-01"), "{overlap}");
        let ended = OWN.replace("from = 2026-01-01", "from = 2025-01-01\nto = 2025-12-31");
        assert_eq!(read(&format!("{ended}{OWN}"), "plans.toml").expect("one after the other").len(), 2);
    }
}
