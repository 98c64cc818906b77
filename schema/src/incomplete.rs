//! Words about runs that have too few of their suite's tests to be compared, for pages, comments and commands alike.

/// What a failure in such a run is called in lists: nobody knows whether it is new.
pub const IN_INCOMPLETE_RUN: &str = "in an incomplete run";

/// Why a run is not compared, without a full stop; `run` names it as the subject of a sentence, `tests_run` and `usual` are
/// counts of tests.
pub fn too_few(run: &str, tests_run: u64, usual: u64) -> String {
    format!("{run} has {tests_run} of the suite's {usual} tests, which is too few to compare it")
}

#[cfg(test)]
mod tests {
    use super::too_few;

    #[test]
    fn a_sentence_has_both_counts() {
        let told = "The newest run on Mac has 2 of the suite's 28 tests, which is too few to compare it";
        assert_eq!(too_few("The newest run on Mac", 2, 28), told);
    }
}
