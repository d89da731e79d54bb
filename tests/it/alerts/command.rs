//! `hitrate alerts`, as it is typed.

use super::{Mock, SECRET, webhook};
use crate::binary::{command, finish, hitrate};
use crate::rig::{config, folder};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_is_sent_listed_and_logged() {
    let mock = Mock::start().await;
    let data = folder();
    std::fs::write(data.path().join("secret"), SECRET).expect("written");
    std::fs::write(data.path().join("hitrate.toml"), webhook(&mock.url, "")).expect("written");
    let run = |arguments: &[&str]| hitrate(data.path(), arguments);

    let dry = run(&["alerts", "test", "hook", "--dry-run"]);
    assert_eq!(dry.code, 0, "{dry:?}");
    assert!(dry.out.contains("webhook-signature: (hidden)") && dry.out.contains("alert.test"), "{dry:?}");
    assert!(mock.take().is_empty());

    let sent = run(&["alerts", "test", "--json"]);
    assert_eq!(sent.code, 0, "{sent:?}");
    assert_eq!(sent.json()[0]["outcome"], "delivered");
    let got = mock.take();
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].json()["type"], "alert.test");

    mock.plan(&[404]);
    let refused = run(&["alerts", "test", "hook"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.out.contains("status 404"), "{refused:?}");

    let off = run(&["alerts", "disable", "hook"]);
    assert_eq!(off.code, 0, "{off:?}");
    assert_eq!(run(&["alerts", "list", "--json"]).json()[0]["state"], "disabled");
    assert_eq!(run(&["alerts", "enable", "hook"]).code, 0);
    assert_eq!(run(&["alerts", "list", "--json"]).json()[0]["state"], "on");
    let log = run(&["alerts", "log", "--receiver", "hook", "--json"]).json();
    assert_eq!(log.as_array().map(Vec::len), Some(2));
    assert_eq!(run(&["alerts", "send", "--json"]).json(), serde_json::json!({"delivered": 0, "failed": 0}));
    let unknown = run(&["alerts", "test", "no-one"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.err.contains("no-one") && unknown.err.contains("hook"), "{unknown:?}");

    let everything =
        [dry.out, sent.out, refused.out, run(&["config"]).out, run(&["alerts", "log"]).out].concat();
    for secret in ["path-secret", "query-secret", "AAECAwQF"] {
        assert!(!everything.contains(secret), "{secret} is in {everything}");
    }
}

#[test]
fn without_receivers_the_commands_say_what_to_do() {
    let data = folder();
    let test = hitrate(data.path(), &["alerts", "test"]);
    assert_eq!(test.code, 1);
    assert!(test.err.contains("docs/following.md"), "{test:?}");
    assert_eq!(hitrate(data.path(), &["alerts", "list", "--json"]).json(), serde_json::json!([]));
}

#[test]
fn a_secret_from_the_environment_is_used_and_its_absence_is_named() {
    let data = folder();
    let settings =
        webhook("https://hooks.example.org", "").replace("secret_file = \"secret\"", "secret_env = \"HOOK\"");
    std::fs::write(data.path().join("hitrate.toml"), settings).expect("written");
    let preview = |secret: Option<&str>| {
        let mut command = command();
        command.env_remove("HOOK");
        if let Some(secret) = secret {
            command.env("HOOK", secret);
        }
        finish(command.arg("--data-dir").arg(data.path()).args(["alerts", "test", "hook", "--dry-run"]))
    };
    let missing = preview(None);
    assert_eq!(missing.code, 1);
    assert!(missing.err.contains("HOOK"), "{missing:?}");
    let wrong = preview(Some("not-a-secret-of-that-form"));
    assert!(wrong.code == 1 && !wrong.err.contains("not-a-secret"), "{wrong:?}");
    assert_eq!(preview(Some(SECRET)).code, 0);
}

#[test]
fn the_examples_of_the_document_are_valid_receivers() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/following.md");
    let text = std::fs::read_to_string(path).expect("the document");
    let blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let receivers: Vec<&str> = blocks.filter(|block| block.contains("[[alerts.receivers]]")).collect();
    let settings = config(&receivers.concat());
    let kinds: Vec<&str> = settings.alerts.receivers.iter().map(|one| one.kind.as_str()).collect();
    for kind in ["webhook", "slack", "discord", "teams", "ntfy", "email"] {
        assert!(kinds.contains(&kind), "no example for {kind}");
    }
}
