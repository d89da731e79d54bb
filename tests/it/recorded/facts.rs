//! The facts that the upstream publishes about endpoints on the recorded days, and their effect on limits, choices and
//! costs.

use std::path::Path;
use std::process::Command;

use chrono::{DateTime, Utc};
use hitrate::cost::{CostOfModel, EndpointCost, OwnNumbers, compare};
use hitrate::domain::limits::Limits;
use hitrate::domain::workload::{CacheTtl, Workload};
use hitrate::preferences::{Mode, PreferenceOptions, advise};
use hitrate::snapshot::Snapshot;

use crate::binary::Server;
use crate::rig::{at, folder};
use crate::upstream::{collect_from, pipeline};

use super::{json, recordings};

/// On the newest recorded day, 2026-08-07.
pub fn are_obeyed(snapshot: &Snapshot) {
    prompts_have_a_limit_of_their_own(snapshot);
    writes_for_an_hour_are_dearer(snapshot);
}

fn of<'a>(cost: &'a CostOfModel, tag: &str) -> &'a EndpointCost {
    cost.endpoints.iter().find(|one| one.tag.as_str() == tag).unwrap_or_else(|| panic!("no endpoint {tag}"))
}

fn agent(snapshot: &Snapshot) -> &Workload {
    snapshot.workloads.iter().find(|one| one.name == "coding-agent").expect("shipped")
}

fn prompts_have_a_limit_of_their_own(snapshot: &Snapshot) {
    let model = snapshot.model("z-ai/glm-5.1").expect("recorded");
    let own = |first_prompt: f64| {
        let own = OwnNumbers { turns: Some(1), first_prompt: Some(first_prompt), ..OwnNumbers::default() };
        own.over(agent(snapshot)).expect("a session")
    };
    for (prompt, is_choice) in [(169_984.0, true), (180_500.0, false)] {
        let workload = own(prompt - agent(snapshot).new_input);
        assert_eq!(workload.longest_prompt(), prompt);
        let cost = compare(snapshot, model, &workload);
        assert_eq!(of(&cost, "alibaba/fp8").is_choice, is_choice, "{:?}", of(&cost, "alibaba/fp8").why);
    }
    for (context, is_ignored) in [(169_984, false), (180_000, true)] {
        let limits = Limits { context: Some(context), ..Limits::default() };
        let options = PreferenceOptions { mode: Mode::Avoid, workload: "coding-agent", limits: &limits };
        let preference = advise(snapshot, model, &options, snapshot.as_of);
        let ignored = preference.provider.and_then(|object| object.ignore).unwrap_or_default();
        assert_eq!(ignored.contains(&"alibaba/fp8".to_owned()), is_ignored, "{context}: {ignored:?}");
    }
}

fn writes_for_an_hour_are_dearer(snapshot: &Snapshot) {
    let model = snapshot.model("anthropic/claude-sonnet-4.5").expect("recorded");
    let cost = |ttl| {
        let own = OwnNumbers { cache_ttl: Some(ttl), ..OwnNumbers::default() };
        let workload = own.over(agent(snapshot)).expect("a session");
        of(&compare(snapshot, model, &workload), "anthropic").parts.expect("priced").writes
    };
    // A cache write for five minutes costs 1.25 times the input price, one for an hour costs twice the input price.
    let (short, long) = (cost(CacheTtl::FiveMinutes), cost(CacheTtl::OneHour));
    assert!(short > 0.0 && (long / short - 4.0).abs() < 1e-9, "{short} {long}");
}

/// Serves the recorded days with the conditional prices that a file next to them inserts.
const WITH_HOOK: &str = "
import importlib.util, sys
def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
serve, hook = load(sys.argv.pop(1), 'serve'), load(sys.argv.pop(1), 'hook')
read = serve.Day.__init__
def edited(self, folder):
    read(self, folder)
    hook.edit(self.models, list(self.stats.values()))
serve.Day.__init__ = edited
serve.main()
";

/// The newest recorded day with these conditional prices, collected at a given time.
async fn collected(kept: &Path, hook: &Path, time: DateTime<Utc>) -> std::sync::Arc<Snapshot> {
    let mut serve = Command::new("python3");
    serve.arg("-c").arg(WITH_HOOK).arg(kept.join("replay/serve.py")).arg(hook);
    let server = Server::start(serve.arg("--data").arg(kept.join("recorded")));
    json(&server, "POST", "/_replay/day/2026-08-07");
    let data = folder();
    let pipeline = pipeline(data.path());
    let report = collect_from(&pipeline, &server.url, time).await;
    assert!(!report.quarantined.contains_key("unknown_condition"), "{:?}", report.quarantined);
    pipeline.publish().expect("published")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prices_of_weekdays_and_weekends_count_on_their_days() {
    let Some(kept) = recordings() else { return };
    let hook = kept.join("../bug-cases/20-hook-utc-days.py");
    if !hook.is_file() {
        eprintln!("skipped: the conditional prices ({} does not exist)", hook.display());
        return;
    }
    // 2026-08-07 is a Friday. Prices double on weekdays at 02:00 at one host, and halve on weekends at the other.
    for (time, peak, weekend) in [
        ("2026-08-07T02:00:00Z", "0.1092", "0.434"),
        ("2026-08-07T12:00:00Z", "0.0546", "0.434"),
        ("2026-08-08T02:00:00Z", "0.0543", "0.217"),
    ] {
        let snapshot = collected(&kept, &hook, at(time)).await;
        let model = snapshot.model("deepseek/deepseek-v4-flash").expect("recorded");
        let cost = compare(&snapshot, model, agent(&snapshot));
        let [first, second] = ["deepseek", "baidu/fp8"].map(|tag| of(&cost, tag).cost.expect("priced"));
        assert_eq!(
            (format!("{first:.4}"), format!("{second:.3}")),
            (peak.to_owned(), weekend.to_owned()),
            "{time}"
        );
        let published = model.endpoints.iter().find(|one| one.tag.as_str() == "deepseek").expect("there");
        assert_eq!(published.session_cost.get("coding-agent"), of(&cost, "deepseek").cost.as_ref());
    }
}
