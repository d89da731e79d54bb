//! `hitrate import upstream` as a process.

use serde_json::Value;

use super::{imported_at, recorded};
use crate::binary::{Ran, hitrate};
use crate::rig::folder;
use crate::upstream::nobody;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_continues_and_its_exit_code_says_whether_something_is_left() {
    let data = folder();
    let (upstream, pipeline) = recorded(data.path()).await;
    drop(pipeline);
    upstream.set_now(imported_at());
    let (folder, url) = (data.path().to_owned(), upstream.url());
    let run = move |extra: &[&str]| -> Ran {
        let at = imported_at().to_rfc3339();
        let fixed = ["import", "upstream", "--json", "--rate", "0", "--at", &at, "--upstream", &url];
        hitrate(&folder, &[&fixed, extra].concat())
    };
    let ended = tokio::task::spawn_blocking(move || {
        let plan = run(&["--dry-run"]);
        assert_eq!(plan.code, 0);
        let plan = plan.json();
        let planned = plan["progress"]["planned"].as_u64().expect("a number");
        let left: u64 = plan["left"].as_object().expect("kinds").values().filter_map(Value::as_u64).sum();
        assert!(planned > 50 && left == planned, "{plan}");

        let some = run(&["--requests", "10"]);
        assert_eq!((some.code, &some.json()["stopped"]["reason"]), (5, &Value::from("requests")));
        let rest = run(&[]);
        assert_eq!((rest.code, &rest.json()["stopped"]), (0, &Value::Null));
        assert_eq!(rest.json()["requests"].as_u64(), Some(planned - 10));
        assert!(rest.json()["imported"]["stored"].as_u64() > Some(1_000), "{}", rest.json());
        assert_eq!(run(&[]).json()["requests"].as_u64(), Some(0));

        let unknown = run(&["--models", "no/such"]);
        assert_eq!(unknown.code, 1);
    });
    ended.await.expect("it ran");
    let later = (imported_at() + chrono::Duration::days(2)).to_rfc3339();
    let down = nobody();
    let refused = tokio::task::spawn_blocking(move || {
        let fixed = ["import", "upstream", "--json", "--rate", "0", "--only", "uptime", "--again"];
        hitrate(data.path(), &[&fixed[..], &["--at", &later, "--upstream", &down]].concat())
    });
    let refused = refused.await.expect("it ran");
    assert_eq!((refused.code, &refused.json()["stopped"]["reason"]), (4, &Value::from("unavailable")));
}
