//! What the gate found: failures by what is known of them.

use std::fmt::Write;

use reports::document::Head;
use schema::incomplete::IN_INCOMPLETE_RUN;
use serde::Serialize;

use crate::collect::{Failure, RunDocument};
use crate::markdown::{cell, code, counted, more, shown, test_link};
use crate::server::Server;

/// What is known of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    New,
    Incomplete,
    KnownFailing,
    KnownFlaky,
    Quarantined,
    Unknown,
}

impl Group {
    /// The group of the server's word. What it has no word for is new.
    pub(super) fn of_verdict(word: &str) -> Self {
        match word {
            "known-failing" => Self::KnownFailing,
            "known-flaky" => Self::KnownFlaky,
            "quarantined" => Self::Quarantined,
            "unknown" => Self::Unknown,
            "incomplete" => Self::Incomplete,
            _ => Self::New,
        }
    }
}

/// A failure with what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct JudgedTest {
    test: String,
    state: &'static str,
    reason: String,
    pub(super) link: String,
    pub(super) bugs: Vec<String>,
    /// Who owns the test.
    pub(super) owners: Vec<String>,
}

impl JudgedTest {
    pub(super) fn new(failure: &Failure, reason: String, server: &Server, head: &Head) -> Self {
        let link = test_link(server.url(), &head.suite, &failure.test, "");
        Self { test: failure.test.clone(), state: failure.state, reason, link, bugs: Vec::new(), owners: Vec::new() }
    }
}

/// What the gate found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct GateSummary {
    new: Vec<JudgedTest>,
    /// Those of a run that has too few tests to be compared: they count as new ones.
    incomplete: Vec<JudgedTest>,
    /// Whether the run has too few tests to be compared, whether or not anything failed in it.
    lacks_tests: bool,
    known_failing: Vec<JudgedTest>,
    known_flaky: Vec<JudgedTest>,
    quarantined: Vec<JudgedTest>,
    unknown: Vec<JudgedTest>,
    /// Why the server was not asked or did not answer: then the runner's own result counts.
    unanswered: Option<String>,
    /// Failures of which nothing is known, counted, where they are not listed.
    unjudged: u64,
    /// What is wrong with the run: that is never excused.
    problems: u64,
    /// What is to be said of the base.
    pub(super) base: Option<String>,
    notes: Vec<String>,
}

impl GateSummary {
    /// The server said nothing, for this reason. What the command ended with counts or, where that is not known, what its
    /// reports say.
    pub(super) fn unanswered(document: &RunDocument, exit_code: Option<i32>, reason: &str) -> Self {
        let unjudged = if exit_code == Some(0) { 0 } else { document.failed };
        Self { unanswered: Some(reason.to_owned()), unjudged, ..Self::default() }
    }

    /// There are more failures than can be asked about.
    pub(super) fn too_many(failed: u64) -> Self {
        let note = format!("{failed} tests failed, which is too many to be known");
        Self { unjudged: failed, notes: vec![note], ..Self::default() }
    }

    /// The same for a run with these problems.
    pub(super) fn with_problems(self, problems: &[String]) -> Self {
        Self { problems: problems.len() as u64, ..self }
    }

    pub(super) fn add(&mut self, group: Group, test: JudgedTest) {
        let tests = match group {
            Group::New => &mut self.new,
            Group::Incomplete => &mut self.incomplete,
            Group::KnownFailing => &mut self.known_failing,
            Group::KnownFlaky => &mut self.known_flaky,
            Group::Quarantined => &mut self.quarantined,
            Group::Unknown => &mut self.unknown,
        };
        tests.push(test);
    }

    /// The run has too few tests to be compared, as this sentence says.
    pub(super) fn lacks_tests(&mut self, note: String) {
        self.lacks_tests = true;
        self.notes.push(note);
    }

    /// Whether nothing is new. A run with a problem does not pass: nobody knows what it would have found. One that lacks tests
    /// does not either, unless what is unknown may pass.
    pub(super) fn passes(&self, allow_unknown: bool) -> bool {
        let unknown = !allow_unknown && (self.lacks_tests || !self.unknown.is_empty());
        let own = !self.new.is_empty() || !self.incomplete.is_empty();
        !own && self.unjudged == 0 && self.problems == 0 && !unknown
    }

    /// The result in a few words.
    pub(crate) fn title(&self) -> String {
        let known = self.known_failing.len() + self.known_flaky.len() + self.quarantined.len();
        if self.unjudged > 0 {
            return counted(self.unjudged, "failure");
        }
        let mut parts = vec![counted(self.new.len() as u64, "new failure")];
        let others = [(self.incomplete.len(), IN_INCOMPLETE_RUN), (known, "known"), (self.unknown.len(), "unknown")];
        for (count, word) in others {
            if count > 0 {
                parts.push(format!("{count} {word}"));
            }
        }
        if self.lacks_tests {
            parts.push("1 run incomplete".to_owned());
        }
        if self.problems > 0 {
            parts.push(counted(self.problems, "problem"));
        }
        parts.join(", ")
    }

    fn groups(&self) -> [(&'static str, &[JudgedTest]); 6] {
        [
            ("new", &self.new),
            (IN_INCOMPLETE_RUN, &self.incomplete),
            ("unknown", &self.unknown),
            ("known failing", &self.known_failing),
            ("known flaky", &self.known_flaky),
            ("quarantined", &self.quarantined),
        ]
    }

    fn remarks(&self) -> impl Iterator<Item = String> {
        let unanswered = self.unanswered.as_ref();
        let unanswered = unanswered.map(|reason| format!("The runner's own result counts, because {reason}."));
        let others = self.base.iter().chain(&self.notes).cloned();
        unanswered.into_iter().chain(others)
    }

    /// The result for a terminal.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for remark in self.remarks() {
            let _ = writeln!(text, "{remark}");
        }
        for (word, tests) in self.groups() {
            for JudgedTest { test, state, reason, link, bugs, owners } in tests {
                let owned: String = owners.iter().map(|owner| format!(" {owner}")).collect();
                let bugs: String = bugs.iter().map(|bug| format!(" {bug}")).collect();
                let _ = writeln!(text, "{word}: {test} {state}: {reason}{owned} {link}{bugs}");
            }
        }
        let _ = writeln!(text, "{}", self.title());
        text
    }

    /// The result as Markdown.
    pub(crate) fn markdown(&self, text: &mut String) {
        for remark in self.remarks() {
            let _ = writeln!(text, "{}\n", cell(&remark));
        }
        for (word, tests) in self.groups() {
            if tests.is_empty() {
                continue;
            }
            let _ = writeln!(
                text,
                "**{} {word}**\n\n| Test | State | Why | Owners | Bugs |\n|---|---|---|---|---|",
                tests.len()
            );
            for JudgedTest { test, state, reason, link, bugs, owners } in shown(tests) {
                let few = |texts: &[String], write: fn(&str) -> String| {
                    texts.iter().take(3).map(|text| write(text)).collect::<Vec<_>>().join(" ")
                };
                // Code mentions nobody: a comment that is written anew would notify them each time.
                let (owners, bugs) = (few(owners, code), few(bugs, cell));
                let (test, reason) = (code(test), cell(reason));
                let _ = writeln!(text, "| [{test}]({link}) | {state} | {reason} | {owners} | {bugs} |");
            }
            more(text, tests.len());
            text.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(test: &str) -> JudgedTest {
        let (reason, link) = ("2 of 9 runs".to_owned(), "https://r/?test=a".to_owned());
        JudgedTest {
            test: test.to_owned(),
            state: "FAIL",
            reason,
            link,
            bugs: vec!["https://bugs/1".to_owned()],
            owners: vec!["@web".to_owned()],
        }
    }

    #[test]
    fn only_what_is_known_passes() {
        for (word, passes, with_unknown) in [
            ("known-failing", true, true),
            ("known-flaky", true, true),
            ("quarantined", true, true),
            ("unknown", false, true),
            ("new", false, false),
            ("incomplete", false, false),
            ("surprising", false, false),
        ] {
            let mut summary = GateSummary::default();
            summary.add(Group::of_verdict(word), judged("a"));
            assert_eq!((summary.passes(false), summary.passes(true)), (passes, with_unknown), "{word}");
        }
        let mut incomplete = GateSummary::default();
        incomplete.add(Group::of_verdict("incomplete"), judged("a"));
        assert_eq!(incomplete.title(), "no new failures, 1 in an incomplete run");
        // Where nothing failed it may be what is missing that would have.
        let mut few = GateSummary::default();
        few.lacks_tests("the run has 2 of 9 tests".to_owned());
        assert_eq!((few.passes(false), few.passes(true)), (false, true));
        assert_eq!(few.text(), "the run has 2 of 9 tests\nno new failures, 1 run incomplete\n");
        few.add(Group::of_verdict("incomplete"), judged("a"));
        assert!(!few.passes(true));
        let green = GateSummary::default();
        assert!(green.passes(false) && !GateSummary::too_many(2001).passes(true));
        assert!(!green.with_problems(&["cut".to_owned()]).passes(true));
    }

    #[test]
    fn both_forms_say_why_and_where() {
        let mut summary = GateSummary::default();
        summary.add(Group::New, judged("a|b"));
        summary.add(Group::KnownFlaky, judged("c"));
        assert_eq!(
            summary.text(),
            "new: a|b FAIL: 2 of 9 runs @web https://r/?test=a https://bugs/1\n\
             known flaky: c FAIL: 2 of 9 runs @web https://r/?test=a https://bugs/1\n1 new failure, 1 known\n"
        );
        let mut text = String::new();
        summary.markdown(&mut text);
        assert!(text.contains("**1 new**"), "{text}");
        let row = "| [<code>a&#124;b</code>](https://r/?test=a) | FAIL | 2 of 9 runs | <code>&#64;web</code> | https://bugs/1 |";
        assert!(text.contains(row), "{text}");
    }
}
