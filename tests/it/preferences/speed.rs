//! Tests what a preference states about the router that it is for: its default, its stickiness, and the change in speed.

use super::of;
use crate::sample;
use hitrate::preferences::targets::{TARGETS, Target};
use hitrate::preferences::{Mode, Preference, Speed};
use hitrate::snapshot::{Endpoint, Snapshot};

fn quill(change: impl Fn(usize, &mut Endpoint)) -> Snapshot {
    let mut sample = sample::snapshot();
    let quill = sample.models.iter_mut().find(|model| model.model_id == "zephyr/quill-large").expect("quill");
    quill.endpoints.iter_mut().enumerate().for_each(|(at, endpoint)| change(at, endpoint));
    sample
}

/// Latencies and speeds of the four endpoints; the first has a tenth of the traffic.
fn timed() -> Snapshot {
    quill(|at, one| {
        one.tokens_per_day = Some([1e7, 2e7, 3e7, 4e7][at]);
        one.latency_ms = Some([1000.0, 800.0, 600.0, 500.0][at]);
        one.throughput = Some([40.0, 50.0, 60.0, 70.0][at]);
    })
}

fn advice(sample: &Snapshot, mode: Mode) -> Preference {
    of(sample, "zephyr/quill-large", mode, "coding-agent")
}

#[test]
fn a_pin_states_what_it_costs_in_latency() {
    let pin = advice(&timed(), Mode::Pin).speed;
    assert_eq!((pin.latency_ms, pin.throughput), (Some(1000.0), Some(40.0)));
    let mean =
        |of: [f64; 4]| of.iter().zip([0.1, 0.2, 0.3, 0.4]).map(|(one, share)| one * share).sum::<f64>();
    let [latency, throughput] = [mean([1000.0, 800.0, 600.0, 500.0]), mean([40.0, 50.0, 60.0, 70.0])];
    let close = |stated: Option<f64>, expected: f64| {
        assert!(
            stated.is_some_and(|stated| (stated - expected).abs() < 1e-9),
            "{stated:?} is not {expected}"
        );
    };
    close(pin.traffic_latency_ms, latency);
    close(pin.traffic_throughput, throughput);
    let text = pin.text.expect("both are known");
    assert!(
        text.starts_with("first token after 1000 ms, +56 % compared with the traffic's 640 ms"),
        "{text}"
    );
    assert!(text.ends_with("40 tokens a second, -33 % compared with the traffic's 60"), "{text}");
    let list = advice(&timed(), Mode::Shortlist).speed;
    close(list.latency_ms, (1000.0 + 2.0 * 800.0) / 3.0);
}

#[test]
fn an_unknown_speed_is_null() {
    let silent = quill(|at, one| {
        one.throughput = None;
        one.latency_ms = one.latency_ms.filter(|_| at != 3);
    });
    let pin = advice(&silent, Mode::Pin).speed;
    assert_eq!(
        (pin.latency_ms, pin.traffic_latency_ms),
        (Some(840.0), None),
        "a quarter of the traffic is unknown"
    );
    assert_eq!((pin.throughput, pin.traffic_throughput, pin.text), (None, None, None));
    let none = of(&silent, "tinker/solo-1", Mode::Pin, "coding-agent");
    assert_eq!(none.speed, Speed::default());
}

#[test]
fn every_answer_states_what_the_router_does_by_itself() {
    for mode in Mode::ALL {
        let made = advice(&sample::snapshot(), mode);
        assert!(made.router_default.contains("measured effective price"), "{mode}");
        assert!(made.router_default.contains("name specific providers"), "{mode}");
        let keeps = made.session_id.starts_with("send one session_id");
        assert_eq!(keeps, mode != Mode::Order, "{mode}: {}", made.session_id);
    }
    assert_eq!((Mode::DEFAULT, Mode::OFFERED[0]), (Mode::Shortlist, Mode::DEFAULT));
}

#[test]
fn stickiness_is_the_rule_of_the_target() {
    let sample = sample::snapshot();
    let model = sample.model("zephyr/quill-large").expect("quill");
    let sticky = |mode: Mode| -> Vec<&str> {
        let made = advice(&sample, mode);
        let holds = |target: &&Target| target.render(&made, model).sticky_safe;
        TARGETS.iter().filter(holds).map(|target| target.name).collect()
    };
    let others = |name: &&str| !["litellm-cost", "roo", "vercel-ai-gateway"].contains(name);
    assert_eq!(sticky(Mode::Order), ["litellm-cost"], "it does not leave the choice to the router");
    assert!(sticky(Mode::Pin).contains(&"roo"));
    let all: Vec<&str> = TARGETS.iter().map(|target| target.name).filter(others).collect();
    assert_eq!(sticky(Mode::Shortlist).into_iter().filter(others).collect::<Vec<_>>(), all);
    let rule = |name: &str| {
        let target: &Target = name.parse().expect("a target");
        target.render(&advice(&sample, Mode::Pin), model).stickiness
    };
    assert!(rule("openrouter").contains("unless `order` or `sort`"));
    assert!(rule("litellm-cost").contains("first deployment"));
    assert!(rule("roo").contains("only one endpoint"));
    assert!(rule("vercel-ai-gateway").contains("only if a single provider is named"));
}
