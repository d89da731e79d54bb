//! Where messages may go, and what never appears about it.

use hitrate::alerts::notice::Severity;
use hitrate::domain::delivery::DeliveryOutcome;

use super::{Mock, Rig, notice, to, webhook};

#[tokio::test]
async fn nothing_reaches_this_machine_unless_it_is_allowed() {
    let mock = Mock::start().await;
    let refused = webhook(&mock.url, "").replace("allow_private = true", "");
    let by_name = mock.url.replace("127.0.0.1", "localhost").replace("http", "https");
    for settings in [refused.clone(), refused.replace(&mock.url, &by_name)] {
        let rig = Rig::new(&settings);
        rig.outbox().push(&notice("n1", Severity::Critical), &to(&["hook"])).expect("kept");
        assert_eq!(rig.outbox().run_due().await.expect("run").failed, 1);
        let log = rig.outbox().status().expect("status").deliveries;
        assert_eq!(log[0].status, None);
        assert!(log[0].detail.contains("allow_private"), "{}", log[0].detail);
    }
    assert!(mock.take().is_empty());
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (mock, elsewhere) = (Mock::start().await, Mock::start().await);
    let rig = Rig::new(&webhook(&mock.url, ""));
    mock.plan_with(307, "location", &elsewhere.url);
    rig.outbox().push(&notice("n1", Severity::Info), &to(&["hook"])).expect("kept");
    assert_eq!(rig.outbox().run_due().await.expect("run").failed, 1);
    assert!(elsewhere.take().is_empty());
    let log = rig.outbox().status().expect("status").deliveries;
    assert_eq!((log[0].status, log[0].outcome), (Some(307), DeliveryOutcome::Failed));
}

#[tokio::test]
async fn no_secret_is_kept_or_shown() {
    let mock = Mock::start().await;
    let topic = "[[alerts.receivers]]\nname = \"phone\"\nkind = \"ntfy\"\nserver = \"http://127.0.0.1:1\"\n\
        topic = \"topic-secret\"\ntoken_file = \"token\"\nallow_private = true\n";
    let rig = Rig::new(&format!("{}{topic}", webhook(&mock.url, "")));
    std::fs::write(rig.folder.path().join("token"), "token-secret\n").expect("written");
    mock.plan(&[500]);
    rig.outbox().push(&notice("n1", Severity::Info), &to(&["hook", "phone"])).expect("kept");
    rig.outbox().run_due().await.expect("run");
    let outbox = rig.outbox();
    let mut shown = format!("{:?}{:?}", outbox.status().expect("status"), outbox.public_status());
    for name in ["hook", "phone"] {
        let preview = outbox.preview(name).expect("known").expect("usable");
        shown += &serde_json::to_string(&preview).expect("JSON");
        shown += &format!("{:?}", outbox.test(name).await.expect("tested"));
    }
    shown += &std::fs::read_to_string(rig.folder.path().join("alerts/deliveries.json")).expect("the state");
    for secret in ["path-secret", "query-secret", "topic-secret", "token-secret", "AAECAwQF"] {
        assert!(!shown.contains(secret), "{secret} is in {shown}");
    }
    let public = outbox.public_status().expect("receivers");
    assert!(public.deliveries.iter().all(|one| one.detail.is_empty()));
}

#[tokio::test]
async fn the_names_are_hidden_if_the_settings_say_so() {
    let rig = Rig::new(&format!("[alerts]\nshow_receivers = false\n{}", webhook("http://127.0.0.1:1", "")));
    rig.outbox().push(&notice("n1", Severity::Info), &to(&["hook"])).expect("kept");
    rig.outbox().run_due().await.expect("run");
    let public = rig.outbox().public_status().expect("receivers");
    assert_eq!((public.receivers_total, public.receivers.len(), public.deliveries.len()), (1, 0, 0));
    assert!(Rig::new("").outbox().public_status().is_none());
}
