//! Commits found by reference and range, against a plain model: every commit in a list, filtered and sorted.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use test_support::clock::now;
use test_support::query_service::QueryService;
use test_support::rows::EventRows;
use test_support::sample::sample;
use test_support::{engine, events};

const QUESTIONS: usize = 250;

#[derive(Debug, Clone, PartialEq)]
struct Known {
    repository: &'static str,
    branch: &'static str,
    uuid: u64,
    names: Vec<String>,
}

async fn the_form_keeps_the_range(service: &QueryService) {
    let kept = async |query: &str| {
        let (status, page) = service.get(&format!("/commits?{query}")).await;
        assert_eq!(status, 200, "{query}");
        let page = String::from_utf8(page.to_vec()).unwrap();
        let form = page
            .split("<form action=\"&#x2f;commits\"")
            .nth(1)
            .and_then(|rest| rest.split("</form>").next())
            .unwrap_or_default()
            .to_owned();
        let inputs = form.split("<input type=\"hidden\" name=\"").skip(1);
        let pair = |input: &str| input.split('"').step_by(2).take(2).collect::<Vec<_>>().join("=");
        inputs.map(pair).collect::<Vec<_>>().join("&")
    };
    for range in ["after_uuid=5&before_uuid=9", "after_timestamp=5", "after_ref=a&before_id=7%40main", "ref=abc"] {
        assert_eq!(kept(&format!("{range}&q=zebra&branch=main&repository_id=webkit")).await, range.replace("%40", "@"));
    }
    assert_eq!(kept("limit=20&after_branch=&after_id=7&other=1").await, "limit=20&after_id=7");
    // Newer and Older lead to a place, from which a search does not begin.
    assert_eq!((kept("before_uuid=9").await, kept("after_uuid=5").await), (String::new(), String::new()));
    // Repositories are chosen where they are shown, one or several.
    for (chosen, several) in [(vec!["webkit"], false), (vec!["safari", "webkit"], true)] {
        let query: Vec<String> = chosen.iter().map(|id| format!("repository_id={id}")).collect();
        let page = service.text(&format!("/commits?{}", query.join("&"))).await;
        let options = page.split("<option selected>").skip(1).filter_map(|rest| rest.split('<').next());
        let selected: Vec<&str> = options.filter(|id| ["safari", "webkit"].contains(id)).collect();
        assert_eq!((selected, page.contains(" multiple ")), (chosen, several));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_are_found_by_every_spelling_and_range() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let mut runner = TestRunner::deterministic();
    let mut known: BTreeMap<(&str, &str, u64), Known> = BTreeMap::new();
    let mut views = EventRows::default();
    for number in 0..120i64 {
        let repository = sample(&mut runner, prop::sample::select(vec!["webkit", "safari"]));
        let branch = sample(&mut runner, prop::sample::select(vec!["main", "main", "release"]));
        // Close together, so that commits share seconds and beginnings of hashes.
        let time = now() - 86_400 * sample(&mut runner, 0i64..400) - 100;
        let order = sample(&mut runner, 0i64..3);
        let hash = sample(&mut runner, "[0-3]{3}[a-c]{2}");
        let uuid = (time * 100 + order) as u64;
        if known.contains_key(&(repository, branch, uuid)) {
            continue;
        }
        let mut document = json!({
            "repository_id": repository, "branch": branch, "timestamp": time, "order": order,
            "hash": format!("{hash}{number:035}"), "identifier": format!("{number}@{branch}"),
        });
        let mut names = vec![format!("{hash}{number:035}"), format!("{number}@{branch}")];
        if sample(&mut runner, any::<bool>()) {
            document["revision"] = json!(300_000 + number);
            names.push(format!("r{}", 300_000 + number));
        }
        views.add(events::commit(now(), document), 1);
        known.insert((repository, branch, uuid), Known { repository, branch, uuid, names });
    }
    let service = QueryService::start(&engine, directory.path(), "commits", [views]).await;
    let known: Vec<Known> = known.into_values().collect();
    let mut found_something = 0;
    for question in 0..QUESTIONS {
        let (query, mut expected) = if question % 2 == 0 {
            let reference = match sample(&mut runner, 0..4) {
                0 => sample(&mut runner, "[0-3]{1,3}[a-c]{1,2}"),
                1 => format!("{}@main", sample(&mut runner, 0..120)),
                2 => format!("{}", 300_000 + sample(&mut runner, 0..120)),
                _ => format!("R3000{}", sample(&mut runner, 0..12)),
            };
            let folded = reference.to_lowercase();
            let named = |name: &String| match folded.bytes().all(|byte| byte.is_ascii_digit()) {
                true => *name == format!("r{folded}"),
                false => *name >= folded && *name <= format!("{folded}g"),
            };
            let expected = known.iter().filter(|it| it.names.iter().any(named)).collect();
            (format!("ref={reference}"), expected)
        } else {
            let at = |runner: &mut TestRunner| {
                let day = prop::option::of(0i64..420);
                sample(runner, day).map(|days| ((now() - days * 86_400) * 100) as u64)
            };
            let (after, before) = (at(&mut runner), at(&mut runner));
            let limit = sample(&mut runner, 1usize..50);
            let mut query = format!("limit={limit}");
            query.extend(after.map(|it| format!("&after_uuid={it}")));
            query.extend(before.map(|it| format!("&before_uuid={it}")));
            let mut expected: Vec<&Known> = Vec::new();
            for repository in ["webkit", "safari"] {
                let mut commits: Vec<&Known> = known
                    .iter()
                    .filter(|it| (it.repository, it.branch) == (repository, "main"))
                    .filter(|it| it.uuid >= after.unwrap_or(0) && it.uuid <= before.unwrap_or(u64::MAX))
                    .collect();
                commits.sort_by_key(|it| it.uuid);
                if after.is_none() || before.is_some() {
                    commits.reverse();
                }
                commits.truncate(limit);
                expected.extend(commits);
            }
            (query, expected)
        };
        expected.sort_by_key(|it| (it.uuid, it.repository));
        let (status, body) = service.get(&format!("/api/commits?{query}")).await;
        if expected.is_empty() {
            assert_eq!(status, 404, "{query}");
            continue;
        }
        found_something += 1;
        let answer: Vec<Value> = serde_json::from_slice(&body).unwrap();
        let answer: Vec<(u64, &str, &str)> = answer
            .iter()
            .map(|it| {
                let uuid = it["timestamp"].as_u64().unwrap() * 100 + it["order"].as_u64().unwrap();
                (uuid, it["repository_id"].as_str().unwrap(), it["branch"].as_str().unwrap())
            })
            .collect();
        let expected: Vec<_> = expected.iter().map(|it| (it.uuid, it.repository, it.branch)).collect();
        assert_eq!(answer, expected, "{query}");
    }
    assert!(found_something > QUESTIONS / 3, "{found_something}");
    the_form_keeps_the_range(&service).await;
    engine.shutdown().await;
}
