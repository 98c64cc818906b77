//! What an address asks is neither dropped nor made up: nonsense is refused by what is our own, as the reference takes it on its
//! endpoints, and pages hand all filters on.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use std::collections::BTreeSet;

use axum::http::StatusCode;
use schema::clock::Clock;
use serde_json::{Value, json};
use test_support::clock::now;
use test_support::engine;
use test_support::events::run;
use test_support::query_service::QueryService;
use test_support::rows::EventRows;

/// Endpoints of the reference that have truth values: any text but those that are true is false there.
const OF_REFERENCE: [&str; 17] = [
    "/api/failures/s",
    "/api/results-ews",
    "/api/results-ews/tests",
    "/api/results-summary/s/t",
    "/api/results/s",
    "/api/results/s/t",
    "/api/suites",
    "/api/upload",
    "/api/upload/archive",
    "/api/urls",
    "/api/urls/queue",
    // Pages, and what their scripts ask by the same query.
    "/",
    "/suites",
    "/api/timeline-overview/s",
    "/api/timeline-overview/s/t",
    "/api/timeline/s",
    "/api/timeline/s/t",
];
/// What runs are filtered by, as every page takes it.
const FILTERS: [(&str, &str); 5] =
    [("platform", "mac"), ("platform", "ios"), ("style", "Debug"), ("label.job", "a&b"), ("branch", "next")];
/// Pages that are about runs, and what else they are asked.
const PAGES: [&str; 13] = [
    "/trends?suite=s&weeks=3",
    "/trends?suite=s&weeks=3&test=t",
    "/triage?suite=s",
    "/changes?suite=s&weeks=3",
    "/causes?suite=s&weeks=3",
    "/flaky?suite=s&weeks=3",
    "/costs?suite=s&weeks=3",
    "/owners?suite=s&weeks=3",
    "/new-tests?suite=s",
    "/durations?suite=s&weeks=3",
    "/compare?suite=s&before=1",
    "/?suite=s&test=t",
    "/investigate?suite=s",
];
/// Pages to which a link about the same runs has to say which.
const ABOUT_RUNS: [&str; 12] = [
    "/?",
    "/suites?",
    "/investigate?",
    "/trends?",
    "/triage?",
    "/changes?",
    "/causes?",
    "/flaky?",
    "/costs?",
    "/owners?",
    "/new-tests?",
    "/durations?",
];

fn views() -> EventRows {
    let mut views = EventRows::default();
    for (offset, branch) in ["main", "main", "main", "next", "next", "next"].into_iter().enumerate() {
        let start = now() - 3600 * (7 - offset as i64);
        let commit = json!({ "repository_id": "app", "branch": branch, "timestamp": start, "order": 0 });
        let configuration = json!({
            "platform": "mac", "version": 14_000_000, "is_simulator": false, "architecture": "arm64", "style": "Debug",
            "job": "a&b",
        });
        let actual = if offset % 2 == 0 { "PASS" } else { "TEXT" };
        let results = json!({ "t": { "actual": actual, "log": "it broke", "time": 7, "owners": ["@o"] }, "u": {} });
        views.add(run("s", configuration, &commit, start + 60, &results), offset as u64 + 1);
    }
    views
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_is_answered_or_refused() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let clock = Clock::standing_at(now() as u64);
    let service = QueryService::start_at(&engine, directory.path(), "parameters", [views()], clock).await;
    truth_values(&service).await;
    values_given_twice(&service).await;
    empty_branches(&service).await;
    formats(&service).await;
    filters(&service).await;
    engine.shutdown().await;
}

/// What is asked by GET.
struct Asked {
    path: String,
    /// Names and schemas of the query's parameters.
    parameters: Vec<(String, Value)>,
    /// Types of the answer.
    content: Value,
}

impl Asked {
    /// The beginning of an address that asks this about the one suite.
    fn address(&self) -> String {
        let has_suite = self.parameters.iter().any(|(name, _)| name == "suite");
        format!("{}?{}", self.path, if has_suite { "suite=s&" } else { "" })
    }
}

async fn operations(service: &QueryService) -> Vec<Asked> {
    let document = service.json("/api/openapi.json").await;
    let mut found = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let Some(operation) = operations.get("get") else { continue };
        let parameters = operation["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == "query");
        found.push(Asked {
            path: path.replace("{suite}", "s").replace("{test}", "t").replace("{id}", "1").replace("{receipt}", "1"),
            parameters: parameters
                .map(|one| (one["name"].as_str().unwrap().to_owned(), one["schema"].clone()))
                .collect(),
            content: operation["responses"]["200"]["content"].clone(),
        });
    }
    found
}

fn is_truth(schema: &Value) -> bool {
    schema["type"] == "boolean" || schema["items"]["type"] == "boolean"
}

async fn truth_values(service: &QueryService) {
    let mut asked: Vec<(String, String)> = Vec::new();
    for Asked { path, parameters, .. } in operations(service).await {
        let truths = parameters.into_iter().filter(|(_, schema)| is_truth(schema));
        asked.extend(truths.map(|(name, _)| (path.clone(), name)));
    }
    assert!(asked.len() > 40, "{asked:?}");
    let pages =
        ["/", "/suites", "/triage", "/trends", "/flaky", "/causes", "/durations", "/owners", "/new-tests", "/compare"];
    asked.extend(pages.map(|page| (page.to_owned(), "recent".to_owned())));
    asked.push(("/dashboards".to_owned(), "passing".to_owned()));
    for (path, name) in asked {
        let (status, body) = service.get(&format!("{path}?{name}=maybe")).await;
        let body = String::from_utf8_lossy(&body).replace("&#x27;", "'");
        let told = format!("{name} is true or false (yes, no, 1 and 0 say the same), not 'maybe'");
        if OF_REFERENCE.contains(&path.as_str()) {
            let (usual, _) = service.get(&format!("{path}?{name}=false")).await;
            assert!(status == usual && !body.contains(&told), "{path} {name}: {status} {body}");
        } else {
            assert!(status == StatusCode::BAD_REQUEST && body.contains(&told), "{path} {name}: {status} {body}");
        }
    }
}

/// A value that is given twice is refused where one is meant, as the document says, and on pages as by the API.
async fn values_given_twice(service: &QueryService) {
    let (mut once, mut several) = (0, 0);
    for Asked { path, parameters, .. } in operations(service).await {
        for (name, schema) in parameters {
            let name = name.replace("label.key", "label.job");
            let (status, body) = service.get(&format!("{path}?{name}=1&{name}=1")).await;
            let told = String::from_utf8_lossy(&body).contains(&format!("{name} is given more than once"));
            if schema["maxItems"] == 1 {
                assert!(status == StatusCode::BAD_REQUEST && told, "{path} {name}: {status}");
                once += 1;
            } else {
                assert!(!told, "{path} {name}: {status}");
                several += 1;
            }
        }
    }
    assert!(once > 100 && several > 300, "{once} {several}");
    for (path, name) in [
        ("/triage?days=3&days=7", "days"),
        ("/flaky?suite=s&suite=t", "suite"),
        ("/trends?weeks=4&weeks=8", "weeks"),
        ("/changes?branch=next&branch=main", "branch"),
        ("/compare/populations?base_weeks=1&base_weeks=2", "base_weeks"),
    ] {
        let (status, body) = service.get(path).await;
        let told = format!("{name} is given more than once, and has one value; give it once");
        assert!(
            status == StatusCode::BAD_REQUEST && String::from_utf8_lossy(&body).contains(&told),
            "{path}: {status}"
        );
    }
    // What a form sends empty is not given.
    for path in ["/triage?suite=&suite=s", "/commits?branch=main&branch=next", "/triage?group=new&group=still"] {
        assert_eq!(service.get(path).await.0, StatusCode::OK, "{path}");
    }
    let (status, body) = service.get("/triage?nosuch=1").await;
    assert!(status == StatusCode::BAD_REQUEST && String::from_utf8_lossy(&body).contains("nosuch"), "{status}");
    // Two pages of the reference take any query.
    for path in ["/commits?nosuch=1&q=a&q=b", "/documentation?nosuch=1&q=a&q=b"] {
        assert_eq!(service.get(path).await.0, StatusCode::OK, "{path}");
    }
}

async fn empty_branches(service: &QueryService) {
    let mut asked = 0;
    for operation in operations(service).await {
        let address = operation.address();
        for (name, _) in operation.parameters.iter().filter(|(name, _)| name.ends_with("branch")) {
            let usual = service.get(&address).await;
            let empty = service.get(&format!("{address}{name}=")).await;
            assert_eq!(usual.0, empty.0, "{address}{name}=");
            assert_eq!(String::from_utf8_lossy(&usual.1), String::from_utf8_lossy(&empty.1), "{address}{name}=");
            asked += 1;
        }
    }
    assert!(asked > 30, "{asked}");
    assert_ne!(service.json("/api/results/s?branch=").await, json!([]));
}

/// The formats that an endpoint is said to take.
fn formats_of(operation: &Asked) -> Vec<String> {
    let format = operation.parameters.iter().filter(|(name, _)| name == "format");
    let listed = format.flat_map(|(_, schema)| schema["items"]["enum"].as_array().cloned().unwrap_or_default());
    listed.map(|word| word.as_str().unwrap().to_owned()).collect()
}

/// Each endpoint takes the formats that the document lists for it, answers in a type that the document has, and takes no others.
async fn formats(service: &QueryService) {
    let operations = operations(service).await;
    let all: BTreeSet<String> = operations.iter().flat_map(formats_of).collect();
    assert!(all.contains("markdown") && all.contains("pytest"), "{all:?}");
    let mut asked = 0;
    for operation in &operations {
        let (address, listed) = (operation.address(), formats_of(operation));
        if listed.is_empty() || !service.get(&address).await.0.is_success() {
            continue;
        }
        for word in &all {
            let (status, headers) = service.headers(&format!("{address}format={word}")).await;
            assert_eq!(status.is_success(), listed.contains(word), "{address}format={word}: {status}");
            if status.is_success() {
                let media = headers["content-type"].to_str().unwrap().split(';').next().unwrap();
                assert!(operation.content.get(media).is_some(), "{address}format={word}: {media}");
            }
            asked += 1;
        }
    }
    assert!(asked > 100, "{asked}");
}

/// The value of an attribute of each element of a kind, as a browser reads it.
fn attributes(page: &str, element: &str, attribute: &str) -> Vec<String> {
    let plain = |text: &str| {
        let text = text.replace("&#x2f;", "/").replace("&quot;", "\"").replace("&#x27;", "'");
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    };
    let opening = format!("<{element} ");
    let tags = page.split(&opening).skip(1).filter_map(|rest| rest.split('>').next());
    let value = |tag: &str| Some(plain(tag.split(&format!("{attribute}=\"")).nth(1)?.split('"').next()?));
    tags.filter_map(value).collect()
}

async fn filters(service: &QueryService) {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(FILTERS).finish();
    for path in PAGES {
        let page = service.text(&format!("{path}&{query}")).await;
        let main = page.split("id=\"content\"").nth(1).unwrap_or(&page);
        let form = main.split("<form ").skip(1).find(|form| form.contains("method=\"get\"")).unwrap();
        let form = form.split("</form>").next().unwrap();
        let chosen = form.split("<select ").skip(1).filter_map(|select| {
            let name = select.split("name=\"").nth(1)?.split('"').next()?;
            let option = select.split(" selected").nth(1)?.split('>').nth(1)?.split('<').next()?;
            Some((name.to_owned(), option.replace("&amp;", "&")))
        });
        let inputs = attributes(form, "input", "name");
        assert_eq!(inputs.len(), attributes(form, "input", "value").len(), "{path}: {form}");
        let inputs = inputs.into_iter().zip(attributes(form, "input", "value"));
        let sent: Vec<(String, String)> = inputs.chain(chosen).collect();
        for (name, value) in FILTERS {
            assert!(sent.contains(&(name.to_owned(), value.to_owned())), "{path} {name}={value}: {sent:?}");
        }
        for link in attributes(main, "a", "href") {
            if !ABOUT_RUNS.iter().any(|page| link.starts_with(page)) {
                continue;
            }
            let asked: Vec<(String, String)> =
                form_urlencoded::parse(link.split_once('?').unwrap().1.as_bytes()).into_owned().collect();
            let of = |name: &str| -> Vec<&str> {
                asked.iter().filter(|(one, _)| one == name).map(|(_, value)| value.as_str()).collect()
            };
            assert_eq!(
                (of("branch"), of("style"), of("label.job")),
                (vec!["next"], vec!["Debug"], vec!["a&b"]),
                "{path}: {link}"
            );
            // A link about one configuration names its platform alone.
            assert!(!of("platform").is_empty(), "{path}: {link}");
            let is_over_weeks = ["/trends?", "/flaky?", "/durations?", "/costs?", "/changes?"];
            if path.contains("weeks=3") && is_over_weeks.iter().any(|page| link.starts_with(page)) {
                assert_eq!(of("weeks"), ["3"], "{path}: {link}");
            }
        }
    }
    // What a link asks is answered.
    let page = service.text(&format!("/trends?suite=s&weeks=3&test=t&{query}")).await;
    for link in attributes(&page, "a", "href").into_iter().filter(|link| link.contains("branch=next")) {
        assert_eq!(service.get(&link).await.0, StatusCode::OK, "{link}");
    }
}
