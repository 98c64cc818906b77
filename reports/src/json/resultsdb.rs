//! The document of an upload: what `upload --dry-run` prints and `POST /api/upload` takes. Names are `{name}`: the folders
//! and the test, joined by `/`.
//!
//! Not carried: suite, configuration, commits and everything else that whoever uploads the document says anew; of a test
//! that was expected to fail, in which way. The result of the run itself is none of its tests: its `problems` are.

use serde_json::Value;

use super::form::{Context, Form, Members};
use super::walk::{ELEMENT, Want};
use crate::document::RUN_TEST;
use crate::error::Stop;
use crate::limits;
use crate::model::{Attempt, Problem, ProblemKind, Status, Test};
use crate::name::{Field, Name};
use crate::number;
use crate::run::{Assembler, Case, Repeat};
use crate::stamp::Stamp;

/// Between the folders of a test and its name.
const FOLDER: &str = "/";

#[derive(Default)]
pub(super) struct Resultsdb {
    /// The members that were read last, and the length of their paths.
    leaf: Leaf,
    leaf_depth: usize,
    /// The length of the path of the object that ended last.
    ended: usize,
}

/// The members of a test.
#[derive(Default)]
struct Leaf {
    actual: String,
    expected: String,
    time: Option<f64>,
    log: String,
    file: String,
    line: Option<u32>,
    properties: Vec<(String, String)>,
    /// State and attempt of each.
    attempts: Vec<(String, Attempt)>,
}

impl Form for Resultsdb {
    fn want(&self, path: &[&str]) -> Want {
        match path {
            ["test_results"] | ["test_results", "results"] | ["problems"] => Want::Enter,
            ["run" | "timestamp"] | ["problems", ELEMENT] => Want::Take,
            ["test_results", "results", .., ELEMENT] => Want::Skip,
            ["test_results", "results", .., name] => {
                if Leaf::MEMBERS.contains(name) {
                    Want::Take
                } else {
                    Want::Enter
                }
            }
            _ => Want::Skip,
        }
    }

    fn take(&mut self, path: &[&str], value: Value, context: &mut Context<'_, '_>) -> Result<(), Stop> {
        match (path, value) {
            (["run"], run) => context.source.tool = Some(run.text("tool").to_owned()).filter(|tool| !tool.is_empty()),
            (["timestamp"], seconds) => {
                let milliseconds = seconds.as_f64().map(|seconds| seconds * 1000.0);
                context.source.started = milliseconds.and_then(|time| Stamp::from_milliseconds(time as i64));
            }
            (["problems", ..], Value::String(sentence)) => {
                context.out.problem(Problem::new(ProblemKind::Told, "", &sentence, Status::Error));
            }
            // A test, or a folder of tests, that is called like a member of tests.
            (["test_results", "results", names @ ..], value @ Value::Object(_)) => {
                self.ended = path.len();
                return tree(&mut names.to_vec(), &value, context.out);
            }
            ([.., name], value) => {
                if self.leaf_depth != path.len() {
                    (self.leaf, self.leaf_depth) = (Leaf::default(), path.len());
                }
                self.leaf.set(name, &value);
            }
            _ => {}
        }
        Ok(())
    }

    fn leave(&mut self, path: &[&str], context: &mut Context<'_, '_>) -> Result<(), Stop> {
        let ["test_results", "results", names @ ..] = path else { return Ok(()) };
        let is_folder = std::mem::replace(&mut self.ended, path.len()) == path.len() + 1;
        let is_own = std::mem::take(&mut self.leaf_depth) == path.len() + 1;
        let leaf = std::mem::take(&mut self.leaf);
        if is_folder || names.is_empty() {
            return Ok(());
        }
        add(names, if is_own { leaf } else { Leaf::default() }, context.out)
    }
}

/// Hands on the tests of an object that was taken as a whole.
fn tree<'v>(names: &mut Vec<&'v str>, value: &'v Value, out: &mut Assembler<'_>) -> Result<(), Stop> {
    let members = || value.as_object().into_iter().flatten();
    if members().all(|(_, value)| !value.is_object()) {
        let mut leaf = Leaf::default();
        members().for_each(|(name, value)| leaf.set(name, value));
        return add(names, leaf, out);
    }
    for (name, value) in members().filter(|(_, value)| value.is_object()) {
        names.push(name);
        tree(names, value, out)?;
        names.pop();
    }
    Ok(())
}

fn add(names: &[&str], leaf: Leaf, out: &mut Assembler<'_>) -> Result<(), Stop> {
    let mut name = String::new();
    for part in names {
        let room = limits::NAME_BYTES.saturating_sub(name.len());
        name += if name.is_empty() { "" } else { FOLDER };
        name += &part[..part.floor_char_boundary(room)];
    }
    let of_run = name.strip_prefix(RUN_TEST);
    if of_run.is_some_and(|rest| rest.is_empty() || rest.starts_with("/shard ")) {
        return Ok(());
    }
    out.add(Case { test: leaf.test(&name), repeat: Repeat::Distinct })
}

impl Leaf {
    const MEMBERS: [&str; 9] =
        ["actual", "expected", "time", "log", "file", "line", "owners", "properties", "attempts"];

    fn set(&mut self, name: &str, value: &Value) {
        let text = || value.as_str().unwrap_or_default().to_owned();
        let list = || value.as_array().into_iter().flatten();
        match name {
            "actual" => self.actual = text(),
            "expected" => self.expected = text(),
            "time" => self.time = value.as_f64().and_then(number::rounded),
            "log" => self.log = text(),
            "file" => self.file = text(),
            "line" => self.line = value.as_u64().and_then(|line| u32::try_from(line).ok()).filter(|&line| line > 0),
            "owners" => self
                .properties
                .extend(list().filter_map(Value::as_str).map(|owner| ("owner".to_owned(), owner.to_owned()))),
            "properties" => self.properties.extend(
                list().filter_map(|pair| Some((pair.get(0)?.as_str()?.to_owned(), pair.get(1)?.as_str()?.to_owned()))),
            ),
            "attempts" => self.attempts = list().take(limits::ATTEMPTS).map(attempt).collect(),
            _ => {}
        }
        self.properties.truncate(limits::PROPERTIES);
    }

    fn test(self, name: &str) -> Test {
        let Self { actual, expected, time, log, file, line, properties, mut attempts } = self;
        let several = !attempts.is_empty();
        if !several {
            // A test that says nothing passed.
            let words = if actual.trim().is_empty() { "PASS" } else { &actual };
            let of_word = |word: &str| (word.to_owned(), Attempt::new(Status::Passed, None));
            attempts = words.split_whitespace().take(limits::ATTEMPTS).map(of_word).collect();
            if let Some((_, last)) = attempts.last_mut() {
                *last = Attempt::new(Status::Passed, time).with_message(&log);
            }
        }
        let with_status =
            |(state, attempt): (String, Attempt)| Attempt { status: status(&state, &expected), ..attempt };
        let mut test = Test::new(Name::new().with(Field::Name, name), attempts.into_iter().map(with_status).collect());
        let timed = test.attempts.iter().any(|attempt| attempt.milliseconds.is_some());
        test.total_milliseconds = time.filter(|_| several && !timed);
        test.file = Some(file).filter(|file| !file.is_empty());
        test.line = line;
        test.properties = properties;
        test
    }
}

fn attempt(member: &Value) -> (String, Attempt) {
    let attempt = Attempt::new(Status::Passed, member.number("time").and_then(number::rounded))
        .with_start(Stamp::parse(member.text("started")))
        .with_message(member.text("log"));
    (member.text("state").to_owned(), attempt)
}

/// How an attempt ended whose state was, or was not, among those that were expected.
fn status(state: &str, expected: &str) -> Status {
    let expects = |state: &str| expected.split_whitespace().any(|word| word == state);
    let status = match state {
        "PASS" | "WARNING" => Status::Passed,
        "FAIL" | "TEXT" | "AUDIO" | "IMAGE" => Status::Failed,
        "ERROR" => Status::Error,
        "TIMEOUT" => Status::Timeout,
        "CRASH" => Status::Crash,
        // A word that nobody knows counts as not run, as it does when it is uploaded.
        _ => Status::Skipped,
    };
    match status {
        Status::Passed if !expected.trim().is_empty() && !expects("PASS") && !expects(state) => Status::UnexpectedPass,
        Status::Failed if expects("FAIL") || expects(state) => Status::ExpectedFailure,
        status if status.is_failure() && expects(state) => Status::ExpectedFailure,
        status => status,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::ops::ControlFlow;

    use proptest::prelude::*;

    use super::*;
    use crate::document::{DocumentWriter, Head};
    use crate::model::Item;
    use crate::run::Options;
    use crate::run_reader::RunReader;

    fn items(document: &[u8]) -> Vec<Item> {
        let mut items = Vec::new();
        let mut sink = |item| {
            items.push(item);
            ControlFlow::Continue(())
        };
        let mut run = RunReader::new(Options::default(), &mut sink);
        run.read("document", document).unwrap();
        run.finish().unwrap();
        items
    }

    fn tests(document: &str) -> Vec<(String, Vec<Status>)> {
        let test = |item: Item| match item {
            Item::Test(test) => Some((test.name, test.attempts.iter().map(|attempt| attempt.status).collect())),
            _ => None,
        };
        items(document.as_bytes()).into_iter().filter_map(test).collect()
    }

    #[test]
    fn folders_tests_and_states_are_those_of_an_upload() {
        use Status::{Crash, ExpectedFailure, Failed, Passed, Skipped, UnexpectedPass};
        let document = r#"{"suite": "layout-tests", "version": 0, "timestamp": 1700000000, "configuration": {"platform": "mac"},
            "commits": [], "test_results": {"run_stats": {}, "results": {
              "fast": {"a.html": {"actual": "TEXT", "expected": "PASS", "time": 12, "log": "no"}, "b.html": {},
                "deep": {"c.html": {"actual": "FAIL PASS", "report": "x", "diffs": [1]}}, "d.html": {"actual": "NOTRUN"}},
              "time": {"log": {"actual": "CRASH"}, "attempts": {"x": {}}},
              "known": {"actual": "IMAGE", "expected": "FAIL"}, "fixed": {"actual": "PASS", "expected": "FAIL"},
              "tried": {"actual": "FAIL PASS", "attempts": [{"state": "FAIL", "time": 5}, {"state": "PASS", "time": 7}]}}}}"#;
        let expected = [
            ("fast/a.html", vec![Failed]),
            ("fast/b.html", vec![Passed]),
            ("fast/deep/c.html", vec![Failed, Passed]),
            ("fast/d.html", vec![Skipped]),
            ("time/log", vec![Crash]),
            ("time/attempts/x", vec![Passed]),
            ("known", vec![ExpectedFailure]),
            ("fixed", vec![UnexpectedPass]),
            ("tried", vec![Failed, Passed]),
        ];
        let read = tests(document);
        assert!(read.iter().map(|(name, states)| (name.as_str(), states.clone())).eq(expected), "{read:?}");
        let Item::Test(first) = &items(document.as_bytes())[0] else { unreachable!() };
        let attempt = &first.attempts[0];
        assert_eq!(attempt.milliseconds, Some(12.0));
        assert_eq!(attempt.message.as_ref().map(|message| message.as_str()), Some("no"));
        assert!(
            matches!(items(document.as_bytes()).last(), Some(Item::Source(source)) if source.format == "resultsdb")
        );
    }

    #[test]
    fn the_run_itself_is_told_by_its_problems() {
        let document = br#"{"test_results":{"results":{"a":{},"(run)":{"actual":"ERROR","log":"it died"}}},"suite":"s",
            "run":{"tool":"pytest"},"problems":["it died"]}"#;
        let read = items(document);
        assert!(matches!(&read[0], Item::Test(test) if test.name == "a"), "{read:?}");
        assert!(matches!(&read[1], Item::Problem(problem) if problem.to_string() == "it died"), "{read:?}");
        assert!(matches!(&read[2], Item::Source(source) if source.tool.as_deref() == Some("pytest")), "{read:?}");
        assert_eq!(read.len(), 3);
    }

    fn any_attempt() -> impl Strategy<Value = Attempt> {
        let status = prop::sample::select(vec![
            Status::Passed,
            Status::Failed,
            Status::Error,
            Status::Skipped,
            Status::Timeout,
            Status::Crash,
        ]);
        (status, prop::option::of(0..1_000_000_u32), "[a-z]{0,4}")
            .prop_map(|(status, time, message)| Attempt::new(status, time.map(f64::from)).with_message(&message))
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            tests in prop::collection::btree_map("[a-z:/ ]{1,12}", prop::collection::vec(any_attempt(), 1..4), 1..8),
        ) {
            let mut writer = DocumentWriter::new(Vec::new()).unwrap();
            let mut written = Vec::new();
            for (name, attempts) in tests {
                let mut test = Test::new(Name::new().with(Field::Name, &name), attempts);
                test.name = name;
                test.line = Some(7);
                test.properties.push(("tag".to_owned(), "slow".to_owned()));
                writer.test(&test, &[]).unwrap();
                written.push(test);
            }
            let (document, _) = writer.finish(Head { suite: "s".into(), ..Head::default() }, 1_700_000_000).unwrap();
            let read: Vec<Test> = items(&document).into_iter().filter_map(|item| match item {
                Item::Test(test) => Some(Test { report: "".into(), ..test }),
                _ => None,
            }).collect();
            prop_assert_eq!(read, written);
        }
    }
}
