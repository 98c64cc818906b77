//! A rename shows as soon as it is said, whatever was asked before, and outlives the process: through HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use serde_json::{Value, json};
use test_support::clock::now;
use test_support::documents::upload;
use test_support::http::agent;
use test_support::server::{Binary, Server};

const RESULTSDB: Binary = test_support::resultsdb!();

/// A run that started so many hours ago, of one test.
fn run(server: &Server, hours: i64, test: &str) {
    let time = now() - hours * 3600;
    assert_eq!(server.post("/api/upload", &upload(time - 60, time, &json!({ test: {} }))).unwrap().0, 200);
}

fn rename(server: &Server, more: &Value) -> (u16, String) {
    let mut document = json!({ "suite": "layout-tests", "from": "old.html", "to": "new.html" });
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.post("/api/renames", document.to_string().as_bytes()).unwrap()
}

/// How many results the old name has, and the new one.
fn results(server: &Server) -> [usize; 2] {
    ["old.html", "new.html"].map(|test| {
        let answer = server.json(&format!("/api/results/layout-tests/{test}"));
        answer.as_array().unwrap().iter().map(|of| of["results"].as_array().unwrap().len()).sum()
    })
}

#[test]
fn a_rename_shows_at_once_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = RESULTSDB.serve(folder.path());
    for hours in [5, 4, 3] {
        run(&server, hours, "old.html");
    }
    run(&server, 2, "new.html");
    assert_eq!(results(&server), [3, 1]);
    assert_eq!(rename(&server, &json!({})), (200, r#"{"status":"ok"}"#.to_owned()));
    assert_eq!(results(&server), [0, 4]);
    // What is uploaded later is another test, under the same name.
    run(&server, -1, "old.html");
    run(&server, 1, "new.html");
    assert_eq!(results(&server), [1, 5]);
    // Said again, it has another time: the last run of the old name came after it.
    assert_eq!(rename(&server, &json!({ "at": now() - 3 * 3600 - 1800 })).0, 200);
    assert_eq!(results(&server), [2, 4]);
    server.signal("-TERM");
    assert_eq!(server.wait(), Some(0));
    let server = RESULTSDB.serve(folder.path());
    assert_eq!(results(&server), [2, 4]);
    assert_eq!(rename(&server, &json!({ "state": "closed" })).0, 200);
    assert_eq!(results(&server), [4, 2]);
    assert_eq!(server.json("/api/renames"), json!([]));
    let (status, text) = rename(&server, &json!({ "to": "old.html" }));
    assert!(status == 400 && text.contains("the same name"), "{text}");
    // A form of a page is led to the test.
    let form = agent()
        .post(format!("{}/api/renames", server.url))
        .config()
        .max_redirects(0)
        .build()
        .header("accept", "text/html")
        .header("content-type", "application/x-www-form-urlencoded")
        .send("suite=layout-tests&from=old.html&to=a+b")
        .unwrap();
    assert_eq!(form.status(), 303);
    assert_eq!(form.headers()["location"], "/?suite=layout-tests&test=a+b");
}
