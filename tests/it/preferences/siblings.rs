//! Tests the endpoints whose tags match others: their siblings are excluded, priced together, or avoided with a reason.

use super::{ignored, of, only, warned};
use crate::sample;
use hitrate::domain::tier::Tier;
use hitrate::preferences::targets::{Rendered, Target};
use hitrate::preferences::{Mode, Preference};
use hitrate::snapshot::{Endpoint, Snapshot};

/// `quill` with these tags, tiers and costs in place of its own.
fn renamed(rows: &[(&str, Tier, f64)], change: impl Fn(usize, &mut Endpoint)) -> Snapshot {
    let mut sample = sample::snapshot();
    let quill = sample.models.iter_mut().find(|model| model.model_id == "zephyr/quill-large").expect("quill");
    let (slug, variant) = (quill.slug.to_string(), quill.variant.clone());
    quill.endpoints = rows
        .iter()
        .enumerate()
        .map(|(at, (tag, tier, cost))| {
            let mut made = sample::endpoint(&slug, &variant, tag, *tier, *cost, 0.7);
            made.endpoint_id = uuid::Uuid::from_u128(at as u128 + 1);
            change(at, &mut made);
            made
        })
        .collect();
    sample
}

fn pin(sample: &Snapshot) -> Preference {
    of(sample, "zephyr/quill-large", Mode::Pin, "coding-agent")
}

fn rendered(sample: &Snapshot, target: &str, mode: Mode) -> Rendered {
    let model = sample.model("zephyr/quill-large").expect("quill");
    let made = of(sample, "zephyr/quill-large", mode, "coding-agent");
    target.parse::<&Target>().expect("a target").render(&made, model)
}

/// The best endpoint has a bare tag and two expensive siblings.
const FAMILY: [(&str, Tier, f64); 4] =
    [("ant", Tier::S, 0.2), ("bee", Tier::A, 0.3), ("ant/eu", Tier::F, 1.4), ("ant/us", Tier::D, 0.9)];

#[test]
fn a_pin_excludes_the_siblings_of_its_tag_and_costs_what_the_endpoint_costs() {
    let sample = renamed(&FAMILY, |_, _| {});
    let made = pin(&sample);
    assert_eq!(only(&made), Some(vec!["ant".to_owned()]));
    assert_eq!(ignored(&made), Some(["ant/eu", "ant/us"].map(str::to_owned).to_vec()));
    assert!(warned(&made, "send both fields"), "{:?}", made.warnings);
    // The saving is that of the endpoint alone: 0.20 against the mean 0.70.
    let saved = made.saving.against_traffic_average.fraction.expect("a fraction");
    assert!((saved - (1.0 - 0.2 / 0.7)).abs() < 1e-9, "{saved}");
    // A service tier is not matched by the bare tag, so it needs no exclusion.
    let flex =
        renamed(&[("ant", Tier::S, 0.2), ("ant/flex", Tier::S, 0.1), ("bee", Tier::F, 1.0)], |at, one| {
            one.tokens_per_day = Some([52e6, 1e6, 52e6][at]);
        });
    assert_eq!((only(&pin(&flex)), ignored(&pin(&flex))), (Some(vec!["ant".to_owned()]), None));
}

#[test]
fn endpoints_with_one_tag_are_priced_as_the_router_mixes_them() {
    let twins = |second: f64, other: f64| {
        renamed(
            &[
                ("ant", Tier::S, 0.2),
                ("ant", Tier::B, second),
                ("bee", Tier::A, other),
                ("cow", Tier::F, 1.4),
            ],
            |_, _| {},
        )
    };
    let mixed = pin(&twins(0.3, 0.31));
    assert_eq!(only(&mixed), Some(vec!["ant".to_owned()]));
    assert_eq!(mixed.evidence.len(), 2);
    assert!(warned(&mixed, "`ant` matches 2 endpoints that cannot be distinguished"), "{:?}", mixed.warnings);
    // Their mean of 0.40 is above the 0.31 of the next one, which is then named, with the reason.
    let next = pin(&twins(0.6, 0.31));
    assert_eq!(only(&next), Some(vec!["bee".to_owned()]), "{:?}", next.reason);
    assert!(warned(&next, "`ant` is left out: it matches 2 endpoints"), "{:?}", next.warnings);
    // A member that must not be recommended excludes the whole tag.
    let rows = [("ant", Tier::S, 0.2), ("ant", Tier::A, 0.2), ("bee", Tier::A, 0.3), ("cow", Tier::F, 1.4)];
    let down = renamed(&rows, |at, one| one.status = (at == 1).then_some(-5));
    assert_eq!(only(&pin(&down)), Some(vec!["bee".to_owned()]), "{:?}", pin(&down).reason);
    // If the next one would cost more than the average of the traffic, it is withheld.
    let alike = renamed(&rows[..3], |at, one| one.status = (at == 1).then_some(-5));
    let withheld = pin(&alike);
    assert_eq!(only(&withheld), None);
    assert!(withheld.reason.as_deref().is_some_and(|why| why.contains("more")), "{:?}", withheld.reason);
    assert!(warned(&pin(&down), "`ant` is left out: it would also match `ant`"));
}

#[test]
fn a_target_without_exclusions_leaves_out_what_needs_them() {
    let sample = renamed(&FAMILY, |_, _| {});
    let alone = rendered(&sample, "roo", Mode::Pin);
    assert!(alone.files.is_empty() && alone.notes[0].contains("no exclusion list"), "{alone:?}");
    assert!(alone.notes[0].contains("`ant` is left out"), "{:?}", alone.notes);
    // A deployment of LiteLLM carries the whole object, so it excludes the siblings itself.
    let text = &rendered(&sample, "litellm-cost", Mode::Pin).files[0].text;
    assert!(text.contains("ignore:") && text.contains("'ant/eu'") && text.contains("'ant/us'"), "{text}");
    let text = &rendered(&sample, "openrouter", Mode::Pin).files[0].text;
    assert!(text.contains("\"ignore\""), "{text}");
}
