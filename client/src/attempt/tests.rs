//! The command against a server that answers as it is told, with test commands of a line.
#![allow(clippy::unwrap_used)]

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::stand_in::StandIn;
use crate::typed;

/// A report of the test a, and of another one.
fn report(attempt: &str) -> String {
    format!(
        r#"<testsuite><testcase classname="C" name="a">{attempt}</testcase><testcase classname="C" name="b"/></testsuite>"#
    )
}

/// A folder with reports and a counter, in which test commands run.
pub(super) struct Place {
    pub(super) folder: TempDir,
    server: StandIn,
}

impl Place {
    pub(super) fn new(answer: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, attempt) in
            [("good", ""), ("bad", r#"<failure message="no"/>"#), ("skipped", "<skipped/>"), ("error", "<error/>")]
        {
            fs::write(folder.path().join(name), report(attempt)).unwrap();
        }
        fs::write(folder.path().join("others"), r#"<testsuite><testcase classname="C" name="b"/></testsuite>"#)
            .unwrap();
        fs::write(folder.path().join("broken"), "<testsuite><testca").unwrap();
        fs::write(folder.path().join("cut"), r#"<testsuite><testcase classname="C" name="a"/><testca"#).unwrap();
        Self { folder, server: StandIn::answering(vec![(200, answer.to_string())]) }
    }

    pub(super) fn parse(&self, more: &[&str], script: &str) -> Result<AttemptArgs, clap::Error> {
        let reports = self.folder.path().join("report.xml");
        let script = format!("cd '{}'; {script}", self.folder.path().display());
        let fixed = ["--suite", "s", "--test", "C::a", "--url", &self.server.url, "--tries", "1", "--reports"];
        let mut line: Vec<&str> = fixed.to_vec();
        line.extend([reports.to_str().unwrap()]);
        line.extend(more);
        line.extend(["--", "sh", "-c", &script]);
        typed::arguments(&line)
    }

    /// The document of reruns of a script, and the code.
    pub(super) fn rerun(&self, more: &[&str], script: &str) -> (Value, u8) {
        let args = self.parse(more, script).unwrap();
        let mut trial = args.planned("C::a").unwrap();
        args.rerun(&mut trial, &mut Interrupt::default()).unwrap();
        (serde_json::to_value(trial.document()).unwrap(), code(&trial))
    }

    pub(super) fn refused(&self, more: &[&str]) -> String {
        self.parse(more, "true").unwrap().planned("C::a").map(drop).unwrap_err().to_string()
    }
}

fn answer(standing: &str, runs: u32, unexpected: u32) -> Value {
    let configuration = json!({ "platform": "linux", "version": 12_000_000 });
    let place = json!({ "configuration": configuration, "standing": standing, "runs": runs, "unexpected": unexpected });
    json!({ "suite": "s", "test": "C::a", "places": [place] })
}

pub(super) fn counts(document: &Value) -> [u64; 4] {
    ["passed", "failed", "not_run", "by_exit_status"].map(|member| document["reruns"][member].as_u64().unwrap())
}

/// Copies a report on every call, and another one on the call of a number.
fn now_and_then(usual: &str, number: u32, other: &str) -> String {
    format!(
        "n=$(($(cat n 2> /dev/null || echo 0) + 1)); echo $n > n; \
         if [ $n = {number} ]; then cat {other} > report.xml; exit 1; else cat {usual} > report.xml; fi"
    )
}

#[test]
fn a_fix_holds_when_a_test_that_is_not_fixed_would_have_failed() {
    let place = Place::new(&answer("flaky", 12, 4));
    let (document, code) = place.rerun(&[], "cat good > report.xml");
    assert_eq!((code, counts(&document)), (0, [10, 0, 0, 0]), "{document:#}");
    assert_eq!(
        document["text"],
        "C::a failed in 4 of 12 runs on the default branch, linux 12.0.0. 10 reruns passed and none failed: a test that still \
         fails so often would have failed in them with a certainty of 95.4 %, so that the fix holds by the 95 % that are asked \
         for."
    );
    let members = ["conclusion", "planned", "more", "rarer_than", "interrupted"].map(|member| document[member].clone());
    assert_eq!(members, [json!("holds"), json!(10), json!(0), json!(null), json!(false)]);
    assert_eq!(document["before"]["failed"], 4);
    assert_eq!(place.server.seen()[0].line, "GET /api/standing?suite=s&test=C%3A%3Aa HTTP/1.1");
}

#[test]
fn the_first_failure_ends_it_unless_it_is_to_go_on() {
    for (more, made) in [(&[][..], [2, 1, 0, 0]), (&["--keep-going"], [9, 1, 0, 0])] {
        let place = Place::new(&answer("flaky", 12, 4));
        let (document, code) = place.rerun(more, &now_and_then("good", 3, "bad"));
        assert_eq!((code, counts(&document), document["certainty"].as_f64()), (1, made, Some(0.0)));
        let text = document["text"].as_str().unwrap();
        let told = format!("It failed in 1 of {} reruns: the fix does not hold.", made[0] + 1);
        assert!(text.ends_with(&told) && document["conclusion"] == "fails" && document["more"].is_null(), "{text}");
    }
    // An error is a failure, too.
    let place = Place::new(&answer("failing", 12, 12));
    let (document, code) = place.rerun(&[], "cat error > report.xml");
    assert_eq!((code, counts(&document)), (1, [0, 1, 0, 0]));
}

#[test]
fn too_few_passes_are_not_enough_and_what_did_not_run_is_none() {
    let place = Place::new(&answer("flaky", 12, 4));
    let (document, code) = place.rerun(&["--runs", "4"], &now_and_then("good", 2, "others"));
    assert_eq!((code, counts(&document), document["more"].as_u64()), (1, [3, 0, 1, 0], Some(7)));
    let text = document["text"].as_str().unwrap();
    for part in
        ["3 reruns passed and none failed", "68.9 %. 7 more have to pass for 95 %.", "In 1 rerun the test did not run"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    for script in ["cat others > report.xml", "cat skipped > report.xml"] {
        let place = Place::new(&answer("flaky", 12, 4));
        let (document, code) = place.rerun(&["--runs", "100000"], script);
        let text = document["text"].as_str().unwrap();
        assert_eq!((code, counts(&document)), (1, [0, 0, 3, 0]), "{text}");
        assert!(
            text.contains("another one that ran is C::b.") && text.contains("No rerun says that it is fixed."),
            "{text}"
        );
    }
}

#[test]
fn without_reports_the_exit_status_counts() {
    for (script, made, ended, conclusion) in [
        ("true", [10, 0, 0, 10], 0, "holds"),
        ("exit 3", [0, 1, 0, 1], 1, "fails"),
        ("kill -9 $$", [0, 1, 0, 1], 1, "fails"),
    ] {
        let place = Place::new(&answer("flaky", 12, 4));
        // A report that was there before is none of a rerun.
        fs::copy(place.folder.path().join("bad"), place.folder.path().join("report.xml")).unwrap();
        let (document, code) = place.rerun(&[], script);
        assert_eq!((code, counts(&document), &document["conclusion"]), (ended, made, &json!(conclusion)), "{script}");
        assert!(
            document["text"].as_str().unwrap().ends_with("the exit status of the command counted."),
            "{document:#}"
        );
    }
    // A report that is broken off says that the test did not run to its end.
    let place = Place::new(&answer("flaky", 12, 4));
    let (document, code) = place.rerun(&["--runs", "1"], "cat broken > report.xml; exit 1");
    assert!(code == 1 && counts(&document)[0] == 0, "{document:#}");
}

#[test]
fn a_damaged_report_is_no_pass_whatever_else_says_so() {
    for script in ["cat broken > report.xml", "cat cut > report.xml"] {
        let place = Place::new(&answer("flaky", 12, 4));
        let (document, code) = place.rerun(&["--runs", "2"], script);
        assert_eq!((code, counts(&document)), (1, [0, 0, 2, 0]), "{script}: {document:#}");
    }
}

#[test]
fn nothing_to_compare_with_is_said_and_a_number_of_runs_says_how_rarely_it_fails() {
    let nobody = json!({ "places": [] });
    for (answer, told) in [
        (&answer("passing", 12, 0), "C::a failed in none of 12 runs on main, so there is no failure to compare with."),
        (&nobody, "No run of C::a on main is known within four weeks, so there is no failure to compare with."),
    ] {
        let main = ["--branch", "main"];
        let refused = Place::new(answer).refused(&main);
        assert!(refused.starts_with(told) && refused.contains("Give --runs N"), "{refused}");
        let place = Place::new(answer);
        let (document, code) = place.rerun(&[&main[..], &["--runs", "60"]].concat(), "cat good > report.xml");
        let text = document["text"].as_str().unwrap();
        assert_eq!((code, &document["conclusion"]), (0, &json!("nothing-to-compare")), "{text}");
        let rule =
            "60 reruns passed and none failed: with a certainty of 95 % it fails in less than 4.9 % of its runs, by";
        assert!(text.starts_with(told) && text.contains(rule) && text.contains("Clopper and Pearson (1934)"), "{text}");
        assert!(document["certainty"].is_null() && document["rarer_than"].as_f64().unwrap() < 0.05);
        let place = Place::new(answer);
        let (document, code) = place.rerun(&[&main[..], &["--runs", "4"]].concat(), &now_and_then("good", 2, "others"));
        assert_eq!((code, &document["conclusion"]), (1, &json!("not-enough")));
    }
}

#[test]
fn a_test_that_neither_the_server_nor_a_report_names_is_no_test() {
    let ended = |answer: &Value, script: &str| {
        let place = Place::new(answer);
        format!("{:?}", place.parse(&["--runs", "3"], script).unwrap().run().unwrap())
    };
    let ends = |code: u8| format!("{:?}", ExitCode::from(code));
    let nobody = json!({ "places": [] });
    assert_eq!(ended(&nobody, "true"), ends(FAULT));
    // Whoever names it makes it a test.
    assert_eq!(ended(&nobody, "cat good > report.xml"), ends(0));
    assert_eq!(ended(&answer("passing", 12, 0), "true"), ends(0));
    assert_eq!(ended(&nobody, "false"), ends(1));
}

#[test]
fn failures_that_are_too_rare_are_told_before_anything_runs() {
    let refused = Place::new(&answer("passing", 4000, 1)).refused(&[]);
    assert!(
        refused.contains("failed in 1 of 4000 runs") && refused.contains("give --runs N to make fewer"),
        "{refused}"
    );
    let place = Place::new(&answer("passing", 4000, 1));
    let (document, code) = place.rerun(&["--runs", "2"], "true");
    let text = document["text"].as_str().unwrap();
    assert!(code == 1 && text.contains("More than 1000 more would have to pass for 95 %."), "{text}");
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let place = Place::new(&json!({}));
    let wrong = [
        ["--confidence", "0"],
        ["--confidence", "1"],
        ["--confidence", "2"],
        ["--confidence", "-0.5"],
        ["--confidence", "NaN"],
        ["--confidence", "inf"],
        ["--confidence", "95%"],
        ["--runs", "0"],
        ["--runs", "-1"],
        ["--runs", "100001"],
        ["--runs", "99999999999999999999"],
        ["-c", "python"],
    ];
    for more in wrong {
        let error = place.parse(&more, "true").map(drop).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{more:?}");
    }
    for (suite, test, command) in [("", "t", "true"), ("s", "", "true"), ("s", "t", "")] {
        let mut line = vec!["--suite", suite, "--test", test];
        line.extend(["--", command].into_iter().filter(|_| !command.is_empty()));
        let error = typed::arguments::<AttemptArgs>(&line).map(drop).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{suite} {test} {command}");
    }
    assert!(place.parse(&["--confidence", "0.9999", "--runs", "100000"], "true").is_ok());
}

#[test]
fn what_keeps_it_from_being_tried_is_no_answer() {
    let ended = |server: StandIn, command: &str| {
        let line = ["--suite", "s", "--test", "t", "--url", &server.url, "--tries", "1", "--", command];
        format!("{:?}", typed::arguments::<AttemptArgs>(&line).unwrap().run().unwrap())
    };
    let fault = format!("{:?}", ExitCode::from(FAULT));
    for (status, body) in [(404, "{}"), (500, ""), (200, "<html>"), (200, r#"{"places":[{"runs":-1}]}"#), (200, "[]")] {
        assert_eq!(ended(StandIn::answering(vec![(status, body.to_owned())]), "true"), fault, "{status} {body}");
    }
    assert_eq!(ended(StandIn::answering(Vec::new()), "true"), fault, "the server is gone");
    let answering = || StandIn::answering(vec![(200, answer("failing", 4, 4).to_string())]);
    assert_eq!(ended(answering(), "no-such-command"), fault);
    let nameless = ["--suite", "s", "--test", "t", "--url", "nowhere", "--", "true"];
    assert_eq!(format!("{:?}", typed::arguments::<AttemptArgs>(&nameless).unwrap().run().unwrap()), fault);
}

#[test]
fn names_of_any_letters_are_asked_for_and_printed_as_text() {
    let place = Place::new(&answer("flaky", 4, 4));
    let name = "a/b?c=d&e#f%g ü\u{1b}[2J 日本";
    let more = ["--branch", "release/1 & 2", "-c", "python=3.12", "-c", "platform=linux"];
    let args = place.parse(&more, "true").unwrap();
    let test = clean_name(name);
    let mut trial = args.planned(&test).unwrap();
    args.rerun(&mut trial, &mut Interrupt::default()).unwrap();
    assert!(!trial.text().chars().any(char::is_control), "{:?}", trial.text());
    assert_eq!(
        place.server.seen()[0].line,
        "GET /api/standing?suite=s&test=a%2Fb%3Fc%3Dd%26e%23f%25g+%C3%BC%5Cu%7B1b%7D%5B2J+%E6%97%A5%E6%9C%AC\
         &branch=release%2F1+%26+2&label.python=3.12&platform=linux HTTP/1.1"
    );
}

#[test]
fn reports_of_a_name_that_is_not_usual_are_read() {
    let place = Place::new(&answer("failing", 4, 4));
    let name = "日本/b?c=d&e#f%g \u{fc}";
    let report = r#"<testsuite><testcase name="日本/b?c=d&amp;e#f%g ü"/></testsuite>"#;
    fs::write(place.folder.path().join("odd"), report).unwrap();
    let args = place.parse(&[], "cat odd > report.xml").unwrap();
    let mut trial = args.planned(name).unwrap();
    args.rerun(&mut trial, &mut Interrupt::default()).unwrap();
    assert_eq!((code(&trial), trial.reruns.passed), (0, 2), "{}", trial.text());
}

mod counting {
    use proptest::prelude::*;

    use super::super::before::Before;
    use super::super::tally::{Conclusion, Outcome, Tally, Trial, percent};

    fn trial(before: Option<(u32, u32)>, outcomes: &[Outcome], planned: u32) -> Trial<'static> {
        let mut reruns = Tally::default();
        for outcome in outcomes {
            reruns.add(*outcome, false);
        }
        let before = before.map(|(runs, failed)| Before {
            configuration: None,
            standing: None,
            runs,
            failed,
            expected_failures: 0,
            rate: f64::from(failed) / f64::from(runs),
        });
        Trial {
            suite: "s",
            test: "t",
            branch: None,
            confidence: 0.95,
            before,
            planned,
            reruns,
            other: None,
            is_interrupted: false,
        }
    }

    fn outcome() -> impl Strategy<Value = Outcome> {
        prop_oneof![8 => Just(Outcome::Passed), 1 => Just(Outcome::Failed), 1 => Just(Outcome::NotRun)]
    }

    proptest! {
        #[test]
        fn a_fix_holds_only_where_enough_passed_and_nothing_failed(
            runs in 1_u32..60, failed in 0_u32..60, outcomes in proptest::collection::vec(outcome(), 0..40),
        ) {
            let failed = failed.min(runs);
            let trial = trial(Some((runs, failed)), &outcomes, outcomes.len() as u32);
            let passes = outcomes.iter().filter(|outcome| **outcome == Outcome::Passed).count() as u32;
            let has_failed = outcomes.contains(&Outcome::Failed);
            // The chance of these passes, one after the other.
            let passed = f64::from(runs - failed);
            let step = |index: u32| (passed + f64::from(index) + 0.5) / (f64::from(runs) + f64::from(index) + 1.0);
            let is_certain = (0..passes).map(step).product::<f64>() <= 0.05 + 1e-12;
            let expected = match (has_failed, failed > 0) {
                (true, _) => Conclusion::Fails,
                (false, true) if is_certain => Conclusion::Holds,
                (false, false) if passes > 0 && passes == outcomes.len() as u32 => Conclusion::NothingToCompare,
                _ => Conclusion::NotEnough,
            };
            prop_assert_eq!(trial.conclusion(), expected, "{}", trial.text());
            if let (false, Some(more)) = (has_failed, trial.more()) {
                let enough = [outcomes.clone(), vec![Outcome::Passed; more as usize]].concat();
                let more = self::trial(Some((runs, failed)), &enough, 0);
                prop_assert_eq!(more.conclusion(), Conclusion::Holds);
            }
            prop_assert_eq!(trial.reruns.done() as usize, outcomes.len());
        }
    }

    #[test]
    fn shares_have_as_many_digits_as_they_need() {
        assert_eq!([0.95, 0.999, 0.9999, 0.5].map(percent), ["95", "99.9", "99.99", "50"]);
    }
}

#[test]
fn what_was_interrupted_is_no_rerun_and_what_came_before_is_said() {
    let place = Place::new(&answer("flaky", 12, 4));
    let args = place.parse(&[], "cat good > report.xml").unwrap();
    let mut trial = args.planned("C::a").unwrap();
    let mut interrupt = Interrupt::default();
    interrupt.come();
    args.rerun(&mut trial, &mut interrupt).unwrap();
    assert_eq!((code(&trial), trial.reruns), (INTERRUPTED, Tally::default()));
    assert!(
        trial.text().ends_with("No rerun says that it is fixed. It was interrupted after 0 of 10 reruns."),
        "{}",
        trial.text()
    );
}
