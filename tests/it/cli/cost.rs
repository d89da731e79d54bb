//! The contracts of `hitrate cost` and `hitrate workload`.

use super::{assert_keys, filled};
use crate::binary::{Ran, hitrate};
use crate::rig::folder;
use std::fs;

fn lines(ran: &Ran) -> &str {
    assert_eq!(ran.code, 0, "{ran:?}");
    &ran.out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cost_agrees_with_the_snapshot_and_takes_files_and_logs() {
    const KEYS: &str = "tag,usual,cost,cost_now,low,high,parts,cold,warm,hit_rate,basis,assumed,is_choice,why,cheapest,\
        cheapest_by_list,to_win,break_even";
    let (data, model) = filled().await;
    let cost = hitrate(data.path(), &["cost", &model, "--json"]).json();
    assert_keys(&cost, "model_id,workload,endpoints,cheapest,by_list,notes");
    assert_keys(&cost["endpoints"][0], KEYS);
    assert_keys(&cost["by_list"], "tag,cost,surcharge,hosts,most,verdict");
    let known = hitrate(data.path(), &["model", &model, "--json"]).json();
    let mut compared = 0;
    for row in cost["endpoints"].as_array().expect("rows") {
        let same = known["endpoints"].as_array().expect("rows").iter().find(|e| e["tag"] == row["tag"]);
        let tiers = &same.expect("the same endpoint")["session_cost"]["coding-agent"];
        if let (Some(ours), Some(theirs)) = (row["cost"].as_f64(), tiers.as_f64()) {
            assert!((ours / theirs - 1.0).abs() < 1e-12, "{row}");
            compared += 1;
        }
    }
    assert!(compared > 1, "{cost}");
    let text = hitrate(data.path(), &["cost", &model, "--workload", "chat", "--table", "text"]);
    assert!(lines(&text).contains("chat: 8 turns") && text.out.contains("to be the cheapest"), "{text:?}");
    assert!(
        text.out.contains("\nThe price list ") && text.out.contains("is the cheapest in practice"),
        "{text:?}"
    );

    let host = cost["endpoints"][1]["tag"].as_str().expect("a second endpoint");
    let month = hitrate(data.path(), &["cost", &model, "--bill", "300", "--at", host, "--json"]).json();
    let own = month["monthly"]["endpoints"].as_array().expect("rows").iter().find(|row| row["tag"] == host);
    let own = own.expect("the host is compared");
    assert_eq!((&own["usd"], &own["is_present"]), (&300.0.into(), &true.into()), "{month}");
    let text = hitrate(data.path(), &["cost", &model, "--bill", "$300", "--at", host, "--table", "text"]);
    assert!(
        lines(&text).contains(&format!("$300.00 at {host} is about")) && text.out.contains("your bill"),
        "{text:?}"
    );
    let tsv = hitrate(data.path(), &["cost", &model, "--bill", "$300", "--at", host]);
    assert_eq!(tsv.out.lines().filter(|line| line.starts_with("tag\t")).count(), 1, "{tsv:?}");
    assert!(tsv.out.starts_with("tag\tprovider\tusd\t"), "{tsv:?}");
    for (args, said) in [
        (["--bill", "300,50"], "write cents after a point"),
        (["--bill", "-3"], ""),
        (["--at", host], "--bill"),
    ] {
        let refused = hitrate(data.path(), &["cost", &model, args[0], args[1]]);
        assert!(refused.code == 2 && refused.err.contains(said), "{refused:?}");
    }
    let missing = hitrate(data.path(), &["cost", &model, "--bill", "300", "--at", "no-such-host"]);
    assert!(missing.code == 1 && missing.err.contains("no host `no-such-host`"), "{missing:?}");

    let files = folder();
    let path = |name: &str| files.path().join(name).display().to_string();
    let shown = hitrate(data.path(), &["workload", "show", "chat"]);
    fs::write(
        path("own.toml"),
        lines(&shown).replace("\"chat\"", "\"mine\"").replace("turns = 8", "turns = 5"),
    )
    .expect("written");
    let own = hitrate(data.path(), &["cost", &model, "--workload", &path("own.toml"), "--json"]).json();
    assert_eq!((&own["workload"]["name"], &own["workload"]["turns"]), (&"mine".into(), &5.into()));
    fs::write(path("bad.toml"), "[[workload]]\nname = \"x\"\n").expect("written");
    let bad = hitrate(data.path(), &["cost", &model, "--workload", &path("bad.toml")]);
    assert!(bad.code == 1 && bad.err.contains("bad.toml") && bad.err.contains("missing field"), "{bad:?}");
    let unknown = hitrate(data.path(), &["cost", &model, "--workload", "nonsense"]);
    assert!(unknown.code == 1 && unknown.err.contains("coding-agent, chat"), "{unknown:?}");

    let log = (1..7).map(|turn| {
        format!(
            "{{\"session_id\":\"s\",\"usage\":{{\"prompt_tokens\":{},\"completion_tokens\":100}}}}\n",
            turn * 1000
        )
    });
    fs::write(path("log.jsonl"), log.collect::<String>() + "broken\n").expect("written");
    let fitted = hitrate(data.path(), &["cost", &model, "--workload", &path("log.jsonl"), "--table", "text"]);
    assert!(
        lines(&fitted).contains("6 requests, ") && fitted.out.contains("1 entry (line 7): not valid JSON")
    );
    assert!(fitted.out.contains("log: 6 turns"), "{fitted:?}");
    for more in [&[][..], &["--json"]] {
        let log = path("log.jsonl");
        let ran = hitrate(data.path(), &[&["cost", &model, "--workload", &log][..], more].concat());
        assert!(ran.code == 0 && ran.err.contains("6 requests, "), "{more:?}: {}", ran.err);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ranking_takes_scores_and_a_file_of_workloads_comes_into_tier_lists() {
    let (data, model) = filled().await;
    let all = hitrate(data.path(), &["cost", "--across", "--top", "0", "--json"]).json();
    assert_keys(&all, "workload,found,rows,left_out,quality_note");
    assert_eq!(all["found"].as_u64(), all["rows"].as_array().map(|rows| rows.len() as u64));
    let scores = data.path().join("scores.csv");
    fs::write(&scores, format!("model_id,score\n{model},50\n")).expect("written");
    let scores = scores.display().to_string();
    let floor = |least: &str| {
        let arguments = ["cost", "--across", "--quality", &scores, "--min-quality", least, "--json"];
        hitrate(data.path(), &arguments).json()
    };
    assert!(
        floor("50")["rows"].as_array().expect("rows").iter().all(|row| row["model_id"] == model.as_str())
    );
    assert_eq!(floor("51")["rows"], serde_json::json!([]));
    for wrong in [&["cost"][..], &["cost", &model, "--across"], &["cost", &model, "--best"]] {
        assert_eq!(hitrate(data.path(), wrong).code, 2, "{wrong:?}");
    }

    let shown = hitrate(data.path(), &["workload", "show", "rag"]);
    fs::write(data.path().join("own.toml"), lines(&shown).replace("\"rag\"", "\"mine\"")).expect("written");
    fs::write(data.path().join("hitrate.toml"), "[workloads]\nfile = \"own.toml\"\n").expect("written");
    let later = ["tiers", "--lens", "cost", "--workload", "mine", "--as-of", "2026-09-12", "--json"];
    let names = hitrate(data.path(), &["workload", "show", "--json"]).json();
    assert_eq!(names.as_array().map(Vec::len), Some(5));
    let list = hitrate(data.path(), &later);
    assert!(list.code == 0 && list.json()["workload"] == "mine", "{list:?}");
    fs::write(data.path().join("own.toml"), lines(&shown)).expect("written");
    let clash = hitrate(data.path(), &later);
    assert!(clash.code == 1 && clash.err.contains("duplicate workload `rag`"), "{clash:?}");
}

#[test]
fn fit_tells_what_it_recognised_and_what_not() {
    let files = folder();
    let path = files.path().join("log.jsonl");
    let named = path.display().to_string();
    let entry = |turn: u32| {
        format!(
            r#"{{"sessionId":"a","message":{{"id":"m{turn}","usage":{{"input_tokens":50,"output_tokens":200,"cache_read_input_tokens":{},"cache_creation_input_tokens":250}}}}}}"#,
            turn * 300
        )
    };
    let log: Vec<String> = (0..9).map(entry).collect();
    fs::write(&path, log.join("\n") + "\n{\"type\":\"summary\"}\n").expect("written");
    let fit = hitrate(files.path(), &["workload", "fit", &named, "--name", "agent", "--json"]).json();
    assert_keys(
        &fit,
        "paths,formats,unread,left_out,rule,workload,requests,sessions,cuts,grouping,reuse_from,log,fitted,hit_rate",
    );
    let unread = fit["unread"].as_object().expect("reasons").values().next().expect("a reason");
    assert_eq!((&fit["requests"], &unread["first"][0]), (&9.into(), &10.into()));
    assert_eq!(fit["rule"][0]["rule"]["input"], "excludes");
    assert_eq!((&fit["workload"]["name"], &fit["workload"]["turns"]), (&"agent".into(), &9.into()));
    let toml = hitrate(files.path(), &["workload", "fit", &named, "--name", "agent", "--toml"]);
    assert!(toml.code == 0 && toml.out.starts_with("[[workload]]\nname = \"agent\""), "{toml:?}");
    fs::write(&path, "nothing\nof\nthe kind\n").expect("written");
    let none = hitrate(files.path(), &["workload", "fit", &named]);
    assert!(none.code == 1 && none.err.contains("line 1: not valid JSON"), "{none:?}");
    let name = hitrate(files.path(), &["workload", "fit", &named, "--name", "No Name"]);
    assert_eq!((name.code, name.out.as_str()), (1, ""));
}
