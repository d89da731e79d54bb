//! The answer of a page: the hosts to use, what that saves, and the config to copy, for any mode and tool.

use super::choice::Choice;
use super::facts::terms;
use super::shell::View;
use super::week::Week;
use super::{Tab, When, format, link};
use crate::cost::{CostOfModel, EndpointCost};
use crate::domain::limits::Limits;
use crate::preferences::targets::{File, TARGETS, Target};
use crate::preferences::{Compared, Mode, Preference, PreferenceOptions, Saving, advise, of_endpoint};
use crate::prepared::Purpose;
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};
use crate::wording::price_list;
use askama::Template;
use askama::filters::HtmlSafe;
use chrono::{DateTime, Utc};

/// The modes of a model's page, in the order of the page.
const OF_MODEL: [Mode; 3] = [Mode::DEFAULT, Mode::Pin, Mode::Avoid];
/// The modes of an endpoint's page.
const OF_ENDPOINT: [Mode; 2] = [Mode::Pin, Mode::Avoid];
/// Maximum number of hosts shown.
const HOSTS: usize = 4;

/// A host that a preference names.
#[derive(Debug, Clone)]
struct Host<'a> {
    of: &'a Endpoint,
    href: String,
    /// Cost of a session with its interval.
    session: Option<(String, Option<String>)>,
    hit_rate: Option<String>,
    terms: String,
}

/// What a preference is expected to save, in words.
#[derive(Debug, Clone)]
struct Saved {
    /// `Saves 14 %`, or `Costs 14 % more`.
    head: String,
    /// Whether it costs more.
    is_loss: bool,
    /// What it is compared with, and the interval.
    against: String,
    /// Both costs of a session.
    costs: Option<String>,
}

/// The card at the top of a page.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/answer.html")]
pub struct Answer<'a> {
    title: &'static str,
    about: &'static str,
    workload: String,
    hosts: Vec<Host<'a>>,
    more: usize,
    saved: Option<Saved>,
    /// The comparison with the lowest list price.
    listed: Option<String>,
    speed: Option<String>,
    modes: Vec<Tab>,
    /// The modes that are not offered, each with its reason.
    refused: Vec<(Mode, String)>,
    tools: Vec<Tab>,
    /// Titles and texts of the other tools, on a page that cannot answer another choice.
    texts: Vec<(&'static str, File)>,
    target: &'static Target,
    mode: Mode,
    /// The config to copy; `None` for the reason in `why_none`. With a reason, it consists of the limits alone.
    config: Option<File>,
    why_none: Option<String>,
    /// What the target does not support, and warnings.
    notes: Vec<String>,
    stickiness: String,
    session_id: String,
    router_default: String,
    /// The same preference in the API, if the API makes it.
    json: Option<String>,
    /// How often the recommendation changed.
    record: Option<String>,
    valid_until: When,
}
impl HtmlSafe for Answer<'_> {}

/// A preference in one mode, and why the page does not offer it.
#[derive(Clone)]
struct Made {
    preference: Preference,
    refused: Option<String>,
}

/// What an answer is about.
struct Subject<'a, 'b> {
    snapshot: &'a Snapshot,
    model: &'a ModelEntry,
    choice: &'b Choice,
    path: &'b str,
    modes: &'b [Mode],
    /// Whether the page is served or written to a file. A file cannot answer another choice, so it has the texts of all
    /// tools.
    purpose: Purpose,
}

/// The answer of a model's page: the preference that the API gives for the same mode, tool and limits.
pub fn of_model<'a>(
    view: &'a View,
    model: &'a ModelEntry,
    costs: Option<&CostOfModel>,
    choice: &Choice,
) -> Answer<'a> {
    let (snapshot, now) = (view.snapshot.as_ref(), view.now);
    let path = link::model(&model.model_id);
    let subject = Subject { snapshot, model, choice, path: &path, modes: &OF_MODEL, purpose: view.purpose };
    let mut answer = subject.answer(costs, |mode| made(snapshot, model, mode, &choice.limits, now));
    let query = choice.api_query(answer.mode, answer.target);
    answer.json = Some(format!("{}?{query}", link::preference_json(&model.model_id)));
    let is_recorded = choice.limits.is_empty() && answer.mode == Mode::DEFAULT && !answer.hosts.is_empty();
    answer.record = record(model).filter(|_| is_recorded);
    if !choice.errors.is_empty() {
        answer.withhold("a value of the address is invalid");
    }
    answer
}

/// The preference of a model in a mode under the default workload, and why its page does not offer it.
fn made(snapshot: &Snapshot, model: &ModelEntry, mode: Mode, limits: &Limits, now: DateTime<Utc>) -> Made {
    let options = PreferenceOptions { mode, workload: snapshot.default_workload(), limits };
    let preference = advise(snapshot, model, &options, now);
    let refused = refused(&preference);
    Made { preference, refused }
}

impl Answer<'_> {
    /// Removes the recommendation and all configs: they would ignore a choice of the reader.
    fn withhold(&mut self, why: &str) {
        (self.title, self.about) = ("No recommendation", "");
        self.hosts.clear();
        self.texts.clear();
        (self.more, self.config) = (0, None);
        (self.saved, self.listed, self.speed) = (None, None, None);
        self.why_none = Some(why.to_owned());
    }
}

/// The answer of an endpoint's page, whose address is `path`: how to use it alone, or how to avoid it.
pub fn of_one<'a>(
    view: &'a View,
    (model, endpoint): (&'a ModelEntry, &'a Endpoint),
    path: &str,
    costs: Option<&CostOfModel>,
    choice: &Choice,
) -> Answer<'a> {
    let (snapshot, now) = (view.snapshot.as_ref(), view.now);
    let subject = Subject { snapshot, model, choice, path, modes: &OF_ENDPOINT, purpose: view.purpose };
    let make = |mode| {
        let preference = of_endpoint(snapshot, model, endpoint, mode, now);
        let refused = preference.reason.clone();
        Made { preference, refused }
    };
    subject.answer(costs, make)
}

/// The recommendation for a model, the same on all pages and in the API: the preference in the default mode, without
/// limits; `None` if it is withheld.
pub fn offered(snapshot: &Snapshot, model: &ModelEntry, now: DateTime<Utc>) -> Option<Preference> {
    let made = made(snapshot, model, Mode::DEFAULT, &Limits::default(), now);
    made.refused.is_none().then_some(made.preference)
}

/// The endpoints that a preference admits, the best first; empty if it only excludes some.
pub fn admitted<'a>(model: &'a ModelEntry, preference: &Preference) -> Vec<&'a Endpoint> {
    if preference.mode == Mode::Avoid {
        return Vec::new();
    }
    let named = |tag: &str| model.endpoints.iter().find(|e| e.tag.as_str() == tag);
    preference.evidence.iter().filter_map(|one| named(&one.tag)).collect()
}

/// The endpoints that the recommendation for a model admits, the best first; empty without any.
pub fn recommended<'a>(snapshot: &Snapshot, model: &'a ModelEntry, now: DateTime<Utc>) -> Vec<&'a Endpoint> {
    offered(snapshot, model, now).map_or_else(Vec::new, |offered| admitted(model, &offered))
}

/// Why a mode is not offered: the reason why there is no preference.
fn refused(preference: &Preference) -> Option<String> {
    let is_withheld = preference.provider.is_none();
    is_withheld.then(|| preference.reason.clone().unwrap_or_else(|| "there is no preference".to_owned()))
}

fn record(model: &ModelEntry) -> Option<String> {
    let record = model.recommendation?;
    let days = format::counted(record.days as usize, "day", "days");
    let since = format::short_day(record.since);
    Some(match record.changes {
        0 => {
            format!("This recommendation did not change on the {days} of the last 30 with a recommendation.")
        }
        changes => {
            let times = format::counted(changes as usize, "time", "times");
            format!(
                "This recommendation changed {times} on the {days} of the last 30 with a recommendation; the present \
                 one dates from {since}."
            )
        }
    })
}

impl<'a> Subject<'a, '_> {
    fn answer(&self, costs: Option<&CostOfModel>, make: impl Fn(Mode) -> Made) -> Answer<'a> {
        let made: Vec<Made> = self.modes.iter().map(|mode| make(*mode)).collect();
        // A model's page begins with the mode that the API has as its default, also if that is withheld.
        let given = made.iter().find(|one| one.refused.is_none() && self.modes != OF_MODEL);
        let first = given.map_or(self.modes[0], |one| one.preference.mode);
        let of = |mode: Mode| {
            let known = made.iter().find(|one| one.preference.mode == mode);
            known.cloned().unwrap_or_else(|| make(mode))
        };
        let target = self.choice.tool();
        let wanted = self.choice.mode.filter(|mode| self.modes == OF_MODEL || self.modes.contains(mode));
        let wanted = wanted.unwrap_or(first);
        let mode = target.mode(wanted);
        let Made { preference, refused } = of(mode);
        let rendered = target.render(&preference, self.model);
        let config = rendered.files.into_iter().next().filter(|_| is_given(&preference, refused.as_ref()));
        let mut notes = rendered.notes;
        let why_none = match (&config, &refused) {
            // With a config there is a reason only if the config consists of the limits.
            (_, Some(why)) => Some(quoted(why)),
            (Some(_), None) => None,
            // The first note of a target without a text is the reason.
            (None, None) => notes.first().map(|why| quoted(why)),
        };
        notes.extend(preference.warnings.iter().cloned());
        notes.retain(|note| why_none.as_ref().is_none_or(|why| !quoted(note).ends_with(why.as_str())));
        let is_offered = preference.provider.is_some() && refused.is_none();
        let evidence = preference.evidence.iter().filter(|_| is_offered);
        let named: Vec<&Endpoint> = evidence.filter_map(|one| self.named(&one.tag)).collect();
        let (title, about) = words(mode, named.len());
        let saving = Some(&preference.saving).filter(|_| is_offered);
        Answer {
            title: if is_offered { title } else { "No recommendation" },
            about: if is_offered { about } else { "" },
            workload: self.snapshot.default_title(),
            more: named.len().saturating_sub(HOSTS),
            hosts: named.iter().take(HOSTS).map(|of| self.host(of, costs)).collect(),
            saved: saving.and_then(saved),
            listed: saving.and_then(listed),
            speed: preference.speed.text.clone().filter(|_| is_offered),
            modes: self.mode_tabs(&made, mode, first),
            refused: (made.iter())
                .filter_map(|one| Some((one.preference.mode, quoted(one.refused.as_ref()?))))
                .filter(|(refused, _)| *refused != mode)
                .collect(),
            tools: self.tool_tabs(target),
            texts: self.texts(target, |target| of(target.mode(wanted))),
            target,
            mode,
            config,
            why_none,
            notes: notes.iter().map(|note| quoted(note)).collect(),
            stickiness: quoted(&rendered.stickiness),
            session_id: quoted(&preference.session_id),
            router_default: quoted(&preference.router_default),
            json: None,
            record: None,
            valid_until: When::new(preference.valid_until),
        }
    }

    /// The texts of all other tools, if the page is a file.
    fn texts(&self, current: &Target, of: impl Fn(&Target) -> Made) -> Vec<(&'static str, File)> {
        let others = TARGETS.iter().filter(|target| target.name != current.name);
        let text = |target: &'static Target| {
            let Made { preference, refused } = of(target);
            let rendered = target.render(&preference, self.model);
            let file = rendered.files.into_iter().next();
            Some((target.title, file.filter(|_| is_given(&preference, refused.as_ref()))?))
        };
        others.filter(|_| self.purpose == Purpose::Files).filter_map(text).collect()
    }

    fn named(&self, tag: &str) -> Option<&'a Endpoint> {
        self.model.endpoints.iter().find(|endpoint| endpoint.tag.as_str() == tag)
    }

    fn host(&self, of: &'a Endpoint, costs: Option<&CostOfModel>) -> Host<'a> {
        let found = costs.and_then(|costs| costs.endpoints.iter().find(|e| e.endpoint_id == of.endpoint_id));
        Host {
            href: link::endpoint_of(self.model, of),
            session: found.and_then(session),
            hit_rate: Week::of(of, self.snapshot).hit_rate.map(format::percent),
            terms: terms(of),
            of,
        }
    }

    /// The modes that are offered, and the current one.
    fn mode_tabs(&self, made: &[Made], current: Mode, first: Mode) -> Vec<Tab> {
        let offered = made.iter().filter(|one| one.refused.is_none() || one.preference.mode == current);
        let mut modes: Vec<Mode> = offered.map(|one| one.preference.mode).collect();
        if !modes.contains(&current) {
            modes.push(current);
        }
        let tab = |mode: Mode| Tab {
            href: self.choice.with_mode(self.path, Some(mode).filter(|mode| *mode != first)),
            label: mode.to_string(),
            current: mode == current,
        };
        modes.into_iter().map(tab).collect()
    }

    fn tool_tabs(&self, current: &Target) -> Vec<Tab> {
        if self.purpose == Purpose::Files {
            return Vec::new();
        }
        let tab = |target: &Target| Tab {
            href: self.choice.with_tool(self.path, target),
            label: target.title.to_owned(),
            current: target.name == current.name,
        };
        TARGETS.iter().map(tab).collect()
    }
}

/// Whether the text of a preference is shown: it is offered, or its text consists of the limits alone.
fn is_given(preference: &Preference, refused: Option<&String>) -> bool {
    refused.is_none() || preference.provider.is_none()
}

/// The heading of a card and what its mode does.
fn words(mode: Mode, hosts: usize) -> (&'static str, &'static str) {
    match (mode, hosts) {
        (Mode::Avoid, 1) => ("Block this host", "OpenRouter picks among the rest."),
        (Mode::Avoid, _) => ("Block these hosts", "OpenRouter picks among the rest."),
        (Mode::Order, _) => ("Try these hosts in this order", "Sticky routing is off."),
        (_, 1) => ("Use this host", "Requests fail if it is down."),
        _ => ("Use these hosts", "OpenRouter picks among them."),
    }
}

/// The cost of a session with its interval, if the two ends differ.
pub fn session(of: &EndpointCost) -> Option<(String, Option<String>)> {
    let cost = of.cost.filter(|cost| cost.is_finite())?;
    let usd = format::usd_column([Some(cost), of.low, of.high].into_iter().flatten());
    let ends = of.low.zip(of.high).filter(|(low, high)| low < high);
    Some((usd(cost), ends.map(|(low, high)| format!("{} to {}", usd(low), usd(high)))))
}

/// A comparison as a head and its 90 % interval.
fn head(compared: &Compared) -> Option<(String, bool, String)> {
    let share = compared.fraction.filter(|share| share.is_finite())?;
    let costs = share < 0.0;
    let ends = compared.low.zip(compared.high).map(|(low, high)| {
        let (low, high) = if costs { (-high, -low) } else { (low, high) };
        format!(" (90 % interval: {} to {})", format::percent(low), format::percent(high))
    });
    let head = if costs {
        format!("Costs {} more", format::percent(-share))
    } else {
        format!("Saves {}", format::percent(share))
    };
    Some((head, costs, ends.unwrap_or_default()))
}

/// The saving against the traffic; `None` if it is unknown.
fn saved(saving: &Saving) -> Option<Saved> {
    let compared = &saving.against_traffic_average;
    let (head, is_loss, ends) = head(compared)?;
    let costs = compared.against_usd.zip(compared.usd_per_session).map(|(traffic, saved)| {
        format!("{} instead of {} a session", format::usd(traffic - saved), format::usd(traffic))
    });
    let word = if is_loss { "than" } else { "compared with" };
    Some(Saved { head, is_loss, against: format!("{word} what its traffic pays on average{ends}"), costs })
}

/// The comparison with the lowest list price, as a sentence.
fn listed(saving: &Saving) -> Option<String> {
    let compared = &saving.against_cheapest_list;
    let (head, is_loss, ends) = head(compared)?;
    let hosts = compared.against.as_ref().map_or(1, Vec::len);
    let word = if is_loss { "than" } else { "compared with" };
    Some(format!("{head} {word} always taking {}{ends}.", price_list::reference(hosts)))
}

/// Turns the backticks of terminal text into quotation marks.
pub fn quoted(text: &str) -> String {
    let mut is_open = false;
    text.chars()
        .map(|c| match c {
            '`' => {
                is_open = !is_open;
                if is_open { '“' } else { '”' }
            }
            other => other,
        })
        .collect()
}
