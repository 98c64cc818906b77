//! Questions about runs: branch, configurations, SDKs, commits, start times and limit.

use std::collections::BTreeMap;

use answers::ask::{CommitRange, ConfigurationFilter, RunFilter, StartTimes, parse_asked_version};

use super::{Parameters, commits, truth};
use crate::error::{ApiError, bad};

/// The runs that the parameters mean.
pub(crate) fn filter(parameters: &Parameters) -> Result<RunFilter, ApiError> {
    Ok(RunFilter { commits: commits::range(parameters)?, started: started(parameters)?, ..lately(parameters)? })
}

/// The same without commits and start times, for questions that bound those themselves.
pub(crate) fn lately(parameters: &Parameters) -> Result<RunFilter, ApiError> {
    Ok(RunFilter {
        branch: parameters.first("branch").map(str::to_owned),
        configurations: configurations(parameters)?,
        recent: parameters.flag("recent", true),
        sdks: parameters.sdks(),
        commits: CommitRange::default(),
        started: StartTimes::default(),
        limit: parameters.given_limit()?,
    })
}

/// Bounds of the start of a run.
pub(crate) fn started(parameters: &Parameters) -> Result<StartTimes, ApiError> {
    Ok(StartTimes { after: parameters.time("after_time")?, before: parameters.time("before_time")? })
}

/// Members that configurations have.
pub(crate) fn configurations(parameters: &Parameters) -> Result<ConfigurationFilter, ApiError> {
    let mut labels: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, value) in parameters.labels()? {
        labels.entry(key.to_owned()).or_default().push(value.to_owned());
    }
    let version = |text: &str| parse_asked_version(text).map_err(|error| bad(error.to_string()));
    Ok(ConfigurationFilter {
        platforms: parameters.texts("platform"),
        versions: parameters.all("version").map(version).collect::<Result<_, _>>()?,
        version_names: parameters.texts("version_name"),
        is_simulator: parameters.all("is_simulator").map(truth).collect(),
        architectures: parameters.texts("architecture"),
        models: parameters.texts("model"),
        styles: parameters.texts("style"),
        flavors: parameters.texts("flavor"),
        labels,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::parameters::{CONFIGURATION, POINT, RANGE, TIMES};

    fn read(query: &str) -> Result<RunFilter, ApiError> {
        let known: [&[&str]; 5] = [&CONFIGURATION, &["recent", "limit"], &POINT, &RANGE, &TIMES];
        filter(&Parameters::read(Some(query), &known).unwrap())
    }

    #[test]
    fn nothing_means_the_default() {
        assert_eq!(read("").unwrap(), RunFilter::default());
    }

    #[test]
    fn every_member_is_read() {
        let found = read("platform=Mac&platform=iOS&version=14.2&is_simulator=False&recent=no&sdk=1A&limit=7").unwrap();
        assert_eq!(found.configurations.platforms, ["Mac", "iOS"]);
        assert_eq!((found.configurations.versions, found.configurations.is_simulator), (vec![14_002_000], vec![false]));
        assert_eq!((found.recent, found.sdks, found.limit), (false, vec!["1A".to_owned()], Some(7)));
    }

    #[test]
    fn labels_of_any_key_are_read() {
        let labels = read("label.python=3.12&label.python=3.13&label.job=unit").unwrap().configurations.labels;
        assert_eq!(labels["python"], ["3.12", "3.13"]);
        assert_eq!((labels["job"].as_slice(), labels.len()), (&["unit".to_owned()][..], 2));
        let error = read("label.Python=3").unwrap_err().to_string();
        assert_eq!(error, "'label.Python' names no label: keys are of lower-case letters, digits, - and _");
        let known: [&[&str]; 1] = [&["limit"]];
        let error = Parameters::read(Some("label.python=3"), &known).unwrap_err().to_string();
        assert_eq!(error, "'label.python' not supported in queries by this endpoint");
        assert!(Parameters::read(Some("python=3"), &[&CONFIGURATION]).is_err());
    }

    #[test]
    fn what_is_no_version_is_refused() {
        let error = read("version=new").unwrap_err().to_string();
        assert_eq!(error, "'new' is not a version; write a, a.b or a.b.c with numbers");
    }
}
