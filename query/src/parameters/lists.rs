//! Questions about lists of tests: triage, flaky tests, durations, comparisons, failures.

use answers::ask::RunFilter;
use answers::causes::{CauseOrder, CausesQuestion};
use answers::changes::{self, ChangesQuestion, Kind};
use answers::compare::CompareQuestion;
use answers::costs::{self, CostsBy, CostsQuestion};
use answers::durations::DurationsQuestion;
use answers::failures::FailuresQuestion;
use answers::flaky::{self, FlakyOrder, FlakyQuestion};
use answers::new_tests::{self, NewTestsQuestion};
use answers::owner_totals::OwnersQuestion;
use answers::search::{Field, Search};
use answers::trends::TrendsQuestion;
use answers::triage::{self, DEFAULT_DAYS, Group, MAX_DAYS, TriageQuestion};
use answers::verdicts::{QUALITY_FIELDS, QualityQuestion};
use schema::cause::CauseId;
use schema::clock::Clock;

use super::{Parameters, runs};
use crate::error::{ApiError, bad};

/// Weeks that are looked at if the question names none, and at most.
pub(crate) const DEFAULT_WEEKS: u64 = 4;
/// See [`DEFAULT_WEEKS`].
pub(crate) const MAX_WEEKS: u64 = 52;
/// Weeks of trends if the question names none: fewer make no trend.
const TREND_WEEKS: u64 = 12;
/// A question about one suite names none.
pub(crate) const NO_SUITE: &str = "No test suite specified";

/// How far back, weeks.
pub(crate) fn weeks(parameters: &Parameters) -> Result<u64, ApiError> {
    weeks_or(parameters, DEFAULT_WEEKS)
}

/// The same with a default of its own.
fn weeks_or(parameters: &Parameters, default: u64) -> Result<u64, ApiError> {
    match parameters.first("weeks").map(str::parse) {
        None => Ok(default),
        Some(Ok(weeks)) if (1..=MAX_WEEKS).contains(&weeks) => Ok(weeks),
        Some(_) => Err(bad(format!("Weeks must be an integer from 1 to {MAX_WEEKS}"))),
    }
}

fn days(parameters: &Parameters, default: u64, most: u64) -> Result<u64, ApiError> {
    match parameters.first("days").map(str::parse) {
        None => Ok(default),
        Some(Ok(days)) if (1..=most).contains(&days) => Ok(days),
        Some(_) => Err(bad(format!("Days must be an integer from 1 to {most}"))),
    }
}

fn groups(parameters: &Parameters) -> Result<Vec<Group>, ApiError> {
    let group = |name: &str| {
        let known = Group::ALL.into_iter().find(|group| group.name() == name);
        known.ok_or_else(|| {
            bad(format!("{name} is not a group; the groups are {}", Group::ALL.map(Group::name).join(", ")))
        })
    };
    parameters.all("group").filter(|group| !group.is_empty()).map(group).collect()
}

/// The search of `q`, in the words that a list offers, for the tests of the `owner` alone, if one is named.
pub(crate) fn search(parameters: &Parameters, offered: &[Field], clock: &Clock) -> Result<Search, ApiError> {
    let search = Search::parse(parameters.first("q").unwrap_or_default(), offered, clock.now())?;
    Ok(search.of_owner(parameters.chosen("owner"))?)
}

/// A question to triage about a suite.
pub(crate) fn triage(parameters: &Parameters, suite: &str, clock: &Clock) -> Result<TriageQuestion, ApiError> {
    Ok(TriageQuestion {
        suite: suite.to_owned(),
        days: days(parameters, DEFAULT_DAYS, MAX_DAYS)?,
        groups: groups(parameters)?,
        search: search(parameters, &triage::FIELDS, clock)?,
        runs: runs::lately(parameters)?,
        with_messages: true,
    })
}

fn order(parameters: &Parameters) -> Result<FlakyOrder, ApiError> {
    let Some(name) = parameters.chosen("sort") else { return Ok(FlakyOrder::default()) };
    let known = FlakyOrder::ALL.into_iter().find(|order| order.name() == name);
    let names = FlakyOrder::ALL.map(FlakyOrder::name).join(", ");
    known.ok_or_else(|| bad(format!("{name} is not an order of flaky tests; the orders are {names}")))
}

/// A question about flaky tests of a suite, or of all.
pub(crate) fn flaky(parameters: &Parameters, suite: Option<&str>, clock: &Clock) -> Result<FlakyQuestion, ApiError> {
    Ok(FlakyQuestion {
        suite: suite.map(str::to_owned),
        weeks: weeks(parameters)?,
        order: order(parameters)?,
        search: search(parameters, &flaky::FIELDS, clock)?,
        runs: runs::lately(parameters)?,
    })
}

/// A question about tests that came lately, of a suite or of all.
pub(crate) fn new_tests(parameters: &Parameters, suite: Option<&str>) -> Result<NewTestsQuestion, ApiError> {
    Ok(NewTestsQuestion {
        suite: suite.map(str::to_owned),
        days: days(parameters, new_tests::DEFAULT_DAYS, new_tests::MAX_DAYS)?,
        runs: runs::lately(parameters)?,
    })
}

/// A question about what flaky tests of a suite cost, or of all.
pub(crate) fn costs(parameters: &Parameters, suite: Option<&str>, clock: &Clock) -> Result<CostsQuestion, ApiError> {
    let by = match parameters.chosen("by") {
        None => CostsBy::default(),
        Some(name) => CostsBy::ALL.into_iter().find(|by| by.name() == name).ok_or_else(|| {
            let names = CostsBy::ALL.map(CostsBy::name).join(", ");
            bad(format!("Costs are not summed up by {name}, but by one of {names}"))
        })?,
    };
    Ok(CostsQuestion {
        suite: suite.map(str::to_owned),
        weeks: weeks(parameters)?,
        by,
        search: search(parameters, &costs::FIELDS, clock)?,
        runs: runs::lately(parameters)?,
    })
}

/// A question about how good the verdicts on tests of a suite were, or of all.
pub(crate) fn quality(
    parameters: &Parameters,
    suite: Option<&str>,
    clock: &Clock,
) -> Result<QualityQuestion, ApiError> {
    let search = search(parameters, &QUALITY_FIELDS, clock)?;
    Ok(QualityQuestion { suite: suite.map(str::to_owned), weeks: weeks(parameters)?, search })
}

/// A question about the owners of tests of a suite, or of all.
pub(crate) fn owners(parameters: &Parameters, suite: Option<&str>) -> Result<OwnersQuestion, ApiError> {
    let (suite, weeks) = (suite.map(str::to_owned), weeks(parameters)?);
    Ok(OwnersQuestion { suite, weeks, runs: runs::lately(parameters)? })
}

/// A question about durations of a suite, or of a test of it.
pub(crate) fn durations(
    parameters: &Parameters,
    suite: &str,
    test: Option<&str>,
) -> Result<DurationsQuestion, ApiError> {
    Ok(DurationsQuestion {
        suite: suite.to_owned(),
        test: test.map(str::to_owned),
        weeks: weeks(parameters)?,
        runs: runs::lately(parameters)?,
    })
}

/// A question about trends of a suite, or of a test of it.
pub(crate) fn trends(parameters: &Parameters, suite: &str, test: Option<&str>) -> Result<TrendsQuestion, ApiError> {
    Ok(TrendsQuestion {
        suite: suite.to_owned(),
        test: test.map(str::to_owned),
        weeks: weeks_or(parameters, TREND_WEEKS)?,
        // What ran until a system was given up belongs to what happened over weeks.
        runs: RunFilter { recent: parameters.flag("recent", false), ..runs::lately(parameters)? },
    })
}

/// A question about changes of a suite, or of a test of it.
pub(crate) fn changes(
    parameters: &Parameters,
    suite: &str,
    test: Option<&str>,
    clock: &Clock,
) -> Result<ChangesQuestion, ApiError> {
    let kind = |name: &str| {
        let known = Kind::ALL.into_iter().find(|kind| kind.name() == name);
        known.ok_or_else(|| {
            bad(format!("{name} is not a kind of change; the kinds are {}", Kind::ALL.map(Kind::name).join(", ")))
        })
    };
    Ok(ChangesQuestion {
        suite: suite.to_owned(),
        test: test.map(str::to_owned),
        weeks: weeks(parameters)?,
        kinds: parameters.all("kind").filter(|kind| !kind.is_empty()).map(kind).collect::<Result<_, _>>()?,
        search: search(parameters, &changes::FIELDS, clock)?,
        runs: runs::lately(parameters)?,
    })
}

/// A question about causes of failures of a suite, or about what its failing tests said.
pub(crate) fn causes(parameters: &Parameters, suite: &str) -> Result<CausesQuestion, ApiError> {
    let cause = parameters.chosen("cause").map(str::parse::<CauseId>).transpose();
    let rule = parameters.chosen("rule").map(str::parse::<u16>).transpose();
    let order = match parameters.chosen("order") {
        None => CauseOrder::default(),
        Some(name) => CauseOrder::ALL.into_iter().find(|order| order.name() == name).ok_or_else(|| {
            let names = CauseOrder::ALL.map(CauseOrder::name).join(", ");
            bad(format!("{name} is not an order of causes; the orders are {names}"))
        })?,
    };
    Ok(CausesQuestion {
        suite: suite.to_owned(),
        weeks: weeks(parameters)?,
        cause: cause.map_err(|error| bad(error.to_string()))?,
        test: parameters.chosen("test").map(str::to_owned),
        text: parameters.chosen("text").map(str::to_owned),
        with_expected: !parameters.flag("unexpected", true),
        rule: rule.map_err(|_| bad("Rule must be the version of a rule, an integer"))?,
        order,
        runs: runs::lately(parameters)?,
    })
}

/// A comparison of two commits.
pub(crate) fn compare(parameters: &Parameters, suite: &str) -> Result<CompareQuestion, ApiError> {
    let text = |name: &str| parameters.first(name).map(str::to_owned);
    Ok(CompareQuestion {
        suite: suite.to_owned(),
        before: text("before"),
        before_branch: text("before_branch"),
        after: text("after"),
        with_expected: !parameters.flag("unexpected", true),
        runs: runs::lately(parameters)?,
    })
}

/// A question about failures of a suite.
pub(crate) fn failures(parameters: &Parameters, suite: &str) -> Result<FailuresQuestion, ApiError> {
    Ok(FailuresQuestion {
        suite: suite.to_owned(),
        with_expected: !parameters.flag("unexpected", true),
        by_run: !parameters.flag("collapsed", true),
        runs: runs::filter(parameters)?,
    })
}
