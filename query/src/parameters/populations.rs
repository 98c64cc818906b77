//! Questions about two populations of runs: parameters with the prefix `base_` say what is different about the base.

use answers::ask::RunFilter;
use answers::populations::{BASE_WEEKS, MAX_WEEKS, PopulationFilter, PopulationsQuestion, SAMPLE_WEEKS};

use super::{Parameters, runs};
use crate::error::{ApiError, bad};

/// The prefix of parameters of the base.
pub(crate) const PREFIX: &str = "base_";
/// Parameters of the sample that are no members of a configuration.
pub(crate) const SAMPLE: [&str; 3] = ["branch", "weeks", "ago"];
/// Parameters of the base.
pub(crate) const BASE: [&str; 13] = [
    "base_platform",
    "base_version",
    "base_version_name",
    "base_is_simulator",
    "base_architecture",
    "base_model",
    "base_style",
    "base_flavor",
    "base_sdk",
    "base_label.key",
    "base_branch",
    "base_weeks",
    "base_ago",
];

/// A whole number within bounds, both inclusive.
fn whole(parameters: &Parameters, name: &str, default: u64, least: u64) -> Result<u64, ApiError> {
    match parameters.first(name).map(str::parse) {
        None => Ok(default),
        Some(Ok(number)) if (least..=MAX_WEEKS).contains(&number) => Ok(number),
        Some(_) => Err(bad(format!("{name} must be an integer from {least} to {MAX_WEEKS}"))),
    }
}

/// Every run counts, also those of configurations that were retired since.
fn filter(parameters: &Parameters) -> Result<RunFilter, ApiError> {
    Ok(RunFilter { recent: false, ..runs::lately(parameters)? })
}

/// The populations that the parameters mean. A base is as the sample is, but for what its own parameters say. One of
/// another branch or configuration ends when the sample ends; any other one ends where the sample begins.
pub(crate) fn question(parameters: &Parameters, suite: &str) -> Result<PopulationsQuestion, ApiError> {
    let runs = filter(parameters)?;
    let (weeks, ago) = (whole(parameters, "weeks", SAMPLE_WEEKS, 1)?, whole(parameters, "ago", 0, 0)?);
    let base_runs = filter(&parameters.overridden_by(PREFIX))?;
    let usual = if base_runs == runs { (ago + weeks).min(MAX_WEEKS) } else { ago };
    let base_weeks = whole(parameters, "base_weeks", BASE_WEEKS, 1)?;
    let base = PopulationFilter { runs: base_runs, weeks: base_weeks, ago: whole(parameters, "base_ago", usual, 0)? };
    Ok(PopulationsQuestion {
        suite: suite.to_owned(),
        sample: PopulationFilter { runs, weeks, ago },
        base,
        with_expected: !parameters.flag("unexpected", true),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::parameters::CONFIGURATION;

    fn read(query: &str) -> Result<PopulationsQuestion, ApiError> {
        let known: [&[&str]; 4] = [&CONFIGURATION, &SAMPLE, &BASE, &["unexpected", "limit"]];
        question(&Parameters::read(Some(query), &known).unwrap(), "s")
    }

    #[test]
    fn nothing_means_this_week_and_the_four_before() {
        let asked = read("").unwrap();
        assert_eq!((asked.sample.weeks, asked.sample.ago), (1, 0));
        assert_eq!((asked.base.weeks, asked.base.ago), (4, 1));
        assert_eq!(asked.sample.runs, asked.base.runs);
        assert!(!asked.sample.runs.recent);
    }

    #[test]
    fn a_base_is_as_the_sample_but_for_what_it_says() {
        let asked = read("platform=mac&style=Debug&base_style=Release&base_style=Asan&weeks=2&ago=1").unwrap();
        let (sample, base) = (asked.sample.runs.configurations, asked.base.runs.configurations);
        assert_eq!((sample.styles, base.styles), (vec!["Debug".to_owned()], vec!["Release".into(), "Asan".into()]));
        assert_eq!(sample.platforms, base.platforms);
        assert_eq!((asked.base.weeks, asked.base.ago), (4, 1));
        let asked = read("branch=next&base_branch=main&base_weeks=2&base_ago=3").unwrap();
        assert_eq!((asked.base.runs.branch.as_deref(), asked.base.weeks, asked.base.ago), (Some("main"), 2, 3));
    }

    #[test]
    fn weeks_have_bounds() {
        for wrong in ["weeks=0", "weeks=53", "weeks=x", "ago=-1", "base_weeks=0", "base_ago=18446744073709551616"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let error = read("base_weeks=99").unwrap_err().to_string();
        assert_eq!(error, "base_weeks must be an integer from 1 to 52");
        assert!(read("base_version=new").is_err());
    }
}
