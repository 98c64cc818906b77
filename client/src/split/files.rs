//! Durations of files, from durations of tests: names of tests begin with their file, or with a class that is called like it.

use std::collections::{BTreeMap, HashMap};

/// Between the first part of a test's name and the rest.
const SEPARATOR: &str = reports::name::SEPARATOR;

/// What the tests of each file take together; none for a file of which no test is known.
///
/// `tests/sub/test_a.py` is the file of `tests/sub/test_a.py::adds`, of `tests.sub.test_a::adds`, of
/// `sub.test_a.TestClass::adds` and, as the class of a package, of `test_a::adds`.
pub(super) fn durations(files: &[String], tests: &BTreeMap<String, f64>) -> Vec<Option<f64>> {
    let paths: Vec<Vec<&str>> = files.iter().map(|file| parts(file)).collect();
    let mut by_last: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut by_path: HashMap<&str, usize> = HashMap::new();
    for (index, (file, path)) in files.iter().zip(&paths).enumerate() {
        by_path.insert(file.trim_start_matches("./"), index);
        if let Some(last) = path.last() {
            by_last.entry(last).or_default().push(index);
        }
    }
    let mut durations = vec![None; files.len()];
    for (test, milliseconds) in tests {
        let first = test.split(SEPARATOR).next().unwrap_or_default();
        let file = by_path.get(first).copied().or_else(|| of_class(first, &by_last, &paths));
        if let Some(duration) = file.and_then(|file| durations.get_mut(file)) {
            *duration = Some(duration.unwrap_or(0.0) + milliseconds.max(0.0));
        }
    }
    durations
}

/// The file that is called like a class or one of the classes and packages around it, the innermost first. Where several
/// are, nobody knows which is meant.
fn of_class(class: &str, by_last: &HashMap<&str, Vec<usize>>, paths: &[Vec<&str>]) -> Option<usize> {
    let class: Vec<&str> = if class.contains('/') { parts(class) } else { class.split(['.', '$']).collect() };
    for length in (1..=class.len()).rev() {
        let around = &class[..length];
        let Some(candidates) = around.last().and_then(|last| by_last.get(last)) else { continue };
        let mut called = candidates.iter().filter(|index| {
            let path = &paths[**index];
            path.ends_with(around) || around.ends_with(path)
        });
        if let (Some(file), None) = (called.next(), called.next()) {
            return Some(*file);
        }
    }
    None
}

/// The folders of a path and the name of its file, which ends at its first point.
fn parts(path: &str) -> Vec<&str> {
    let named = |part: &&str| !matches!(*part, "" | "." | "..");
    let mut parts: Vec<&str> = path.split('/').filter(named).collect();
    if let Some(last) = parts.last_mut() {
        *last = last.split('.').next().unwrap_or_default();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[&str], tests: &[&str]) -> Vec<Option<f64>> {
        let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
        durations(&files, &tests.iter().map(|test| ((*test).to_owned(), 10.0)).collect())
    }

    #[test]
    fn names_begin_with_their_file_or_class() {
        for (file, test) in [
            ("tests/sub/test_a.py", "tests/sub/test_a.py::adds"),
            ("./tests/sub/test_a.py", "tests/sub/test_a.py::adds"),
            ("tests/sub/test_a.py", "tests.sub.test_a::adds"),
            ("tests/sub/test_a.py", "sub.test_a.TestMath::adds[1.5]"),
            ("sub/test_a.py", "tests.sub.test_a::adds"),
            ("src/test/java/org/x/MathTest.java", "org.x.MathTest::adds"),
            ("src/test/java/org/x/MathTest.java", "org.x.MathTest$Inner::adds"),
            ("web/math.test.ts", "math.test.ts::adds"),
        ] {
            assert_eq!(of(&[file], &[test]), [Some(10.0)], "{file} {test}");
        }
    }

    #[test]
    fn tests_of_a_file_are_added_up_and_unclear_ones_left_out() {
        let tests = ["a/test_x.py::one", "a/test_x.py::two", "test_x::three", "other::four"];
        assert_eq!(of(&["a/test_x.py", "b/test_x.py"], &tests), [Some(20.0), None]);
    }
}
