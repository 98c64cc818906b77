//! Suites that run some of the known repositories: commits of the others are never blamed for what changes in them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::collections::BTreeSet;

use schema::event::{Event, Request};
use serde_json::{Value, json};
use test_support::clock::now;
use test_support::engine;
use test_support::events::{commit, run};
use test_support::query_service::QueryService;
use test_support::rows::EventRows;

/// Commits of eight weeks: those with even numbers are of `web`, those with odd ones of `base`.
const COMMITS: i64 = 240;
const SECONDS: i64 = 8 * 7 * 24 * 3600 / COMMITS;
/// Every so many commits each suite runs.
const EVERY: i64 = 6;
/// The tests, and the commit from which on each fails.
const TESTS: [(&str, i64); 3] = [("early.html", 60), ("joins.html", 150), ("late.html", 198)];
/// From this commit on the suite `grows` runs `base`, too.
const JOINED: i64 = 150;

type Named = BTreeSet<(String, i64)>;

fn begin() -> i64 {
    now() - COMMITS * SECONDS - 3600
}

fn repository(number: i64) -> &'static str {
    if number % 2 == 0 { "web" } else { "base" }
}

fn described(begin: i64, number: i64) -> Value {
    let time = begin + number * SECONDS;
    json!({
        "repository_id": repository(number), "branch": "main", "timestamp": time, "order": 0,
        "hash": format!("{number:040x}"), "identifier": format!("{number}@main"),
        "author": { "name": "Ada", "emails": ["ada@example.org"] },
    })
}

/// The newest commit of `alien` has the name of one of `web` that is so much older.
const OLDER: i64 = 48;

/// A commit of a repository that no suite runs, with the key of one that suites run.
fn alien(begin: i64, number: i64) -> Value {
    let mut commit = described(begin, number);
    commit["repository_id"] = "alien".into();
    commit["hash"] = format!("a{number:039x}").into();
    let name = if number == COMMITS { number - OLDER } else { number + 1000 };
    commit["identifier"] = format!("{name}@main").into();
    commit["author"] = json!({ "name": "Bob", "emails": ["bob@example.org"] });
    commit
}

/// A run on some commits, of which the first is the newest.
fn run_of(suite: &str, begin: i64, numbers: &[i64]) -> Event {
    let configuration =
        json!({ "platform": "mac", "version": 14_000_000, "is_simulator": false, "architecture": "arm64" });
    let mut results = json!({});
    for steady in 0..20 {
        results[format!("steady-{steady}.html")] = json!({ "actual": "PASS" });
    }
    for (test, since) in TESTS {
        results[test] = json!({ "actual": if numbers[0] >= since { "TEXT" } else { "PASS" } });
    }
    let newest = described(begin, numbers[0]);
    let mut event = run(suite, configuration, &newest, begin + numbers[0] * SECONDS + 60, &results);
    let Request::Upload { commits, .. } = &mut event.header.request else { panic!("no upload") };
    commits.extend(numbers[1..].iter().map(|number| serde_json::from_value(described(begin, *number)).unwrap()));
    event
}

fn views(begin: i64) -> EventRows {
    let mut views = EventRows::default();
    let mut offset = 0;
    let mut add = |event| {
        offset += 1;
        views.add(event, offset);
    };
    for number in 1..=COMMITS {
        add(commit(begin, described(begin, number)));
    }
    // Another repository may have a commit in the same second, so that both have one key.
    let mut twin = described(begin, 901);
    twin["timestamp"] = described(begin, 58)["timestamp"].clone();
    add(commit(begin, twin));
    for number in (EVERY..=COMMITS).step_by(EVERY as usize) {
        add(commit(begin, alien(begin, number)));
        add(run_of("one", begin, &[number]));
        add(run_of("both", begin, &[number, number - 1]));
        let joined = [number, number - 1];
        add(run_of("grows", begin, if number >= JOINED { &joined } else { &joined[..1] }));
    }
    views
}

fn named(commit: &Value) -> (String, i64) {
    let number = commit["name"].as_str().unwrap().strip_suffix("@main").unwrap().parse().unwrap();
    (commit["repository"].as_str().unwrap().to_owned(), number)
}

/// The change that broke a test: its range, and the commits that may have done it.
async fn broke(service: &QueryService, suite: &str, test: &str, weeks: u64) -> ((String, i64), (String, i64), Named) {
    let answer = service.json(&format!("/api/changes/{suite}/{test}?weeks={weeks}&kind=broke")).await;
    let [change] = &answer["changes"].as_array().unwrap()[..] else { panic!("{suite} {test} {weeks}: {answer}") };
    let is_likely = |one: &&Value| one["probability"].as_f64().unwrap() > 0.01;
    let likely = change["likely"].as_array().unwrap().iter().filter(is_likely);
    (named(&change["after"]), named(&change["until"]), likely.map(|one| named(&one["commit"])).collect())
}

fn of(numbers: impl IntoIterator<Item = i64>) -> Named {
    numbers.into_iter().map(|number| (repository(number).to_owned(), number)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_commits_of_what_a_suite_runs_are_blamed() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let begin = begin();
    let service = QueryService::start(&engine, directory.path(), "repositories", [views(begin)]).await;
    for (test, since) in TESTS {
        let evens = || ((since - 4)..=since).step_by(2);
        let all = || (since - 5)..=since;
        // Four weeks do not reach back to what broke early: its beginning is looked up.
        for weeks in [4, 8] {
            for suite in ["one", "both", "grows"] {
                let expected = match suite {
                    "one" => of(evens()),
                    "grows" if since < JOINED => of(evens()),
                    // Of two commits of one key that both came into runs, one is named.
                    _ if since == 60 => of(all().map(|number| if number == 58 { 901 } else { number })),
                    _ => of(all()),
                };
                let (after, until, likely) = broke(&service, suite, test, weeks).await;
                assert_eq!(likely, expected, "{suite} {test} {weeks}");
                // Where few runs went before, a range is wider than what lies between two runs.
                let ends = [(after, since - 3 * EVERY..=since - EVERY), (until, since..=since + 3 * EVERY)];
                let is_web = suite == "one" || suite == "grows" && since < JOINED;
                for ((repository, number), within) in ends {
                    assert!(within.contains(&number), "{suite} {test} {weeks}: {number}");
                    assert!(!is_web || repository == "web", "{suite} {test} {weeks}: {repository} {number}");
                }
            }
        }
    }

    // Repositories are shown where commits of more than one are in question.
    let page = service.text("/changes?suite=one&test=late.html").await;
    assert!(page.contains(">198@main</a>") && !page.contains("web 198@main"), "{page}");
    assert!(page.contains("&amp;repository_id=web\">198@main</a>"), "{page}");
    let page = service.text("/changes?suite=both&test=late.html").await;
    assert!(page.contains(">web 198@main</a>") && page.contains(">base 197@main</a>"), "{page}");

    let page = service.text("/trends?suite=both&test=late.html").await;
    assert!(page.contains("up to web 198@main</td>"), "{page}");

    // Lists of the commits between are of what the suite runs.
    for (suite, listed) in [("one", of((194..=198).step_by(2))), ("both", of(193..=198))] {
        for page in ["changes", "triage", ""] {
            let address = match page {
                "triage" => format!("/triage?suite={suite}&q=late"),
                _ => format!("/{page}?suite={suite}&test=late.html"),
            };
            let text = service.text(&address).await;
            let link = text.split("href=\"/commits?after_uuid=").nth(1).unwrap_or_else(|| panic!("{address}: {text}"));
            let link = link.split('"').next().unwrap().replace("&amp;", "&");
            let list = format!("/commits?after_uuid={link}");
            let text = service.text(&list).await;
            let keys = text.split("data-key=\"").skip(1).map(|row| row.split("@main").next().unwrap().to_owned());
            let row = |row: String| {
                let number = row.rsplit('>').next().unwrap().parse().unwrap();
                (row.split(' ').next().unwrap().to_owned(), number)
            };
            let found: Named = keys.map(row).collect();
            let repositories =
                |of: &Named| of.iter().map(|(repository, _)| repository.clone()).collect::<BTreeSet<_>>();
            assert_eq!(repositories(&found), repositories(&listed), "{address}: {list}");
            // A change is surer of its range than a timeline, and so its range may be wider.
            assert!(found == listed || page == "changes" && found.is_superset(&listed), "{address}: {found:?}");
        }
    }
    what_runs_name_is_told(&service, begin).await;
    engine.shutdown().await;
}

/// Of two commits with one key, the one is meant that the runs name.
async fn what_runs_name_is_told(service: &QueryService, begin: i64) {
    let late = TESTS[2].1;
    for address in ["/api/timeline/one/late.html", "/api/timeline/one"] {
        assert_eq!(service.json(address).await["columns"][0]["name"], format!("{COMMITS}@main"), "{address}");
    }
    for address in ["/triage?suite=one&q=late", "/?suite=one&test=late.html", "/triage.atom?suite=one"] {
        let page = service.text(address).await;
        assert!(!page.contains(&format!("{}@main", late + 1000)), "{address}: {page}");
    }
    let asked = async |base: &str, author: &str| {
        let question = json!({
            "suite": "one", "base": base, "change": { "id": author, "authors": [author] },
            "tests": [{ "test": "late.html", "state": "TEXT" }],
        });
        let (status, body) = service.post("/api/verdicts", question.to_string()).await;
        let answer: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(status, 200, "{answer}");
        let since = answer["tests"][0]["reasons"]["since"]["repository"].clone();
        (answer["tests"][0]["verdict"].as_str().unwrap().to_owned(), since)
    };
    // What the author of a change broke is no excuse; what others did in the same second in another repository changes nothing.
    let newest = format!("{COMMITS:040x}");
    assert_eq!(asked(&newest, "Bob").await, ("known-failing".to_owned(), "web".into()));
    assert_eq!(asked(&newest, "Ada").await.0, "unknown");
    // A name that several repositories know is one of theirs that the suite runs.
    assert_eq!(asked(&format!("{}@main", COMMITS - OLDER), "Bob").await.0, "new");
    // Of one key alone it is not known which commit is meant.
    let key = described(begin, late)["timestamp"].as_i64().unwrap() * 100;
    let (status, page) = service.get(&format!("/commit?uuid={key}")).await;
    let page = String::from_utf8_lossy(&page).into_owned();
    assert!(status == 404 && page.contains("There is more than one"), "{page}");
    assert!(page.contains(&format!("commits?uuid={key}\">Choose one of the commits")), "{page}");
    let list = service.text(&format!("/commits?uuid={key}")).await;
    assert!(list.contains("198@main") && list.contains("1198@main"), "{list}");
}
