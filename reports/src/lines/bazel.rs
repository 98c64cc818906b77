//! Bazel's build event stream (`--build_event_json_file`). Names are `{name}`: the label, with the number of the shard where
//! a target has several. Attempts and repeated runs (`--runs_per_test`) of a target are attempts.
//!
//! Results from a cache are no runs, and are passed over. Not carried: single tests of a target, which are in its `test.xml`.

use std::collections::BTreeMap;
use std::io::BufRead;

use serde::Deserialize;
use serde_json::Value;

use super::Lines;
use crate::error::Stop;
use crate::limits;
use crate::model::{Attempt, Problem, Source, Status, Test};
use crate::name::{Field, Name};
use crate::number;
use crate::run::{Assembler, Case, Repeat};
use crate::stamp::Stamp;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(default)]
    id: Value,
    started: Option<Started>,
    test_result: Option<TestResult>,
    test_summary: Option<Summary>,
    completed: Option<Completed>,
    aborted: Option<Aborted>,
    #[serde(default)]
    last_message: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Started {
    build_tool_version: Option<String>,
    start_time: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TestResult {
    #[serde(default)]
    status: String,
    #[serde(default)]
    status_details: String,
    #[serde(default)]
    cached_locally: bool,
    #[serde(default)]
    execution_info: ExecutionInfo,
    test_attempt_start: Option<String>,
    test_attempt_start_millis_epoch: Option<Value>,
    test_attempt_duration: Option<String>,
    test_attempt_duration_millis: Option<Value>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct ExecutionInfo {
    #[serde(default)]
    cached_remotely: bool,
}

#[derive(Deserialize)]
struct Summary {}

#[derive(Deserialize)]
struct Completed {
    #[serde(default)]
    success: bool,
}

#[derive(Deserialize)]
struct Aborted {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    description: String,
}

/// Attempts of a target by shard, run and attempt.
type Attempts = BTreeMap<(u64, u64, u64), Attempt>;

pub(crate) fn read(input: &mut dyn BufRead, out: &mut Assembler<'_>, source: &mut Source) -> Result<(), Stop> {
    source.tool = Some("Bazel".to_owned());
    let mut lines = Lines::new(input);
    let mut targets: BTreeMap<String, Attempts> = BTreeMap::new();
    let (mut last, mut bytes) = (false, 0);
    let outcome = loop {
        match lines.next_event::<Event>() {
            Ok(Some(event)) => {
                last |= event.last_message;
                bytes += take(event, &mut targets, out, source)?;
                if bytes > limits::HELD_BYTES {
                    bytes = 0;
                    std::mem::take(&mut targets).into_iter().try_for_each(|(label, of)| hand_on(&label, of, out))?;
                }
            }
            Ok(None) if last => break Ok(()),
            Ok(None) => break Err(lines.broken("the last event is missing")),
            Err(stop) => break Err(stop),
        }
    };
    for (label, attempts) in targets {
        hand_on(&label, attempts, out)?;
    }
    outcome
}

/// Takes an event, and says how many bytes are held of it.
fn take(
    event: Event,
    targets: &mut BTreeMap<String, Attempts>,
    out: &mut Assembler<'_>,
    source: &mut Source,
) -> Result<usize, Stop> {
    let mut held = 0;
    let label =
        |kind: &str| event.id.pointer(&format!("/{kind}/label")).and_then(Value::as_str).unwrap_or("").to_owned();
    if let Some(started) = event.started {
        source.tool = started.build_tool_version.map(|version| format!("Bazel {version}")).or(source.tool.take());
        source.started = started.start_time.as_deref().and_then(Stamp::parse);
    }
    if let Some(result) = event.test_result {
        let number =
            |name: &str| event.id.pointer(&format!("/testResult/{name}")).and_then(unsigned).unwrap_or_default();
        let at = (number("shard"), number("run"), number("attempt"));
        let label = label("testResult");
        match attempt(&result) {
            None => {}
            Some(Err(message)) => out.problem(Problem::outside(&label, message, Status::Error)),
            Some(Ok(attempt)) => {
                held = label.len() + result.status_details.len() + 512;
                let attempts = targets.entry(label).or_default();
                if attempts.len() < limits::ATTEMPTS {
                    attempts.insert(at, attempt);
                }
            }
        }
    }
    if event.test_summary.is_some() {
        let label = label("testSummary");
        if let Some(attempts) = targets.remove(&label) {
            hand_on(&label, attempts, out)?;
        }
    }
    if event.completed.is_some_and(|completed| !completed.success) {
        let label = label("targetCompleted");
        out.problem(Problem::outside(&label, "the target did not build", Status::Error));
    }
    if let Some(aborted) = event.aborted {
        let subject = ["targetCompleted", "testResult", "testSummary", "configuredLabel", "pattern"].map(label);
        let subject = subject.iter().find(|label| !label.is_empty()).map_or("", String::as_str);
        // What was not asked for, or was left out, is no problem.
        if !matches!(aborted.reason.as_str(), "SKIPPED" | "NO_ANALYZE" | "NO_BUILD") {
            let message = format!("{} {}", aborted.reason, aborted.description);
            out.problem(Problem::incomplete(subject, &message, Status::Error));
        }
    }
    Ok(held)
}

/// The attempt that a result tells of; none of what did not run here, and the problem of what could not run.
fn attempt(result: &TestResult) -> Option<Result<Attempt, &'static str>> {
    if result.cached_locally || result.execution_info.cached_remotely {
        return None;
    }
    let status = match result.status.as_str() {
        "PASSED" | "FLAKY" => Status::Passed,
        "FAILED" => Status::Failed,
        "TIMEOUT" => Status::Timeout,
        "FAILED_TO_BUILD" => return Some(Err("the test did not build")),
        "NO_STATUS" | "TOOL_HALTED_BEFORE_TESTING" | "" => return None,
        _ => Status::Error,
    };
    let text = |value: &Option<Value>| value.as_ref().and_then(unsigned);
    let milliseconds = match &result.test_attempt_duration {
        Some(duration) => number::milliseconds(duration),
        None => text(&result.test_attempt_duration_millis).map(|milliseconds| milliseconds as f64),
    };
    let started = match &result.test_attempt_start {
        Some(start) => Stamp::parse(start),
        None => text(&result.test_attempt_start_millis_epoch)
            .and_then(|start| i64::try_from(start).ok())
            .and_then(Stamp::from_milliseconds),
    };
    Some(Ok(Attempt::new(status, milliseconds).with_start(started).with_message(&result.status_details)))
}

/// A number, which the JSON of protocol buffers writes as a string where it has 64 bits.
fn unsigned(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn hand_on(label: &str, attempts: Attempts, out: &mut Assembler<'_>) -> Result<(), Stop> {
    let mut shards: BTreeMap<u64, Vec<Attempt>> = BTreeMap::new();
    for ((shard, ..), attempt) in attempts {
        shards.entry(shard).or_default().push(attempt);
    }
    let several = shards.keys().any(|&shard| shard > 1);
    for (shard, attempts) in shards {
        let name = if several { format!("{label} shard {shard}") } else { label.to_owned() };
        let test = Test::new(Name::new().with(Field::Name, &name), attempts);
        out.add(Case { test, repeat: Repeat::Distinct })?;
    }
    Ok(())
}
