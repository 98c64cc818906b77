//! The table of every route with every kind of caller, from the routers themselves.

use std::collections::BTreeMap;
use std::fmt::Write;

use access::Rule;
use serde_json::json;
use test_support::clock::now;
use test_support::documents::upload;

use super::keyed::KeyedServer;

/// A request that the route takes from whoever may send it: media type and body; `key` is what a form for one is given.
fn body(path: &str, key: &str) -> (&'static str, Vec<u8>) {
    let time = now() - 3600;
    let document = upload(time - 60, time, &json!({ "a.html": {} }));
    let json = |value: serde_json::Value| ("application/json", value.to_string().into_bytes());
    let commit =
        json!({ "repository_id": "webkit", "branch": "main", "timestamp": time, "hash": format!("{time:040x}") });
    match path {
        "/sign-in" => ("application/x-www-form-urlencoded", format!("key={key}").into_bytes()),
        "/api/upload" => ("application/json", document),
        "/api/upload/ews" => {
            let mut value: serde_json::Value = serde_json::from_slice(&document).unwrap();
            value["test_results"] = json!({ "results": { "a.html": { "actual": "FAIL" } } });
            json(value)
        }
        "/api/upload/archive" => {
            let commits = json!([commit]);
            let zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new())).finish().unwrap().into_inner();
            let mut form = format!(
                "--B\r\nContent-Disposition: form-data; name=\"suite\"\r\n\r\nlayout-tests\r\n\
                 --B\r\nContent-Disposition: form-data; name=\"platform\"\r\n\r\nMac\r\n\
                 --B\r\nContent-Disposition: form-data; name=\"commits\"\r\n\r\n{commits}\r\n\
                 --B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.zip\"\r\n\r\n"
            )
            .into_bytes();
            form.extend(zip);
            form.extend(b"\r\n--B--\r\n");
            ("multipart/form-data; boundary=B", form)
        }
        "/api/reports" => {
            ("application/xml", b"<testsuite name=\"a\"><testcase name=\"b\" time=\"1\"/></testsuite>".to_vec())
        }
        "/api/commits" | "/api/commits/register" => json(commit),
        "/api/bugs" => json(json!({ "suite": "layout-tests", "test": "a.html", "url": "https://bugs.example.org/1" })),
        "/api/renames" => json(json!({ "suite": "layout-tests", "from": "a.html", "to": "b.html" })),
        "/api/quarantine" => json(json!({ "suite": "layout-tests", "test": "a.html", "reason": "flaky", "days": 1 })),
        "/api/keys" => json(json!({ "name": "another", "scopes": ["read"] })),
        _ => json(json!({})),
    }
}

/// A path that the pattern of a route matches.
fn path(pattern: &'static str) -> String {
    let mut path = String::new();
    for (index, segment) in pattern.split('/').enumerate() {
        let given = match segment {
            "{id}" => "0-0",
            "{action}" if pattern.contains("keys") => "revoke",
            "{action}" => "replay",
            "{*badge}" => "layout-tests.svg",
            "{tracker}" => "bugzilla",
            "{*file}" if pattern.starts_with("/assets") => "style.css",
            named if named.starts_with('{') => "layout-tests",
            fixed => fixed,
        };
        let _ = write!(path, "{}{given}", if index > 0 { "/" } else { "" });
    }
    if pattern == "/api/reports" {
        let time = now() - 3600;
        let _ = write!(path, "?suite=layout-tests&repository_id=webkit&commit={time:040x}&timestamp={time}");
    }
    path
}

#[test]
fn every_route_lets_in_whoever_its_rule_says() {
    let keyed = KeyedServer::start("");
    let (gone, revoked) = keyed.make(&["admin"]);
    assert_eq!(keyed.status("POST", &format!("/api/keys/{gone}/revoke"), Some(&keyed.admin), "{}"), 200);
    let expired = keyed.expired();
    let keys: BTreeMap<&str, String> = [
        ("read", keyed.make(&["read"]).1),
        ("upload", keyed.make(&["upload:suite=layout-tests,repository=webkit", "upload:repository=webkit"]).1),
        ("other", keyed.make(&["upload:suite=other-tests"]).1),
        ("link", keyed.make(&["link"]).1),
        ("quarantine", keyed.make(&["quarantine"]).1),
        ("admin", keyed.admin.clone()),
    ]
    .into();
    let observed = [("/__health", Rule::Anybody), ("/__ready", Rule::Anybody), ("/metrics", Rule::Read)];
    let observed = observed.into_iter().map(|(path, rule)| (axum::http::Method::GET, path, rule));
    let mut rules: Vec<_> = ingest::rules().into_iter().chain(query::rules()).chain(observed).collect();
    rules.sort_by(|one, other| (one.1, one.0.as_str()).cmp(&(other.1, other.0.as_str())));
    let mut table = String::from(
        "method route: rule | no key, expired, revoked | read, upload, other suite, link, quarantine, admin\n",
    );
    for (method, pattern, rule) in rules {
        let (path, method) = (path(pattern), method.as_str());
        let status = |key: Option<&str>| {
            let (media, body) = body(pattern, &keyed.admin);
            let mut response = keyed.send(method, &path, key, media, body);
            let status = response.status().as_u16();
            // A page leads whoever has no key to where they can show one.
            let leads = response.headers().get("location").is_some_and(|to| to.as_bytes().starts_with(b"/sign-in?to="));
            // What is asked of archives has a 403 of its own.
            let is_denied =
                status == 401 || leads || (status == 403 && response.headers().contains_key("www-authenticate"));
            if !is_denied && !pattern.contains("live") {
                let _ = response.body_mut().read_to_string();
            }
            (!is_denied, if leads { "sign-in".to_owned() } else { status.to_string() })
        };
        let ended = [None, Some(expired.as_str()), Some(revoked.as_str())].map(status);
        let held = ["read", "upload", "other", "link", "quarantine", "admin"].map(|key| status(Some(&keys[key])));
        let allowed = held.each_ref().map(|(is_allowed, _)| *is_allowed);
        let expected = match rule {
            Rule::Anybody => [true; 6],
            Rule::Read => [true, false, false, true, true, true],
            Rule::Upload => [false, true, false, false, false, true],
            Rule::Link => [false, false, false, true, false, true],
            Rule::Quarantine => [false, false, false, false, true, true],
            Rule::Admin => [false, false, false, false, false, true],
        };
        assert_eq!(allowed, expected, "{method} {pattern} {held:?}");
        // A browser is led to where a key can be shown; whoever shows one that is over is told so everywhere.
        assert_eq!(ended[0].0, rule == Rule::Anybody, "{method} {pattern} without a key");
        assert!(
            rule == Rule::Anybody || ["401", "sign-in"].contains(&ended[0].1.as_str()),
            "{method} {pattern} {ended:?}"
        );
        assert_eq!([&ended[1].1, &ended[2].1], ["401", "401"], "{method} {pattern}");
        if matches!(rule, Rule::Upload | Rule::Link | Rule::Quarantine) {
            assert_eq!(held[5].1, "200", "{method} {pattern} is sent what it takes");
        }
        let words = |statuses: &[(bool, String)]| -> String {
            // What becomes of a request that is let in is for other tests, and depends on what is stored by then.
            let word =
                |(is_allowed, status): &(bool, String)| if *is_allowed { "in".to_owned() } else { status.clone() };
            statuses.iter().map(word).collect::<Vec<_>>().join(" ")
        };
        let _ = writeln!(table, "{method} {pattern}: {rule:?} | {} | {}", words(&ended), words(&held));
    }
    insta::assert_snapshot!(table);
}
