//! What claims allow.

use identity::IdentityError;
use serde_json::{Value, json};

use crate::local_issuer::LocalIssuer;
use crate::signing_key::FIRST;
use crate::{check, claims, issuers, with};

/// Policies of a forge: uploads of main, of any branch of an owner, and reading.
const POLICIES: &str = r#"
    issuer = "ISSUER"
    audience = "https://results.example.org"
    [[policies]]
    claims = { repository_id = "1234", ref = "refs/heads/main", event_name = ["push", "schedule"] }
    scopes = ["upload:suite=layout-tests"]
    [[policies]]
    claims = { repository_owner_id = 5, job_workflow_ref = "octo/*" }
    scopes = ["upload:suite=api", "read"]
    [[policies]]
    claims = { project_id = 20 }
    scopes = ["upload:suite=gitlab"]
    [[policies]]
    claims = { job_project_id = 20 }
    scopes = ["upload:suite=gitlab-all"]
    [[policies]]
    claims = { pipeline_id = "0184990a", build_branch = "main" }
    scopes = ["upload:suite=buildkite"]
    [[policies]]
    claims = { pipeline_id = "0184990b", build_branch = "main" }
    scopes = ["upload:suite=buildkite"]
    builds_no_forks = true
    [[policies]]
    claims = { repository_id = 99 }
    scopes = ["read", "link"]
"#;

async fn scopes(local: &LocalIssuer, claims: Value) -> Result<Vec<String>, IdentityError> {
    check(&issuers(local, POLICIES), &FIRST, &claims).await.map(|identity| identity.scopes.texts())
}

#[tokio::test]
async fn all_policies_that_match_add_their_scopes() {
    let local = LocalIssuer::start(&[&FIRST]);
    let both = with(with(claims(&local), "repository_owner_id", json!("5")), "job_workflow_ref", json!("octo/ci/x@y"));
    let expected = ["upload:suite=layout-tests", "upload:suite=api", "read"];
    assert_eq!(scopes(&local, both.clone()).await.unwrap(), expected);
    assert_eq!(scopes(&local, with(both, "ref", json!("refs/heads/x"))).await.unwrap(), expected[1..]);
}

#[tokio::test]
async fn a_token_that_no_policy_matches_is_told_which_claims_differ() {
    let local = LocalIssuer::start(&[&FIRST]);
    let error = scopes(&local, with(claims(&local), "repository_id", json!("12345"))).await.unwrap_err();
    let IdentityError::NoPolicy { issuer, claims: names } = &error else { panic!("{error}") };
    assert_eq!(issuer, &local.url);
    assert!(names.contains("repository_id") && !names.contains("event_name"), "{error}");
    assert!(error.is_forbidden() && !IdentityError::Signature.is_forbidden());
    assert!(!error.to_string().contains("1234"), "values of policies stay here: {error}");
}

#[tokio::test]
async fn a_change_under_review_has_the_change_lane_whatever_its_policy_says() {
    let local = LocalIssuer::start(&[&FIRST]);
    let github =
        with(with(claims(&local), "repository_owner_id", json!("5")), "job_workflow_ref", json!("octo/ci/x@y"));
    for event in ["pull_request", "pull_request_target", "merge_group", "workflow_run", "issue_comment"] {
        let expected = Ok(vec!["upload:suite=api,lane=change".to_owned()]);
        assert_eq!(scopes(&local, with(github.clone(), "event_name", json!(event))).await, expected, "{event}");
    }
    let reader = with(with(claims(&local), "repository_id", json!("99")), "event_name", json!("pull_request"));
    assert_eq!(scopes(&local, reader.clone()).await, Err(IdentityError::UnderReview));
    assert_eq!(scopes(&local, with(reader, "event_name", json!("push"))).await.unwrap(), ["read", "link"]);
}

#[tokio::test]
async fn merge_requests_of_forks_have_the_change_lane() {
    let local = LocalIssuer::start(&[&FIRST]);
    let gitlab = |members: Value| {
        let mut claims = with(
            with(with(claims(&local), "event_name", json!(null)), "run_id", json!(null)),
            "repository_id",
            json!(null),
        );
        let base = json!({"pipeline_source": "push", "pipeline_id": "574", "project_path": "g/p", "project_id": "20"});
        for members in [base, members] {
            claims.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        }
        claims
    };
    assert_eq!(scopes(&local, gitlab(json!({}))).await.unwrap(), ["upload:suite=gitlab"]);
    let of_branch = gitlab(json!({"pipeline_source": "merge_request_event"}));
    assert_eq!(scopes(&local, of_branch).await.unwrap(), ["upload:suite=gitlab,lane=change"]);
    // The job runs in project 20, on the code of its fork 21.
    let of_fork = json!({"pipeline_source": "merge_request_event", "project_id": "21", "job_project_id": "20"});
    assert_eq!(scopes(&local, gitlab(of_fork)).await.unwrap(), ["upload:suite=gitlab-all,lane=change"]);
    let child = json!({"pipeline_source": "parent_pipeline", "ref": "main", "ref_protected": "false"});
    assert_eq!(scopes(&local, gitlab(child)).await.unwrap(), ["upload:suite=gitlab,lane=change"]);
}

#[tokio::test]
async fn a_ci_that_does_not_tell_changes_apart_has_the_change_lane_unless_forks_are_not_built() {
    let local = LocalIssuer::start(&[&FIRST]);
    let buildkite = |pipeline: &str| {
        let claims = with(with(claims(&local), "event_name", json!(null)), "repository_id", json!(null));
        let members = json!({
            "organization_slug": "acme", "pipeline_slug": "unit", "build_number": 12, "build_id": "0190",
            "build_branch": "main", "build_source": "webhook", "pipeline_id": pipeline,
        });
        let Value::Object(mut claims) = claims else { panic!("claims are an object") };
        claims.extend(members.as_object().unwrap().clone());
        Value::Object(claims)
    };
    assert_eq!(scopes(&local, buildkite("0184990a")).await.unwrap(), ["upload:suite=buildkite,lane=change"]);
    assert_eq!(scopes(&local, buildkite("0184990b")).await.unwrap(), ["upload:suite=buildkite"]);
    let identity = check(&issuers(&local, POLICIES), &FIRST, &buildkite("0184990b")).await.unwrap();
    assert_eq!((identity.run.as_str(), identity.actor.starts_with("pipeline acme/unit, build 12 (")), ("0190", true));
}

#[tokio::test]
async fn a_token_that_names_no_run_is_refused() {
    let local = LocalIssuer::start(&[&FIRST]);
    assert_eq!(scopes(&local, with(claims(&local), "run_id", json!(null))).await, Err(IdentityError::NoRun));
    assert_eq!(scopes(&local, with(claims(&local), "event_name", json!(null))).await, Err(IdentityError::NoRun));
}
