#![allow(clippy::unwrap_used)]

use reports::document::Change;

use super::*;
use crate::stand_in::{Seen, StandIn};

fn context() -> RunContext {
    let configuration = json!({ "platform": "linux", "is_simulator": false }).as_object().unwrap().clone();
    let change = Some(Change { id: "7".into(), ..Change::default() });
    RunContext { head: Head { suite: "unit".into(), configuration, change, ..Head::default() }, base: None }
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn body(seen: &Seen) -> String {
    let json: Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(json.as_object().unwrap().len(), 1);
    json["body"].as_str().unwrap().to_owned()
}

const TOKEN: &str = "s3cret";

#[test]
fn a_first_comment_is_written_on_github() {
    let others = json!([{ "id": 1, "body": "hello" }, { "id": 2, "body": null }]).to_string();
    let forge = StandIn::answering(vec![(200, others), (201, "{}".into())]);
    let url = forge.url.clone();
    let variables = [("GITHUB_API_URL", url.as_str()), ("GITHUB_REPOSITORY", "octo/widget"), ("GITHUB_TOKEN", TOKEN)];
    publish(Forge::GitHub, &environment(&variables), &context(), "1 new failure").unwrap();
    let seen = forge.seen();
    assert_eq!(seen[0].line, "GET /repos/octo/widget/issues/7/comments?per_page=100&page=1 HTTP/1.1");
    assert_eq!(seen[1].line, "POST /repos/octo/widget/issues/7/comments HTTP/1.1");
    for seen in seen.iter() {
        let has = |header: &str| seen.headers.iter().any(|found| found == header);
        assert!(has("authorization: Bearer s3cret") && has("accept: application/vnd.github+json"), "{seen:?}");
        assert!(has("x-github-api-version: 2022-11-28"), "{seen:?}");
    }
    assert_eq!(
        body(&seen[1]),
        "<!-- resultsdb gate -->\n<!-- resultsdb section unit on linux -->\n1 new failure\n<!-- resultsdb end unit on linux -->\n"
    );
}

#[test]
fn a_comment_is_edited_in_place_on_github() {
    let first = with_section("", "unit on linux", "old");
    let page: Vec<Value> = (0..100).map(|id| json!({ "id": id, "body": "talk" })).collect();
    let answers = vec![
        (200, json!(page).to_string()),
        (200, json!([{ "id": 555, "body": first }]).to_string()),
        (200, "{}".into()),
    ];
    let forge = StandIn::answering(answers);
    let url = forge.url.clone();
    let variables = [("GITHUB_API_URL", url.as_str()), ("GITHUB_REPOSITORY", "octo/widget"), ("GITHUB_TOKEN", TOKEN)];
    publish(Forge::GitHub, &environment(&variables), &context(), "new").unwrap();
    let seen = forge.seen();
    assert!(seen[1].line.ends_with("page=2 HTTP/1.1"), "{seen:?}");
    assert_eq!(seen[2].line, "PATCH /repos/octo/widget/issues/comments/555 HTTP/1.1");
    let body = body(&seen[2]);
    assert!(body.contains("\nnew\n") && !body.contains("old"), "{body}");
}

#[test]
fn a_note_is_written_and_edited_on_gitlab() {
    let first = with_section("", "unit on mac", "of mac");
    for (token, header) in [("GITLAB_TOKEN", "private-token: s3cret"), ("CI_JOB_TOKEN", "job-token: s3cret")] {
        let listed = json!([{ "id": 9, "body": first }]).to_string();
        let forge = StandIn::answering(vec![(200, "[]".into()), (201, "{}".into()), (200, listed), (200, "{}".into())]);
        let url = forge.url.clone();
        let api = format!("{url}/api/v4");
        let variables = [("CI_API_V4_URL", api.as_str()), ("CI_PROJECT_ID", "3"), (token, TOKEN)];
        for section in ["one", "two"] {
            publish(Forge::GitLab, &environment(&variables), &context(), section).unwrap();
        }
        let seen = forge.seen();
        let lines: Vec<&str> = seen.iter().map(|seen| seen.line.as_str()).collect();
        let notes = "/api/v4/projects/3/merge_requests/7/notes";
        assert_eq!(lines[0], format!("GET {notes}?per_page=100&page=1 HTTP/1.1"));
        assert_eq!(lines[1], format!("POST {notes} HTTP/1.1"));
        assert_eq!(lines[3], format!("PUT {notes}/9 HTTP/1.1"));
        assert!(seen.iter().all(|seen| seen.headers.iter().any(|found| found == header)), "{seen:?}");
        assert!(body(&seen[3]).contains("of mac") && body(&seen[3]).contains("two"));
    }
}

#[test]
fn errors_name_what_is_missing_and_never_the_token() {
    let error = |forge, variables: &[(&str, &str)], context: &RunContext| {
        format!("{:#}", publish(forge, &environment(variables), context, "x").unwrap_err())
    };
    assert_eq!(error(Forge::GitHub, &[("GITHUB_REPOSITORY", "o/w")], &context()), "GITHUB_TOKEN is not set");
    assert_eq!(error(Forge::GitLab, &[], &context()), "CI_API_V4_URL is not set");
    let mut unknown = context();
    unknown.head.change = None;
    assert!(error(Forge::GitHub, &[], &unknown).contains("--change"));
    let mut odd = context();
    odd.head.change = Some(Change { id: "7/../8".into(), ..Change::default() });
    assert!(error(Forge::GitHub, &[], &odd).contains("by its number"));
    let url = StandIn::answering(vec![(403, String::new())]).url;
    let variables = [("GITHUB_API_URL", url.as_str()), ("GITHUB_REPOSITORY", "o/w"), ("GITHUB_TOKEN", TOKEN)];
    let told = error(Forge::GitHub, &variables, &context());
    assert!(told.contains("answered 403") && !told.contains(TOKEN), "{told}");
    let gone = [("GITHUB_API_URL", "http://127.0.0.1:9"), ("GITHUB_REPOSITORY", "o/w"), ("GITHUB_TOKEN", TOKEN)];
    let told = error(Forge::GitHub, &gone, &context());
    assert!(told.contains("cannot be reached") && !told.contains(TOKEN), "{told}");
}
