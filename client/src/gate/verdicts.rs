//! Asks `POST /api/verdicts` and reads its answer.

use reports::document::Change;
use schema::configuration::MEMBERS;
use schema::incomplete::too_few;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::summary::{GateSummary, Group, JudgedTest};
use crate::collect::{Failure, RunDocument};
use crate::context::RunContext;
use crate::git;
use crate::server::{RequestError, Server};

/// Commits before the base that are tried where the server does not know the base.
const ANCESTORS: usize = 20;
/// What is asked about.
pub(super) struct Question<'q> {
    pub(super) context: &'q RunContext,
    /// The branch that the change is for.
    pub(super) target: Option<&'q str>,
    pub(super) base: Option<&'q str>,
    pub(super) document: &'q RunDocument,
}

#[derive(Deserialize)]
struct Answer {
    incomplete: Option<Incomplete>,
    tests: Vec<Verdict>,
}

#[derive(Deserialize)]
struct Incomplete {
    tests_run: u64,
    usual: u64,
}

#[derive(Deserialize)]
struct Verdict {
    test: String,
    verdict: String,
    #[serde(default)]
    reasons: Reasons,
    #[serde(default)]
    examples: Vec<Example>,
    #[serde(default)]
    bugs: Vec<String>,
    #[serde(default)]
    owners: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Reasons {
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct Example {
    link: String,
}

/// What the server knows of the failures.
///
/// # Errors
/// It does not answer, or not with verdicts.
pub(super) fn ask(server: &Server, question: &Question<'_>) -> anyhow::Result<GateSummary> {
    let mut summary = GateSummary::default();
    let head = &question.context.head;
    let (surprises, failures): (Vec<&Failure>, Vec<&Failure>) =
        question.document.failures.iter().partition(|failure| failure.state == "PASS");
    // A test that passes against its expectation has no failing state that could be known. Some runners fail for it, some
    // do not: only an exit code tells.
    for failure in surprises.into_iter().filter(|_| head.run.exit_code != Some(0)) {
        let reason = "it is expected to fail, and passes";
        summary.add(Group::New, JudgedTest::new(failure, reason.to_owned(), server, head));
    }
    if failures.is_empty() && head.shard.is_some() {
        return Ok(summary);
    }
    let (text, base) = answer(server, question, &failures)?;
    summary.base = base;
    let answer: Answer = serde_json::from_str(&text)?;
    if let Some(Incomplete { tests_run, usual }) = answer.incomplete {
        summary.lacks_tests(too_few("the run", tests_run, usual));
    }
    for failure in failures {
        let verdict = answer.tests.iter().find(|verdict| verdict.test == failure.test);
        let word = verdict.map_or("unknown", |verdict| verdict.verdict.as_str());
        let reason = verdict.map(|verdict| verdict.reasons.text.clone()).unwrap_or_default();
        let mut judged = JudgedTest::new(failure, reason, server, head);
        if let Some(verdict) = verdict {
            judged.bugs.clone_from(&verdict.bugs);
            judged.owners.clone_from(&verdict.owners);
            if let Some(example) = verdict.examples.first() {
                judged.link = format!("{}{}", server.url(), example.link);
            }
        }
        summary.add(Group::of_verdict(word), judged);
    }
    Ok(summary)
}

/// The answer, and what is to be said of the base. Where the server does not know it, because no run of it is uploaded yet,
/// the nearest commit before it stands in, and at last whatever ran on the branch. Where nothing failed it is asked alone
/// whether the run has enough tests, for which no base is needed.
fn answer(
    server: &Server,
    question: &Question<'_>,
    failures: &[&Failure],
) -> Result<(String, Option<String>), RequestError> {
    let whatever_ran = || server.ask("/api/verdicts", &body(question, failures, None));
    if failures.is_empty() {
        return Ok((whatever_ran()?, None));
    }
    let Some(base) = question.base else {
        let said = "the base of the change is not known: it goes by the newest runs of the branch".to_owned();
        return Ok((whatever_ran()?, Some(said)));
    };
    match server.ask("/api/verdicts", &body(question, failures, Some(base))) {
        Err(RequestError::Refused { status: 404, .. }) => {}
        answered => return Ok((answered?, None)),
    }
    for ancestor in git::ancestors(base, ANCESTORS).iter().skip(1) {
        match server.ask("/api/verdicts", &body(question, failures, Some(ancestor))) {
            Err(RequestError::Refused { status: 404, .. }) => {}
            answered => {
                let said = format!("the server has no run of the base {base} yet: it goes by {ancestor}, before it");
                return Ok((answered?, Some(said)));
            }
        }
    }
    let said = format!("the server has no run of the base {base} yet: it goes by the newest runs of the branch");
    Ok((whatever_ran()?, Some(said)))
}

fn body(question: &Question<'_>, failures: &[&Failure], base: Option<&str>) -> Value {
    let head = &question.context.head;
    let named = |(name, value): (&String, &Value)| {
        let name = if MEMBERS.contains(&name.as_str()) { name.clone() } else { format!("label.{name}") };
        (name, value.clone())
    };
    let configuration: Map<String, Value> = head.configuration.iter().map(named).collect();
    let test = |failure: &&Failure| {
        let mut test = json!({ "test": failure.test, "state": failure.state });
        if let Some(message) = &failure.message {
            test["message"] = message.as_str().into();
        }
        test
    };
    let tests: Vec<Value> = failures.iter().map(test).collect();
    let mut body = json!({ "suite": head.suite, "configuration": configuration, "tests": tests });
    // A part of a run is always smaller than the suite. The result of the run itself counts as one, as on the branch.
    if head.shard.is_none() {
        body["tests_run"] = (question.document.written.counts.tests + 1).into();
    }
    if let Some(Change { id, authors, .. }) = &head.change {
        body["change"] = json!({ "id": id, "authors": authors });
    }
    for (name, value) in [("branch", question.target), ("base", base)] {
        if let Some(value) = value {
            body[name] = value.into();
        }
    }
    body
}
