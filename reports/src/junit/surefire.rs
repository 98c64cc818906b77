//! Maven Surefire and Failsafe. Names are `{class}::{name}`. The files of a folder are one run: with a nested class and
//! reruns, Surefire 3.2 writes the first attempts into another file than the reruns.
//!
//! Not carried: starts; times of reruns; in 2.22, reruns of JUnit 5 at all. Parameters change their form between versions:
//! `param{int}[1]` became `param(int)[1]`.

use super::dialect::Dialect;
use super::raw::{Kind, Raw, Suite};
use crate::model::Problem;
use crate::run::Repeat;

pub(super) struct Surefire;

impl Dialect for Surefire {
    fn tool(&self) -> &'static str {
        "Maven Surefire"
    }

    fn problem(&self, case: &Raw, _: &[Suite]) -> Option<Problem> {
        let of_class = case.name().is_empty() || case.name() == case.class();
        let broken = case.broken()?;
        of_class.then(|| Problem::outside(case.class(), &case.message(), self.broken(broken, case)))
    }

    fn holds_suites(&self) -> bool {
        true
    }

    /// Where `@AfterAll` failed, the whole class ran again, and each of its tests is written once for each time.
    fn settle(&self, cases: &mut [Raw], _: &Suite) {
        let of_class = |case: &&Raw| case.name().is_empty() || case.name() == case.class();
        let again = |case: &&Raw| case.child(|kind| kind.is_flaky() || kind.is_rerun()).is_some();
        let classes: Vec<String> =
            cases.iter().filter(of_class).filter(again).map(|case| case.class().to_owned()).collect();
        for case in cases {
            case.repeated = !case.name().is_empty() && classes.iter().any(|class| class == case.class());
        }
    }

    fn repeat(&self, case: &Raw) -> Repeat {
        if case.repeated {
            return Repeat::NextAttempt;
        }
        let later = case.child(|kind| kind.is_flaky() || kind.is_rerun()).is_some();
        let failed = case.child(|kind| matches!(kind, Kind::Failure | Kind::Error)).is_some();
        Repeat::Surefire { first: failed && !later }
    }
}
