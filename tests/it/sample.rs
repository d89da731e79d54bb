//! A small made-up snapshot with the awkward cases: variants, shared base slugs, outages, phantom caches, hostile
//! names.

use chrono::{DateTime, Datelike, Duration, NaiveDate, Utc};
use hitrate::analysis::share::{TokenDay, traffic_share};
use hitrate::domain::change::{Change, ChangeKind};
use hitrate::domain::document::RouteAnswer;
use hitrate::domain::endpoint::{PriceTier, PublishedFacts};
use hitrate::domain::flag::{Flag, FlagKind, Shown};
use hitrate::domain::hourly::{Refusal, Stretch};
use hitrate::domain::ids::{ModelSlug, ProviderSlug, Tag, Variant, synthetic_endpoint_id};
use hitrate::domain::reading::RunStatus;
use hitrate::domain::session::{CostBasis, ReferenceBasis};
use hitrate::domain::thresholds;
use hitrate::domain::tier::{Lens, Tier};
use hitrate::domain::units::UsdPerMtok;
use hitrate::domain::window::{Basis, WindowKind};
use hitrate::domain::workload::Workload;
use hitrate::snapshot::{
    Backtest, ComparisonAge, DayRange, DriftCount, EffectivePrices, Endpoint, EndpointDay, Exclusions,
    FORMAT, HourlyRate, HourlyRates, ModelEntry, Policy, PolicyCost, Prices, ProviderDay, ProviderEntry,
    ProviderTier, QuarantineCount, RecentReading, RunSummary, Snapshot, SourceAge, Status, Summary,
    TestedDays, TierList, TrafficShare, Verdict,
};
use hitrate::wording;

/// A name that breaks out of HTML if it is not escaped.
pub const HOSTILE_NAME: &str = r#"<script>alert("solo")</script> & 'Solo' 1"#;

const PROVIDERS: [(&str, &str); 5] = [
    ("lumen", "Lumen AI"),
    ("mirage", "Mirage"),
    ("north-cloud", "North Cloud"),
    ("quarry", "Quarry Compute"),
    ("sprout", "Sprout <b>Labs</b>"),
];

/// Time of the newest run of the sample.
pub fn as_of() -> DateTime<Utc> {
    "2026-10-05T15:57:12Z".parse().expect("a time")
}

/// Six decimals, because more digits may differ in the last bit after a round trip through JSON.
fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

fn workloads() -> Vec<Workload> {
    Workload::shipped().expect("data/workloads.toml is valid")
}

fn prices(input: f64) -> Prices {
    Prices {
        input: Some(rounded(input)),
        output: Some(rounded(input * 4.0)),
        cache_read: Some(rounded(input / 10.0)),
        cache_write: None,
        cache_write_1h: None,
    }
}

fn days(hit_rate: f64) -> Vec<EndpointDay> {
    let day = |ago: i64| EndpointDay {
        day: (as_of() - Duration::days(ago)).date_naive(),
        hit_rate: (ago != 4).then_some(rounded((hit_rate + 0.01 * (ago % 3) as f64).min(1.0))),
        basis: (ago != 4).then_some(if ago > 6 { Basis::Derived } else { Basis::Observed }),
        tokens: (ago <= 6).then_some(40_000_000 + 1_000_000 * ago),
        effective_input: Some(0.3),
        effective_output: Some(1.2),
        coverage: Some(if ago == 0 { 0.66 } else { 0.998 }),
        list_input: Some(0.36),
        uptime: (ago <= 6).then_some(0.995),
        throughput: (ago <= 6).then_some(rounded(60.0 + ago as f64)),
        latency_ms: (ago <= 6).then_some(rounded(840.0 - ago as f64)),
    };
    (0..10).rev().map(day).collect()
}

/// An endpoint without any problem; `cost` is the cost of its `coding-agent` session in USD.
pub fn endpoint(model: &str, variant: &Variant, tag: &str, tier: Tier, cost: f64, hit_rate: f64) -> Endpoint {
    let (slug, tag) = (ModelSlug::new(model), Tag::new(tag));
    let provider = ProviderSlug::of_tag(&tag);
    let name = PROVIDERS.iter().find(|(p, _)| *p == provider.as_str()).map_or("Elsewhere", |(_, name)| name);
    let why = format!("a session costs {cost:.2} USD, its peers' median is 0.40 USD");
    let verdict = |tier, value| Verdict::naive(tier, Some(rounded(value)), why.clone());
    let input = cost * 1.5;
    let effective = input * (1.0 - 0.9 * hit_rate);
    let scale = [1.0, 0.031, 0.055, 0.012];
    let session_cost: std::collections::BTreeMap<String, f64> =
        workloads().into_iter().zip(scale).map(|(w, factor)| (w.name, rounded(cost * factor))).collect();
    Endpoint {
        endpoint_id: synthetic_endpoint_id(&slug, variant, &tag),
        provider,
        name: (*name).to_owned(),
        tag,
        facts: PublishedFacts {
            quantization: Some("fp8".to_owned()),
            context_length: Some(262_144),
            max_completion_tokens: Some(65_536),
            trains_on_prompts: Some(false),
            retains_prompts: Some(false),
            parameters: ["max_tokens", "temperature", "tools"].map(str::to_owned).to_vec(),
            ..PublishedFacts::default()
        },
        hit_rate: Some(hit_rate),
        tokens: Some(38_000_000),
        tokens_per_day: Some(52_000_000.0),
        tokens_per_request: Some(9_400.0),
        seasons: None,
        list: prices(input),
        list_window: None,
        price_tiers: Vec::new(),
        effective: EffectivePrices { input: Some(rounded(effective)), output: Some(rounded(input * 4.0)) },
        realised_discount: Some(rounded(effective / input)),
        efficiency: Some(1.0),
        hit_rate_used: None,
        written_share: None,
        identity_error: Some(0.0003),
        status: Some(0),
        uptime_5m: Some(0.999),
        uptime_30m: Some(0.998),
        uptime_1d: Some(0.995),
        availability: None,
        throughput: Some(61.5),
        latency_ms: Some(840.0),
        tier,
        verdicts: [
            (Lens::Cost, verdict(tier, cost / 0.4 - 1.0)),
            (Lens::Cache, verdict(tier, hit_rate - 0.6)),
        ]
        .into(),
        why,
        session_cost: session_cost.clone(),
        session_cost_now: session_cost,
        cost_basis: CostBasis {
            retention: Some(rounded((hit_rate / 0.9).min(1.0))),
            retention_low: Some(rounded((hit_rate / 0.9 - 0.1).clamp(0.0, 1.0))),
            retention_high: Some(rounded((hit_rate / 0.9 + 0.1).min(1.0))),
            reference: Some(0.9),
            reference_basis: Some(ReferenceBasis::Model),
            efficiency: 1.0,
            uptime: Some(0.995),
            availability: None,
        },
        flags: Vec::new(),
        expected_cost: None,
        days: days(hit_rate),
        first_seen: as_of() - Duration::days(40),
        reading_at: as_of(),
    }
}

/// A flag with its numbers.
pub fn flag(kind: FlagKind) -> Flag {
    let (hit_rate, tokens_per_day, days, list_input) = (0.66, 459e6, Some(7), 1.2);
    let (list_cache_read, effective_input) = (0.12, 1.18);
    let status = Some(0);
    wording::flag(match kind {
        FlagKind::Phantom => Shown::Phantom {
            hit_rate,
            tokens_per_day,
            days,
            list_input,
            list_cache_read,
            effective_input: Some(effective_input),
            efficiency: 0.028,
            efficiency_bound: thresholds::PHANTOM_EFFICIENCY,
        },
        FlagKind::NoDiscount => Shown::NoDiscount {
            hit_rate,
            tokens_per_day,
            days,
            list_input,
            list_cache_read: None,
            discount_bound: thresholds::READ_PRICE_DISCOUNT,
        },
        FlagKind::IdentityBreak => Shown::IdentityBreak {
            hit_rate,
            tokens: 38_000_000,
            list_input,
            list_cache_read,
            predicted_input: 0.4872,
            effective_input,
            error: 1.42,
            error_bound: thresholds::IDENTITY_TOLERANCE,
        },
        FlagKind::ImpossiblePrice => Shown::ImpossiblePrice {
            effective_input,
            tokens: Some(38_000_000),
            lowest_list: 2.0,
            highest_list: 3.0,
        },
        FlagKind::Constant => Shown::Constant {
            hit_rate,
            days: 7,
            deviation: 0.0003,
            deviation_bound: thresholds::CONSTANT_MAX_DEVIATION,
        },
        FlagKind::MarkedByClient => Shown::MarkedByClient {
            hit_rate,
            hit_rate_used: 0.82,
            written_share: 0.43,
            written_bound: thresholds::MARKED_MAX_SHARE,
        },
        FlagKind::BilledWrites => Shown::BilledWrites {
            list_cache_write: Some(1.5),
            list_input: Some(list_input),
            multiple: Some(1.25),
            workload: "coding-agent".to_owned(),
            session_share: Some(0.12),
        },
        FlagKind::PriceTiers => {
            let long = PriceTier { min_prompt_tokens: Some(128_000), ..PriceTier::default() };
            Shown::PriceTiers { count: 1, thresholds: vec![128_000], conditions: vec![long] }
        }
        FlagKind::ScheduledPrice => Shown::ScheduledPrice {
            list_input,
            usual_input: 2.0,
            lowest_input: 1.2,
            highest_input: 2.4,
            deviation: -0.4,
            deviation_bound: thresholds::SCHEDULE_MIN_DEVIATION,
            moves: 13,
            returns: 6,
            returns_bound: thresholds::SCHEDULE_MIN_RETURNS,
            at: as_of(),
        },
        FlagKind::Restricted => Shown::Restricted { status },
        FlagKind::Deranked => Shown::Deranked { status },
        FlagKind::Down => {
            Shown::Down { status: Some(-5), disabled: false, uptime_30m: Some(0.34), uptime_1d: Some(0.82) }
        }
        FlagKind::New => Shown::New {
            first_seen: as_of() - Duration::hours(5),
            created_at: None,
            hours: 5,
            hours_bound: thresholds::PREFERENCE_MIN_AGE_HOURS,
        },
    })
}

/// A model without endpoints.
pub fn model(model_id: &str, slug: &str, name: &str) -> ModelEntry {
    ModelEntry {
        model_id: model_id.to_owned(),
        slug: ModelSlug::new(slug),
        variant: Variant::split(model_id).1,
        name: name.to_owned(),
        created: Some(as_of() - Duration::days(60)),
        context_length: Some(262_144),
        hit_rate: Some(0.71),
        tokens_per_day: 260_000_000.0,
        endpoints: Vec::new(),
        aliases: Vec::new(),
        recommendation: None,
    }
}

/// Six endpoints: one good, one good under a bare tag with a bad sibling, one down, one with a phantom cache, one new.
fn atlas() -> ModelEntry {
    let mut atlas = model("northwind/atlas-3", "northwind/atlas-3-20260901", "Northwind: Atlas 3");
    let make = |tag, tier, cost, hit_rate| {
        endpoint("northwind/atlas-3-20260901", &Variant::standard(), tag, tier, cost, hit_rate)
    };
    let mut tiered = make("quarry/fp8", Tier::S, 0.24, 0.86);
    tiered.price_tiers = vec![PriceTier {
        min_prompt_tokens: Some(128_000),
        input: Some(UsdPerMtok("0.72".parse().expect("a price"))),
        ..PriceTier::default()
    }];
    let mut fresh = make("sprout/turbo", Tier::S, 0.26, 0.83);
    fresh.first_seen = as_of() - Duration::hours(5);
    fresh.flags = vec![flag(FlagKind::New)];
    let mut eu = make("north-cloud/eu-west", Tier::F, 1.9, 0.08);
    eu.facts.region = Some("eu-west".to_owned());
    let mut phantom = make("mirage/fp4", Tier::D, 0.81, 0.66);
    phantom.efficiency = Some(0.04);
    phantom.cost_basis.efficiency = 0.04;
    phantom.facts.quantization = Some("fp4".to_owned());
    phantom.flags = vec![flag(FlagKind::Phantom)];
    let mut down = make("lumen", Tier::C, 0.55, 0.4);
    (down.status, down.uptime_5m, down.uptime_30m, down.uptime_1d) =
        (Some(-5), Some(0.21), Some(0.34), Some(0.82));
    down.flags = vec![flag(FlagKind::Down)];
    atlas.endpoints = vec![tiered, fresh, make("north-cloud", Tier::A, 0.33, 0.74), down, phantom, eu];
    atlas
}

/// Four endpoints of four providers: enough for a shortlist of three, and one to avoid.
fn quill() -> ModelEntry {
    let slug = "zephyr/quill-large-20260714";
    let mut quill = model("zephyr/quill-large", slug, "Zephyr: Quill Large");
    let rows = [
        ("lumen/bf16", Tier::S, 0.21, 0.9),
        ("quarry", Tier::A, 0.34, 0.77),
        ("north-cloud/us-east", Tier::B, 0.41, 0.62),
        ("mirage", Tier::F, 1.4, 0.03),
    ];
    quill.endpoints = rows
        .into_iter()
        .map(|(tag, tier, cost, hit_rate)| endpoint(slug, &Variant::standard(), tag, tier, cost, hit_rate))
        .collect();
    quill.tokens_per_day = 190_000_000.0;
    quill
}

fn atlas_free() -> ModelEntry {
    let slug = "northwind/atlas-3-20260901";
    let mut free = model("northwind/atlas-3:free", slug, "Northwind: Atlas 3 (free)");
    let mut only = endpoint(slug, &free.variant, "sprout", Tier::Unrated, 0.0, 0.31);
    only.list = Prices { input: Some(0.0), output: Some(0.0), ..Prices::default() };
    only.effective = EffectivePrices { input: Some(0.0), output: Some(0.0) };
    (only.realised_discount, only.efficiency) = (None, None);
    only.why = "no peers".to_owned();
    only.verdicts.clear();
    only.session_cost.clear();
    only.session_cost_now.clear();
    free.endpoints = vec![only];
    free.tokens_per_day = 9_000_000.0;
    free
}

/// One endpoint without any data, with a hostile name.
fn solo() -> ModelEntry {
    let slug = "tinker/solo-1-20261001";
    let mut solo = model("tinker/solo-1", slug, HOSTILE_NAME);
    let mut only = endpoint(slug, &Variant::standard(), "sprout/fp16", Tier::Unrated, 0.0, 0.0);
    (only.hit_rate, only.tokens, only.tokens_per_day, only.tokens_per_request) = (None, None, None, None);
    (only.effective, only.realised_discount, only.efficiency) = (EffectivePrices::default(), None, None);
    only.cost_basis = CostBasis::default();
    (only.uptime_5m, only.uptime_30m, only.uptime_1d) = (None, None, None);
    (only.identity_error, only.throughput, only.latency_ms) = (None, None, None);
    only.why = "no traffic".to_owned();
    only.verdicts.clear();
    only.session_cost.clear();
    only.session_cost_now.clear();
    only.days.clear();
    solo.endpoints = vec![only];
    (solo.hit_rate, solo.tokens_per_day) = (None, 0.0);
    solo
}

/// The day since which the tiers of the sample have applied.
const SINCE: Option<NaiveDate> = NaiveDate::from_ymd_opt(2026, 8, 3);

fn provider_tier(index: usize, lens: Lens) -> ProviderTier {
    let (slug, name) = PROVIDERS[index];
    let rows = [(Tier::C, -0.08, 0.5), (Tier::F, -0.31, 0.2), (Tier::B, 0.01, 0.6), (Tier::S, 0.22, 0.85)];
    let sign = if lens == Lens::Cost { -1.0 } else { 1.0 };
    let rated = rows.get(index);
    ProviderTier {
        tier: rated.map_or(Tier::Unrated, |row| row.0),
        naive: rated.map_or(Tier::Unrated, |row| row.0),
        since: rated.and(SINCE),
        previous: rated.filter(|row| row.0 == Tier::S).map(|_| Tier::A),
        adjusted: rated.map(|row| sign * row.1),
        traffic_mean: rated.map(|row| row.2),
        model_mean: rated.map(|row| rounded(row.2 - 0.02)),
        models: rated.map_or(1, |_| 4),
        shared_models: rated.map_or(1, |_| 3),
        endpoints: rated.map_or(1, |_| 5),
        tokens_per_day: 160_000_000.0,
        reason: rated.is_none().then(|| "shares only 1 model with other hosts; 3 are needed".to_owned()),
        ..ProviderTier::unrated(ProviderSlug::new(slug), name.to_owned())
    }
}

fn tier_list(lens: Lens, workload: Option<&str>) -> TierList {
    TierList {
        lens,
        workload: workload.map(str::to_owned),
        unit: lens.unit().to_owned(),
        as_of: as_of(),
        method_version: 1,
        provisional: lens == Lens::Speed,
        note: (lens == Lens::Speed).then(|| "speed is measured since yesterday".to_owned()),
        too_short: 0,
        prompt_size: None,
        window: DayRange { from: (as_of() - Duration::days(6)).date_naive(), to: as_of().date_naive() },
        providers: [3, 2, 0, 1, 4].into_iter().map(|index| provider_tier(index, lens)).collect(),
    }
}

fn tier_lists() -> Vec<TierList> {
    let of_lens = |lens: Lens| -> Vec<TierList> {
        match lens.needs_workload() {
            true => workloads().iter().map(|w| tier_list(lens, Some(&w.name))).collect(),
            false => vec![tier_list(lens, None)],
        }
    };
    Lens::ALL.into_iter().flat_map(of_lens).collect()
}

fn provider(models: &[ModelEntry], (slug, name): (&str, &str)) -> ProviderEntry {
    let served = |m: &&ModelEntry| m.endpoints.iter().any(|e| e.provider.as_str() == slug);
    let day = |ago: i64| ProviderDay {
        day: (as_of() - Duration::days(ago)).date_naive(),
        hit_rate: Some(rounded(0.6 + 0.01 * ago as f64)),
        tokens: 90_000_000,
    };
    ProviderEntry {
        provider: ProviderSlug::new(slug),
        name: name.to_owned(),
        headquarters: Some("NL".to_owned()),
        status_page: Some(format!("https://status.{slug}.example/")),
        privacy_policy: (slug == "sprout").then(|| "javascript:alert(1)".to_owned()),
        terms_of_service: None,
        models: models.iter().filter(served).map(|m| m.model_id.clone()).collect(),
        endpoints: models.iter().flat_map(|m| &m.endpoints).filter(|e| e.provider.as_str() == slug).count(),
        tokens_per_day: 160_000_000.0,
        days: (0..10).rev().map(day).collect(),
    }
}

fn run_id(ago: i64) -> String {
    format!("01999999-0000-7000-8000-{:012}", 100 - ago)
}

fn readings(models: &[ModelEntry]) -> Vec<RecentReading> {
    let reading = |ago: i64, model: &ModelEntry, e: &Endpoint| RecentReading {
        run_id: run_id(ago),
        observed_at: as_of() - Duration::hours(ago),
        window_kind: WindowKind::DayToDate,
        window_start: WindowKind::DayToDate.bounds(as_of() - Duration::hours(ago)).map(|bounds| bounds.0),
        window_end: Some(as_of() - Duration::hours(ago)),
        model: model.slug.clone(),
        variant: model.variant.clone(),
        endpoint_id: e.endpoint_id,
        provider: e.provider.clone(),
        provider_name: e.name.clone(),
        tag: e.tag.clone(),
        hit_rate: e.hit_rate,
        tokens: e.tokens.map(|tokens| tokens - 2_000_000 * ago),
        effective_input: e.effective.input,
        effective_output: e.effective.output,
        list_input: e.list.input,
        list_output: e.list.output,
        list_cache_read: e.list.cache_read,
        list_cache_write: e.list.cache_write,
        uptime_5m: e.uptime_5m,
        uptime_30m: e.uptime_30m,
        uptime_1d: e.uptime_1d,
        status: e.status,
        list_cache_write_1h: e.list.cache_write_1h,
        max_prompt_tokens: e.facts.max_prompt_tokens,
        deprecation_date: e.facts.deprecation_date,
        created_at: e.facts.created_at,
    };
    let of_run = |ago: i64| {
        models
            .iter()
            .flat_map(move |m| m.endpoints.iter().map(move |e| reading(ago, m, e)))
            .collect::<Vec<_>>()
    };
    (0..3).flat_map(of_run).collect()
}

fn run(ago: i64) -> RunSummary {
    RunSummary {
        run_id: run_id(ago),
        observed_at: as_of() - Duration::hours(ago),
        status: if ago == 1 { RunStatus::Partial } else { RunStatus::Ok },
        window_kind: WindowKind::DayToDate,
        requests: 19,
        documents: 19,
        readings: 11,
        endpoints: 12,
        quarantined: 1,
        drift: 1,
        duration_ms: 5_300,
        failures: if ago == 1 {
            vec!["stats/endpoint tinker/solo-1: timed out".to_owned()]
        } else {
            Vec::new()
        },
    }
}

fn status() -> Status {
    let source = |name: &str, failed| SourceAge {
        source: name.to_owned(),
        newest: Some(as_of()),
        planned: 10,
        ok: 8,
        no_data: 1,
        failed,
    };
    Status {
        suspect: None,
        trouble: None,
        runs: (0..3).map(run).collect(),
        sources: vec![source("openrouter-api", 0), source("openrouter-stats", 1)],
        comparison: Some(ComparisonAge {
            answer: RouteAnswer::Answered,
            asked_at: as_of() - Duration::hours(15),
            newest_day: as_of().date_naive().pred_opt(),
        }),
        quarantine: vec![QuarantineCount {
            reason: "ambiguous_name".to_owned(),
            rows: 1,
            tokens: 1_200_000,
            example: "effective-pricing northwind/atlas-3-20260901 $.data[3]".to_owned(),
        }],
        drift: vec![DriftCount {
            kind: "stats/endpoint".to_owned(),
            path: "$.data.*.moon".to_owned(),
            count: 12,
        }],
        missing: vec!["speed: 2 more days until its tiers are no longer provisional".to_owned()],
    }
}

/// One change.
fn changes() -> Vec<Change> {
    vec![Change {
        model: Some(ModelSlug::new("northwind/atlas-3-20260901")),
        variant: Some(Variant::standard()),
        model_id: Some("northwind/atlas-3".to_owned()),
        provider: Some(ProviderSlug::new("sprout")),
        tag: Some(Tag::new("sprout/turbo")),
        why: "first listed in the run of 2026-10-05 10:57 UTC".to_owned(),
        ..Change::new(as_of() - Duration::hours(5), ChangeKind::EndpointAppeared)
    }]
}

/// A change of an endpoint of a model of the sample, some hours ago, with a sentence of its own.
pub fn change(kind: ChangeKind, model_id: Option<&str>, tag: Option<&str>, hours: i64, why: &str) -> Change {
    Change {
        model_id: model_id.map(str::to_owned),
        tag: tag.map(Tag::new),
        why: why.to_owned(),
        ..Change::new(as_of() - Duration::hours(hours), kind)
    }
}

/// The last three hours of every endpoint with usage.
fn hourly(models: &[ModelEntry]) -> HourlyRates {
    let from = (as_of() - Duration::days(7)).date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    let hour = |end: DateTime<Utc>| {
        let start = end - Duration::hours(1);
        HourlyRate::new(from, &Stretch { start, end, hit_rate: 0.61, tokens: 3_000_000 })
    };
    let hours: Vec<HourlyRate> = (0..3).rev().map(|ago| hour(as_of() - Duration::hours(ago))).collect();
    let seen =
        models.iter().flat_map(|model| &model.endpoints).filter(|endpoint| endpoint.hit_rate.is_some());
    HourlyRates {
        from,
        to: as_of(),
        endpoints: seen.map(|endpoint| (endpoint.endpoint_id, hours.clone())).collect(),
        refused: [(Refusal::TooFewTokens, 7), (Refusal::NoTraffic, 2)].into(),
    }
}

/// A backtest of two days of choice, with enough choices to be shown on the front page.
fn backtest() -> Backtest {
    let day = |back: i64| (as_of() - Duration::days(back)).date_naive();
    let row = |(at, policy): (usize, Policy)| {
        let over = [0.1, 0.26, 0.0192, 0.017, 0.016, 0.0144, 0.0][at];
        PolicyCost { policy, equal: 1.0 + over, sqrt_tokens: 1.0 + over, tokens: 1.0 + over }
    };
    let all = TestedDays {
        from: day(9),
        to: day(2),
        model_days: 1200,
        models: 140,
        policies: Policy::DAILY.into_iter().enumerate().map(row).collect(),
        exclusions: Exclusions { gone_next_day: 7, lone_endpoint: 90 },
    };
    Backtest { reported_on: Some(all.clone()), tuned_on: DayRange { from: day(30), to: day(20) }, all }
}

/// The sample: four models (one a `:free` variant), twelve endpoints, five providers, three runs.
pub fn snapshot() -> Snapshot {
    let models = vec![atlas(), quill(), atlas_free(), solo()];
    let share = share(&models);
    Snapshot {
        format: FORMAT,
        id: "01999999-0000-7000-8000-000000000100-5eed".to_owned(),
        method_version: 1,
        as_of: as_of(),
        built_at: as_of() + Duration::seconds(9),
        upstream: None,
        simulated: true,
        next_run: None,
        summary: Summary {
            endpoints: 12,
            endpoints_with_usage: 11,
            models: models.len(),
            providers: PROVIDERS.len(),
            tokens_per_day: 459_000_000.0,
            covered_share: Some(0.93),
            runs: 400,
            first_run: as_of() - Duration::days(41),
            observed_days: 40,
        },
        tier_lists: tier_lists(),
        providers: PROVIDERS.into_iter().map(|provider_| provider(&models, provider_)).collect(),
        backtest: Some(backtest()),
        workloads: workloads(),
        readings: readings(&models),
        hourly: hourly(&models),
        models,
        status: status(),
        changes: changes(),
        share,
        imports: hitrate::snapshot::Imports::default(),
        thresholds: thresholds::table(),
    }
}

/// Ten complete days and the running one; on the last complete day the traffic of the first endpoint of each model is
/// twelve times as large as before.
fn share(models: &[ModelEntry]) -> TrafficShare {
    let today = as_of().date_naive();
    let days: Vec<NaiveDate> = (0..11).rev().map(|back| today - Duration::days(back)).collect();
    let row = |model: &ModelEntry, place: usize, endpoint: &Endpoint, day: NaiveDate| {
        let size = 40_000_000 * (place as i64 + 1) + 1_000_000 * i64::from(day.ordinal() % 3);
        let jumped = place == 0 && day == today - Duration::days(1);
        TokenDay {
            endpoint_id: endpoint.endpoint_id,
            slug: model.slug.clone(),
            variant: model.variant.clone(),
            provider: endpoint.provider.clone(),
            day,
            tokens: if jumped { size * 12 } else { size },
            coverage: if day == today { 0.6 } else { 0.99 },
        }
    };
    let rows: Vec<TokenDay> = models
        .iter()
        .flat_map(|model| model.endpoints.iter().enumerate().map(move |(place, e)| (model, place, e)))
        .flat_map(|(model, place, e)| {
            days.iter().map(move |day| row(model, place, e, *day)).collect::<Vec<_>>()
        })
        .collect();
    let tags = models.iter().flat_map(|m| &m.endpoints).map(|e| (e.endpoint_id, e.tag.clone())).collect();
    traffic_share(&rows, today, &tags)
}

#[test]
fn the_sample_reads_back_and_its_counts_hold() {
    let sample = snapshot();
    let text = serde_json::to_string(&sample).expect("a snapshot is JSON");
    assert_eq!(serde_json::from_str::<Snapshot>(&text).expect("it reads back"), sample);
    assert_eq!(sample.models.iter().map(|m| m.endpoints.len()).sum::<usize>(), sample.summary.endpoints);
    assert!(Lens::ALL.into_iter().all(|lens| sample.tier_list(lens, None).is_some()));
}
