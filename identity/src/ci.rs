//! What the claims of each CI say: which run a token was issued for, and whether its code is reviewed.

use serde_json::{Map, Value};

use crate::error::IdentityError;

/// Events of GitHub that run code of the repository itself. `pull_request_target`, `workflow_run` and `issue_comment` run with
/// the trunk's name, and still often on the code of a change, which the token does not tell.
const GITHUB_BRANCH_EVENTS: [&str; 5] = ["push", "schedule", "workflow_dispatch", "repository_dispatch", "release"];
/// Sources of GitLab that run code of the project itself. A pipeline of another project may be one of a change there.
const GITLAB_BRANCH_SOURCES: [&str; 6] = ["push", "schedule", "web", "api", "trigger", "chat"];
/// The most characters of a name in an actor.
const MAX_NAME: usize = 100;

/// What a run's code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// On a branch of the repository, whose name the claims have.
    OnBranch,
    /// A change under review, maybe of a fork.
    UnderReview,
    /// Either of both: the CI does not tell.
    Untold,
}

/// The run that a token was issued for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CiRun {
    /// Its id, as the CI tells jobs.
    pub(crate) id: String,
    /// Its code.
    pub(crate) code: Code,
    /// Where it belongs, for people: `repository octo/widget, run 77`.
    pub(crate) name: String,
}

impl CiRun {
    /// The run that these claims are of.
    ///
    /// # Errors
    /// They do not say.
    pub(crate) fn of(claims: &Map<String, Value>) -> Result<Self, IdentityError> {
        let id = |name: &str| scalar(claims, name).filter(|id| !id.is_empty()).ok_or(IdentityError::NoRun);
        if claims.contains_key("event_name") {
            let id = id("run_id")?;
            let name = format!("repository {}, run {}", shown(claims, "repository"), shortened(&id));
            return Ok(Self { id, code: github_code(claims), name });
        }
        if claims.contains_key("pipeline_source") {
            let id = id("pipeline_id")?;
            let name = format!("project {}, pipeline {}", shown(claims, "project_path"), shortened(&id));
            return Ok(Self { id, code: gitlab_code(claims), name });
        }
        if claims.contains_key("pipeline_slug") && claims.contains_key("build_number") {
            let id = id("build_id")?;
            let [organization, pipeline] = ["organization_slug", "pipeline_slug"].map(|name| shown(claims, name));
            let name = format!("pipeline {organization}/{pipeline}, build {}", shown(claims, "build_number"));
            return Ok(Self { id, code: Code::Untold, name });
        }
        Err(IdentityError::NoRun)
    }
}

fn github_code(claims: &Map<String, Value>) -> Code {
    let is_on_branch = text(claims, "event_name").is_some_and(|event| GITHUB_BRANCH_EVENTS.contains(&event));
    if is_on_branch { Code::OnBranch } else { Code::UnderReview }
}

/// A child pipeline has the rights of its parent and does not tell its source; the pipeline of a merge request is never of a
/// protected branch. The code is a fork's where it is of another project than the one that the job runs in.
fn gitlab_code(claims: &Map<String, Value>) -> Code {
    let is_on_branch = match text(claims, "pipeline_source") {
        Some("parent_pipeline") => scalar(claims, "ref_protected").as_deref() == Some("true"),
        Some(source) => GITLAB_BRANCH_SOURCES.contains(&source),
        None => false,
    };
    let is_own =
        !claims.contains_key("job_project_id") || scalar(claims, "job_project_id") == scalar(claims, "project_id");
    if is_on_branch && is_own { Code::OnBranch } else { Code::UnderReview }
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str()
}

/// A claim that is a text, a whole number or a truth value.
fn scalar(claims: &Map<String, Value>, name: &str) -> Option<String> {
    match claims.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        Value::Bool(is_true) => Some(is_true.to_string()),
        _ => None,
    }
}

/// A claim for people to read.
fn shown(claims: &Map<String, Value>, name: &str) -> String {
    scalar(claims, name).map_or_else(|| "?".to_owned(), |text| shortened(&text))
}

/// The beginning of a text, without control characters.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(MAX_NAME).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(claims: Value) -> Result<CiRun, IdentityError> {
        let Value::Object(claims) = claims else { panic!("claims are an object") };
        CiRun::of(&claims)
    }

    #[test]
    fn only_events_on_the_code_of_a_branch_count_for_it_on_github() {
        for (event, code) in [
            (json!("push"), Code::OnBranch),
            (json!("schedule"), Code::OnBranch),
            (json!("workflow_dispatch"), Code::OnBranch),
            (json!("pull_request"), Code::UnderReview),
            (json!("pull_request_target"), Code::UnderReview),
            (json!("pull_request_review"), Code::UnderReview),
            (json!("workflow_run"), Code::UnderReview),
            (json!("issue_comment"), Code::UnderReview),
            (json!("merge_group"), Code::UnderReview),
            (json!("an event of next year"), Code::UnderReview),
            (json!(["push"]), Code::UnderReview),
            (json!(null), Code::UnderReview),
        ] {
            let run = run(json!({"event_name": event, "run_id": "77", "repository": "octo/widget"})).unwrap();
            assert_eq!(run, CiRun { id: "77".into(), code, name: "repository octo/widget, run 77".into() }, "{event}");
        }
    }

    #[test]
    fn merge_requests_and_what_may_come_of_them_are_under_review_on_gitlab() {
        let claims = |source: &str, protected: &str| {
            json!({"pipeline_source": source, "pipeline_id": 574, "project_path": "g/p", "project_id": "20",
                   "ref_protected": protected, "ref": "main"})
        };
        for (source, protected, code) in [
            ("push", "false", Code::OnBranch),
            ("schedule", "true", Code::OnBranch),
            ("merge_request_event", "true", Code::UnderReview),
            ("external_pull_request_event", "false", Code::UnderReview),
            ("parent_pipeline", "true", Code::OnBranch),
            ("parent_pipeline", "false", Code::UnderReview),
            ("pipeline", "true", Code::UnderReview),
            ("", "true", Code::UnderReview),
        ] {
            let run = run(claims(source, protected)).unwrap();
            assert_eq!((run.code, run.id.as_str()), (code, "574"), "{source} {protected}");
            assert_eq!(run.name, "project g/p, pipeline 574");
        }
        for (project, code) in [("20", Code::OnBranch), ("21", Code::UnderReview)] {
            let mut claims = claims("push", "true");
            claims["job_project_id"] = json!(project);
            assert_eq!(run(claims).unwrap().code, code, "{project}");
        }
    }

    #[test]
    fn buildkite_does_not_tell_and_names_the_build_on_request() {
        let mut claims = json!({"organization_slug": "acme", "pipeline_slug": "unit", "build_number": 12});
        assert_eq!(run(claims.clone()), Err(IdentityError::NoRun));
        claims["build_id"] = json!("0184990a");
        let expected = CiRun { id: "0184990a".into(), code: Code::Untold, name: "pipeline acme/unit, build 12".into() };
        assert_eq!(run(claims), Ok(expected));
    }

    #[test]
    fn a_token_that_names_no_run_is_refused() {
        for claims in [
            json!({}),
            json!({"event_name": "push"}),
            json!({"event_name": "push", "run_id": ""}),
            json!({"event_name": "push", "run_id": {"a": 1}}),
            json!({"pipeline_source": "push", "pipeline_id": 1.5}),
            json!({"sub": "system:serviceaccount:default:ci"}),
        ] {
            assert_eq!(run(claims.clone()), Err(IdentityError::NoRun), "{claims}");
        }
    }

    #[test]
    fn names_have_no_control_characters_and_an_end() {
        let name = format!("a\u{1b}[31m\n{}", "b".repeat(1000));
        let run = run(json!({"event_name": "push", "run_id": "7", "repository": name})).unwrap();
        assert!(run.name.starts_with("repository a[31mbbb") && run.name.len() < 150, "{}", run.name);
    }
}
