//! Ginkgo. Names are `{class}::{name}`: the suite and the spec, without its labels, which stand at the end in brackets and
//! are kept as a property.
//!
//! Not carried: starts; times of single attempts: `time` is their sum.

use super::dialect::{Dialect, by_element, by_word, reruns};
use super::raw::{Child, Raw, Suite};
use crate::limits;
use crate::model::{Attempt, Problem, Status};
use crate::name::Name;

pub(super) struct Ginkgo;

impl Dialect for Ginkgo {
    fn tool(&self) -> &'static str {
        "Ginkgo"
    }

    fn name(&self, case: &Raw, _: &[Suite]) -> Name {
        Name::of_class(case.class(), without_labels(case.name()))
    }

    /// `[BeforeSuite]` and the other nodes of the suite are testcases like the specs.
    fn problem(&self, case: &Raw, _: &[Suite]) -> Option<Problem> {
        let broken = case.broken()?;
        let subject = format!("{} {}", case.class(), case.name());
        is_suite_node(case.name()).then(|| Problem::outside(&subject, &case.message(), self.broken(broken, case)))
    }

    fn is_nothing(&self, case: &Raw) -> bool {
        is_suite_node(case.name()) && case.broken().is_none()
    }

    fn broken(&self, child: &Child, case: &Raw) -> Status {
        match case.word() {
            "panicked" => Status::Crash,
            "timedout" => Status::Timeout,
            "interrupted" | "aborted" => Status::Error,
            _ => by_element(child),
        }
    }

    fn childless(&self, case: &Raw) -> Status {
        by_word(case.word())
    }

    fn attempts(&mut self, case: &Raw) -> Vec<Attempt> {
        let mut attempts = reruns(self, case);
        let failed = |line: &str| line.contains("Attempt #") && line.contains(" Failed.");
        let earlier = case.output.lines().filter(|line| failed(line)).count().min(limits::ATTEMPTS - 1);
        if let (Some(last), true) = (attempts.pop(), earlier > 0) {
            attempts = vec![Attempt::new(Status::Failed, None); earlier];
            attempts.push(Attempt { milliseconds: None, ..last });
            return attempts;
        }
        reruns(self, case)
    }
}

fn is_suite_node(name: &str) -> bool {
    const NODES: [&str; 8] = [
        "[BeforeSuite]",
        "[AfterSuite]",
        "[SynchronizedBeforeSuite]",
        "[SynchronizedAfterSuite]",
        "[ReportBeforeSuite]",
        "[ReportAfterSuite]",
        "[DeferCleanup (Suite)]",
        "[CleanupAfterSuite]",
    ];
    NODES.iter().any(|node| name.starts_with(node))
}

/// The spec without the labels behind it: words, joined by commas. What else stands in brackets is part of the title.
fn without_labels(name: &str) -> &str {
    let Some((title, labels)) = name.strip_suffix(']').and_then(|name| name.rsplit_once(" [")) else { return name };
    let is_label = |label: &str| {
        label.starts_with(|character: char| character.is_alphabetic())
            && label.chars().all(|character| character.is_alphanumeric() || "-_:. ".contains(character))
    };
    if title.is_empty() || !labels.split(", ").all(is_label) { name } else { title }
}
