//! When messages are sent, again or not, and what is kept.

use hitrate::alerts::delivery::{AlertsError, Run};
use hitrate::alerts::notice::Severity;
use hitrate::clock::ManualClock;
use hitrate::domain::delivery::{DeliveryOutcome, ReceiverState};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{Mock, Rig, notice, to, webhook};
use crate::rig::at;

/// The signature of a body by the key 0 to 31, computed here from the bytes that arrived.
fn signature(id: &str, timestamp: &str, body: &[u8]) -> String {
    use base64::Engine;
    let key: Vec<u8> = (0..32).collect();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
    mac.update(&[id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat());
    format!("v1,{}", base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes()))
}

#[tokio::test]
async fn a_webhook_is_signed_and_a_retry_has_the_same_id_and_body() {
    let mock = Mock::start().await;
    let rig = Rig::new(&webhook(&mock.url, ""));
    mock.plan(&[503]);
    assert_eq!(
        rig.outbox().push(&notice("n1", Severity::Warning), &to(&["hook", "unknown"])).expect("kept"),
        1
    );
    assert_eq!(rig.outbox().run_due().await.expect("run"), Run { delivered: 0, failed: 1 });
    // Too early for the next attempt.
    assert_eq!(rig.outbox().run_due().await.expect("run"), Run::default());
    rig.minutes(1);
    assert_eq!(rig.outbox().run_due().await.expect("run"), Run { delivered: 1, failed: 0 });
    rig.minutes(60);
    assert_eq!(rig.outbox().run_due().await.expect("run"), Run::default(), "it is delivered once");

    let got = mock.take();
    assert_eq!(got.len(), 2);
    for one in &got {
        let (id, timestamp) = (one.header("webhook-id"), one.header("webhook-timestamp"));
        assert_eq!(one.header("webhook-signature"), signature(id, timestamp, &one.body));
        assert_eq!(one.header("content-type"), "application/json");
        assert_eq!(one.path, "/path-secret?key=query-secret");
    }
    assert_eq!(got[0].header("webhook-id"), got[1].header("webhook-id"));
    assert_eq!(got[0].body, got[1].body);
    assert_ne!(got[0].header("webhook-timestamp"), got[1].header("webhook-timestamp"));
    let body = got[0].json();
    assert_eq!(body["type"], "alert.notice");
    assert_eq!(body["timestamp"], "2026-06-01T10:30:00Z");
    assert_eq!(body["data"]["notices"][0]["id"], "n1");
    assert_eq!(body["data"]["severity"], "warning");

    let log = rig.outbox().status().expect("status").deliveries;
    let outcomes: Vec<_> = log.iter().map(|one| (one.outcome, one.status, one.attempt)).collect();
    assert_eq!(
        outcomes,
        [(DeliveryOutcome::Delivered, Some(204), 2), (DeliveryOutcome::Failed, Some(503), 1)]
    );
}

#[tokio::test]
async fn the_same_notice_is_accepted_once_within_the_days() {
    let mock = Mock::start().await;
    let rig = Rig::new(&webhook(&mock.url, ""));
    let one = notice("same", Severity::Info);
    assert_eq!(rig.outbox().push(&one, &to(&["hook"])).expect("kept"), 1);
    assert_eq!(rig.outbox().push(&one, &to(&["hook"])).expect("kept"), 0, "it waits already");
    rig.outbox().run_due().await.expect("run");
    assert_eq!(rig.outbox().push(&one, &to(&["hook"])).expect("kept"), 0, "it was delivered");
    rig.minutes(31 * 24 * 60);
    assert_eq!(rig.outbox().push(&one, &to(&["hook"])).expect("kept"), 1);
    assert_eq!(mock.take().len(), 1);
}

#[tokio::test]
async fn a_message_that_was_sent_but_not_noted_is_sent_again_with_its_id() {
    let mock = Mock::start().await;
    let rig = Rig::new(&webhook(&mock.url, ""));
    mock.plan(&[500]);
    rig.outbox().push(&notice("n1", Severity::Info), &to(&["hook"])).expect("kept");
    rig.outbox().run_due().await.expect("run");
    // The state from before the delivery, as a killed process leaves it.
    let state = rig.folder.path().join("alerts/deliveries.json");
    let before = std::fs::read(&state).expect("the state");
    rig.minutes(1);
    rig.outbox().run_due().await.expect("run");
    std::fs::write(&state, before).expect("written");
    rig.outbox().run_due().await.expect("run");
    let got = mock.take();
    assert_eq!(got.len(), 3);
    assert!(got.iter().all(|one| one.header("webhook-id") == got[0].header("webhook-id")));
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_switched_off_at_once_and_enabled_by_hand() {
    let mock = Mock::start().await;
    let rig = Rig::new(&webhook(&mock.url, ""));
    mock.plan(&[410]);
    rig.outbox().push(&notice("n1", Severity::Info), &to(&["hook"])).expect("kept");
    rig.outbox().run_due().await.expect("run");
    let status = rig.outbox().status().expect("status");
    assert_eq!(status.receivers[0].state, ReceiverState::SwitchedOff);
    assert_eq!((status.receivers_off, status.receivers[0].waiting), (1, 0));
    assert_eq!(rig.outbox().push(&notice("n2", Severity::Critical), &to(&["hook"])).expect("kept"), 0);
    rig.outbox().enable("hook").expect("enabled");
    assert_eq!(rig.outbox().push(&notice("n3", Severity::Info), &to(&["hook"])).expect("kept"), 1);
    assert_eq!(rig.outbox().run_due().await.expect("run").delivered, 1);
    assert_eq!(rig.outbox().status().expect("status").receivers[0].state, ReceiverState::On);
    rig.outbox().disable("hook").expect("disabled");
    assert_eq!(rig.outbox().status().expect("status").receivers[0].state, ReceiverState::Disabled);
    let unknown = rig.outbox().enable("no-one").expect_err("unknown").to_string();
    assert!(unknown.contains("no-one") && unknown.contains("hook"), "{unknown}");
}

#[tokio::test]
async fn a_receiver_that_fails_for_days_is_switched_off() {
    let mock = Mock::start().await;
    let rig = Rig::new(&webhook(&mock.url, ""));
    mock.plan(&[404; 400]);
    let mut pushed = 0;
    for hour in 0..7 * 24 {
        pushed +=
            rig.outbox().push(&notice(&format!("n{hour}"), Severity::Info), &to(&["hook"])).expect("kept");
        rig.outbox().run_due().await.expect("run");
        rig.minutes(60);
    }
    let status = rig.outbox().status().expect("status");
    assert_eq!(status.receivers[0].state, ReceiverState::SwitchedOff);
    assert!((119..=128).contains(&pushed), "accepted for about 5 days: {pushed} hours");
    let attempts = mock.take().len();
    assert!((20..60).contains(&attempts), "the waits grow: {attempts} attempts");
    assert!(status.deliveries.iter().any(|one| one.outcome == DeliveryOutcome::GivenUp));
    assert!(status.deliveries.len() <= 200);
}

#[tokio::test]
async fn a_receiver_that_asks_to_wait_does_not_fail_and_is_obeyed() {
    let mock = Mock::start().await;
    let rig = Rig::new(&webhook(&mock.url, ""));
    mock.plan_with(429, "retry-after", "1800");
    rig.outbox().push(&notice("n1", Severity::Info), &to(&["hook"])).expect("kept");
    rig.outbox().run_due().await.expect("run");
    assert_eq!(rig.outbox().status().expect("status").receivers[0].state, ReceiverState::On);
    rig.minutes(29);
    assert_eq!(rig.outbox().run_due().await.expect("run"), Run::default());
    rig.minutes(1);
    assert_eq!(rig.outbox().run_due().await.expect("run").delivered, 1);
}

#[tokio::test]
async fn a_message_that_is_refused_does_not_block_the_next() {
    let mock = Mock::start().await;
    let rig = Rig::new(&webhook(&mock.url, ""));
    mock.plan(&[400, 400, 400]);
    for id in ["bad", "good"] {
        rig.outbox().push(&notice(id, Severity::Info), &to(&["hook"])).expect("kept");
    }
    for _ in 0..4 {
        rig.outbox().run_due().await.expect("run");
        rig.minutes(10);
    }
    let log = rig.outbox().status().expect("status").deliveries;
    let outcomes: Vec<_> = log.iter().map(|one| one.outcome).collect();
    use DeliveryOutcome::{Delivered, Failed, GivenUp};
    assert_eq!(outcomes, [Delivered, GivenUp, Failed, Failed]);
}

#[tokio::test]
async fn quiet_hours_hold_everything_but_critical_notices() {
    let mock = Mock::start().await;
    let rig = Rig::new(&webhook(&mock.url, "quiet_hours = \"12:00-14:00\"\nutc_offset = \"+02:00\""));
    rig.outbox().push(&notice("later", Severity::Warning), &to(&["hook"])).expect("kept");
    rig.outbox().push(&notice("now", Severity::Critical), &to(&["hook"])).expect("kept");
    rig.outbox().run_due().await.expect("run");
    let got = mock.take();
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].json()["data"]["notices"][0]["id"], "now");
    rig.minutes(90);
    rig.outbox().run_due().await.expect("run");
    assert_eq!(mock.take()[0].json()["data"]["notices"][0]["id"], "later");
}

#[tokio::test]
async fn a_retry_waits_for_the_end_of_the_quiet_hours() {
    let mock = Mock::start().await;
    let rig = Rig::new(&webhook(&mock.url, "quiet_hours = \"10:31-11:00\""));
    mock.plan(&[500]);
    rig.outbox().push(&notice("n1", Severity::Warning), &to(&["hook"])).expect("kept");
    rig.outbox().run_due().await.expect("run");
    rig.minutes(5);
    assert_eq!(rig.outbox().run_due().await.expect("run"), Run::default());
    rig.minutes(25);
    assert_eq!(rig.outbox().run_due().await.expect("run").delivered, 1);
}

#[tokio::test]
async fn a_digest_is_one_message_with_the_most_important_first() {
    let mock = Mock::start().await;
    let rig = Rig::new(&webhook(&mock.url, "digest = \"hourly\""));
    for (id, severity) in [("a", Severity::Info), ("b", Severity::Warning), ("c", Severity::Info)] {
        rig.outbox().push(&notice(id, severity), &to(&["hook"])).expect("kept");
    }
    assert_eq!(rig.outbox().run_due().await.expect("run"), Run::default());
    assert_eq!(rig.outbox().status().expect("status").receivers[0].waiting, 3);
    rig.minutes(30);
    assert_eq!(rig.outbox().run_due().await.expect("run").delivered, 1);
    let body = mock.take()[0].json();
    assert_eq!(body["type"], "alert.digest");
    assert_eq!(body["data"]["title"], "3 notices: 1 warning, 2 info");
    assert_eq!(body["data"]["notices"][0]["id"], "b");
}

#[tokio::test]
async fn beyond_the_limit_per_hour_notices_wait_and_come_together() {
    let mock = Mock::start().await;
    let settings = format!("[alerts]\nmessages_per_hour = 2\n{}", webhook(&mock.url, ""));
    let rig = Rig::new(&settings);
    for id in 0..5 {
        rig.outbox().push(&notice(&format!("n{id}"), Severity::Info), &to(&["hook"])).expect("kept");
        rig.outbox().run_due().await.expect("run");
    }
    assert_eq!(mock.take().len(), 2);
    rig.minutes(61);
    rig.outbox().run_due().await.expect("run");
    let got = mock.take();
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].json()["data"]["notices"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn a_slow_receiver_delays_no_other_and_a_missing_secret_is_a_failure() {
    let mock = Mock::start().await;
    let other = "[[alerts.receivers]]\nname = \"chat\"\nkind = \"slack\"\nurl_file = \"missing\"\n";
    let rig = Rig::new(&format!("{}{other}", webhook(&mock.url, "")));
    rig.outbox().push(&notice("n1", Severity::Info), &to(&["chat", "hook"])).expect("kept");
    assert_eq!(rig.outbox().run_due().await.expect("run"), Run { delivered: 1, failed: 1 });
    let log = rig.outbox().status().expect("status").deliveries;
    let failed = log.iter().find(|one| one.receiver == "chat").expect("logged");
    assert!(failed.detail.contains("missing"), "{failed:?}");
}

#[test]
fn a_damaged_state_is_reported_and_not_overwritten() {
    let rig = Rig::new(&webhook("http://127.0.0.1:1", ""));
    let folder = rig.folder.path().join("alerts");
    std::fs::create_dir(&folder).expect("created");
    std::fs::write(folder.join("deliveries.json"), "{").expect("written");
    let error =
        rig.outbox().push(&notice("n", Severity::Info), &to(&["hook"])).expect_err("damaged").to_string();
    assert!(error.contains("deliveries.json") && error.contains("damaged"), "{error}");
    assert_eq!(std::fs::read_to_string(folder.join("deliveries.json")).expect("read"), "{");
}

#[tokio::test]
async fn two_processes_never_send_at_once() {
    let mock = Mock::start().await;
    let rig = Rig::new(&webhook(&mock.url, ""));
    rig.outbox().push(&notice("n1", Severity::Info), &to(&["hook"])).expect("kept");
    let (one, two) = (rig.outbox(), rig.outbox());
    let (one, two) = tokio::join!(one.run_due(), two.run_due());
    let delivered: usize = [&one, &two].into_iter().flatten().map(|run| run.delivered).sum();
    assert_eq!((delivered, mock.take().len()), (1, 1));
    assert!([one, two].into_iter().any(|run| matches!(run, Err(AlertsError::Busy))));
}

#[tokio::test]
async fn after_a_day_of_failures_old_messages_are_given_up() {
    let mock = Mock::start().await;
    let rig = Rig::new(&webhook(&mock.url, ""));
    mock.plan(&[500; 30]);
    for id in ["a", "b"] {
        rig.outbox().push(&notice(id, Severity::Info), &to(&["hook"])).expect("kept");
    }
    for _ in 0..40 {
        rig.outbox().run_due().await.expect("run");
        rig.minutes(60);
    }
    let status = rig.outbox().status().expect("status");
    assert_eq!(status.receivers[0].waiting, 0);
    assert_eq!(status.receivers[0].state, ReceiverState::Failing);
    assert_eq!(status.deliveries[0].outcome, DeliveryOutcome::GivenUp);
}

#[tokio::test]
async fn a_critical_notice_goes_beyond_the_limit() {
    let mock = Mock::start().await;
    let rig = Rig::new(&format!("[alerts]\nmessages_per_hour = 1\n{}", webhook(&mock.url, "")));
    for id in ["a", "b"] {
        rig.outbox().push(&notice(id, Severity::Info), &to(&["hook"])).expect("kept");
        rig.outbox().run_due().await.expect("run");
    }
    assert_eq!(mock.take().len(), 1);
    rig.outbox().push(&notice("c", Severity::Critical), &to(&["hook"])).expect("kept");
    assert_eq!(rig.outbox().run_due().await.expect("run").delivered, 1);
    assert_eq!(mock.take()[0].json()["data"]["notices"][0]["id"], "c");
    assert_eq!(rig.outbox().status().expect("status").receivers[0].waiting, 1);
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_sent() {
    let mock = Mock::start().await;
    let rig = Rig::new(&webhook(&mock.url, ""));
    mock.plan(&[500]);
    rig.outbox().push(&notice("n1", Severity::Info), &to(&["hook"])).expect("kept");
    rig.outbox().run_due().await.expect("run");
    rig.minutes(1);
    // As a full disk: the state cannot be written any more.
    let blocker = rig.folder.path().join("alerts/deliveries.tmp");
    std::fs::create_dir(&blocker).expect("created");
    for _ in 0..3 {
        let error = rig.outbox().run_due().await.expect_err("nothing can be kept").to_string();
        assert!(error.contains("deliveries"), "{error}");
    }
    assert_eq!(mock.take().len(), 1, "the same message is not sent in each turn");
    std::fs::remove_dir(&blocker).expect("removed");
    assert_eq!(rig.outbox().run_due().await.expect("run").delivered, 1);
    assert_eq!(rig.outbox().status().expect("status").deliveries[0].attempt, 2);
}

#[tokio::test]
async fn ten_thousand_notices_at_once_keep_the_most_important_ones() {
    let mock = Mock::start().await;
    let rig = Rig::new(&webhook(&mock.url, ""));
    let mut notices: Vec<_> =
        (0..10_000).map(|n| (notice(&format!("n{n}"), Severity::Info), to(&["hook"]))).collect();
    notices.push((notice("worst", Severity::Critical), to(&["hook"])));
    assert_eq!(rig.outbox().push_all(&notices).expect("kept"), 10_001);
    assert_eq!(rig.outbox().push_all(&notices).expect("kept"), 0, "each is accepted once");
    assert_eq!(rig.outbox().status().expect("status").receivers[0].waiting, 2000);
    rig.outbox().run_due().await.expect("run");
    let got = mock.take();
    assert_eq!(got.len(), 1, "one message, not thousands");
    assert!(got[0].body.len() <= 20_000, "{}", got[0].body.len());
    let body = got[0].json();
    assert_eq!(body["data"]["notices"][0]["id"], "worst");
    assert_eq!(body["data"]["notices"][1]["id"], "n8001", "the oldest ones are dropped");
}

#[tokio::test]
async fn a_clock_that_is_set_back_holds_nothing_for_longer() {
    let mock = Mock::start().await;
    let clock = ManualClock::new(at("2031-01-01T00:00:00Z"));
    let ahead = Rig { clock, ..Rig::new(&webhook(&mock.url, "")) };
    mock.plan(&[500]);
    ahead.outbox().push(&notice("n1", Severity::Info), &to(&["hook"])).expect("kept");
    ahead.outbox().run_due().await.expect("run");
    let back = Rig { clock: ManualClock::new(at("2026-06-01T10:30:00Z")), ..ahead };
    assert_eq!(back.outbox().run_due().await.expect("run").delivered, 1);
    assert_eq!(back.outbox().status().expect("status").receivers[0].state, ReceiverState::On);
}

#[tokio::test]
async fn two_failures_days_apart_switch_nothing_off() {
    let mock = Mock::start().await;
    let rig = Rig::new(&webhook(&mock.url, ""));
    mock.plan(&[500, 500]);
    rig.outbox().push(&notice("n1", Severity::Info), &to(&["hook"])).expect("kept");
    rig.outbox().run_due().await.expect("run");
    // The machine sleeps.
    rig.minutes(20 * 24 * 60);
    rig.outbox().push(&notice("n2", Severity::Info), &to(&["hook"])).expect("kept");
    rig.outbox().run_due().await.expect("run");
    assert_eq!(rig.outbox().status().expect("status").receivers[0].state, ReceiverState::Failing);
    rig.minutes(1);
    rig.outbox().run_due().await.expect("run");
    assert_eq!(rig.outbox().status().expect("status").receivers[0].state, ReceiverState::On);
}
