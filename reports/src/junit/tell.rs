//! Which tool wrote a report, by what stands before and in its first testcase.

use super::dialect::Dialect;
use super::raw::{Raw, Suite};
use super::{
    bats, bazel, behave, catch2, ctest, generic, ginkgo, googletest, gotestsum, gradle, jest, mocha, nextest, node,
    phpunit, playwright, prove, pytest, robot, rspec, surefire, unittest, vitest,
};
use crate::xml::Element;

/// The dialect of a report. `suites` are those around the testcase, the root among them where it is a suite.
pub(super) fn tell(root: &Element, declared: bool, suites: &[Suite], case: &Raw) -> Box<dyn Dialect> {
    by_root(root, declared, suites)
        .or_else(|| by_properties(suites))
        .or_else(|| by_testcase(root, declared, suites, case))
        .unwrap_or_else(|| Box::new(generic::Generic))
}

fn by_root(root: &Element, declared: bool, suites: &[Suite]) -> Option<Box<dyn Dialect>> {
    let several = root.name == "testsuites";
    let suite_is = |name: &str| suites.iter().any(|suite| suite.name() == name);
    Some(match root.attribute("name") {
        "pytest tests" => Box::new(pytest::Pytest),
        "nextest-run" => Box::new(nextest::Nextest),
        "jest tests" => Box::new(jest::Jest),
        "vitest tests" => Box::new(vitest::Vitest),
        "Mocha Tests" if several => Box::new(mocha::JunitReporter),
        "Mocha Tests" => Box::new(mocha::Xunit),
        "" if several && !declared && root.get("id").is_some() => Box::new(playwright::Playwright::default()),
        _ if !several && root.attribute("timestamp").ends_with(" GMT") => Box::new(mocha::Xunit),
        // Its title of the root is an option, and missing for Ant.
        _ if suite_is("Root Suite") => Box::new(mocha::JunitReporter),
        _ if suite_is("pytest") => Box::new(pytest::Pytest),
        _ if suite_is("Mocha Tests") => Box::new(mocha::Xunit),
        _ if schema(root).contains("surefire")
            || suites.iter().any(|suite| schema(&suite.element).contains("surefire")) =>
        {
            Box::new(surefire::Surefire)
        }
        _ if suites.first().is_some_and(|suite| suite.name().starts_with("rspec")) => Box::new(rspec::Rspec),
        _ if suites.first().is_some_and(|suite| bats::is_suite_name(suite.name())) => Box::new(bats::Bats),
        _ => return None,
    })
}

fn schema(element: &Element) -> &str {
    element.get("noNamespaceSchemaLocation").unwrap_or_else(|| element.attribute("schemaLocation"))
}

fn by_properties(suites: &[Suite]) -> Option<Box<dyn Dialect>> {
    let has = |name: &str| suites.iter().any(|suite| suite.has_property(name));
    Some(if has("go.version") {
        Box::new(gotestsum::Gotestsum)
    } else if has("SuiteSucceeded") {
        Box::new(ginkgo::Ginkgo)
    } else if has("random-seed") || has("filters") {
        Box::new(catch2::Catch2)
    } else if suites.iter().any(|suite| suite.element.get("doctest_version").is_some()) {
        Box::new(catch2::Doctest)
    } else if suites.last().is_some_and(|suite| suite.element.get("hostname") == Some("tbd")) {
        // Version 2 of Catch2 has no properties.
        Box::new(catch2::Catch2)
    } else {
        return None;
    })
}

fn by_testcase(root: &Element, declared: bool, suites: &[Suite], case: &Raw) -> Option<Box<dyn Dialect>> {
    let single = root.name == "testsuite";
    let has = |name: &str| case.element.get(name).is_some();
    let word = |words: &[&str]| words.contains(&case.word());
    if node::is_node(root, case) {
        return Some(Box::new(node::Node));
    }
    let inner = &suites.last()?.element;
    let path: Vec<&str> = suites.iter().map(Suite::name).collect();
    if has("result") && word(&["run", "notrun"]) {
        return Some(Box::new(googletest::GoogleTest));
    }
    if single && root.get("disabled").is_some() && word(&["run", "fail", "notrun", "disabled"]) {
        return Some(Box::new(ctest::Ctest));
    }
    if has("assertions") {
        return Some(Box::new(phpunit::PhpUnit));
    }
    if has("duration") && case.word() == "run" {
        return Some(Box::new(bazel::Bazel));
    }
    if inner.get("id").is_some() && inner.get("package") == inner.get("name") && mocha::is_titled(case) {
        return Some(Box::new(mocha::JunitReporter));
    }
    if unittest::is_suite_name(inner.attribute("name")) || (has("timestamp") && has("line") && has("file")) {
        return Some(Box::new(unittest::Unittest));
    }
    if case.element.get("classname").is_none() && prove::is_name(case.name()) {
        return Some(Box::new(prove::Prove));
    }
    if single && path.len() == 1 && word(&["passed", "failed", "error", "skipped", "untested", "undefined"]) {
        return Some(Box::new(behave::Behave));
    }
    if single && case.class() == path.join(".") && robot::is_suite(inner, path.len()) {
        return Some(Box::new(robot::Robot));
    }
    let of_class = case.class() == inner.attribute("name");
    if declared && single && of_class && inner.get("hostname").is_some() && inner.get("timestamp").is_some() {
        return Some(Box::new(gradle::Gradle));
    }
    None
}
