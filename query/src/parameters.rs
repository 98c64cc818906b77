//! Query parameters: which an endpoint knows, and how each kind is read.

use crate::error::ApiError;

/// Members of a configuration that can be asked for.
pub(crate) const CONFIGURATION: [&str; 9] =
    ["platform", "version", "version_name", "is_simulator", "architecture", "model", "style", "flavor", "sdk"];

/// Parameters in the order they were given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query text; a name outside `known` is an error.
    pub(crate) fn read(query: Option<&str>, known: &[&[&str]]) -> Result<Self, ApiError> {
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
        for (name, _) in &pairs {
            if !known.iter().any(|names| names.contains(&name.as_str())) {
                return Err(ApiError::Bad(if known.is_empty() {
                    "Queries not supported on this endpoint".to_owned()
                } else {
                    format!("'{name}' not supported in queries by this endpoint")
                }));
            }
        }
        Ok(Self(pairs))
    }

    /// Every value of a parameter.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The first value.
    pub(crate) fn first<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// The first value as a truth value.
    pub(crate) fn flag(&self, name: &str, default: bool) -> bool {
        self.first(name).map_or(default, truth)
    }

    /// The last value of `limit`.
    pub(crate) fn limit(&self, default: u64) -> Result<u64, ApiError> {
        match self.all("limit").next_back() {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| *limit > 0)
                .ok_or_else(|| ApiError::Bad("Limit must be a positive integer".to_owned())),
        }
    }

    /// A commit's uuid or time.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        self.first(name)
            .map(|text| text.parse().map_err(|_| ApiError::Bad("Timestamp and uuid must be integers".to_owned())))
            .transpose()
    }

    /// A run's start time: the last value, a positive number, rounded half to even.
    pub(crate) fn time(&self, name: &str) -> Result<Option<u32>, ApiError> {
        let Some(text) = self.all(name).next_back() else { return Ok(None) };
        let seconds: Option<f64> = text.parse().ok();
        match seconds.filter(|seconds| *seconds > 0.0 && seconds.is_finite()) {
            Some(seconds) => Ok(Some(seconds.round_ties_even().min(f64::from(u32::MAX)) as u32)),
            None => Err(ApiError::Bad("Start time must be a positive integer".to_owned())),
        }
    }
}

/// `true`, `yes` and every integer but 0 are true; everything else is false.
pub(crate) fn truth(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "true" | "yes") || text.parse::<i64>().is_ok_and(|number| number != 0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_are_refused() {
        let error = Parameters::read(Some("x="), &[&["limit"]]).unwrap_err();
        assert_eq!(error.to_string(), "'x' not supported in queries by this endpoint");
        let error = Parameters::read(Some("x=1"), &[]).unwrap_err();
        assert_eq!(error.to_string(), "Queries not supported on this endpoint");
    }

    #[test]
    fn the_last_limit_counts_and_must_be_positive() {
        let parameters = |query| Parameters::read(Some(query), &[&["limit"]]).unwrap();
        assert_eq!(parameters("limit=1&limit=7").limit(100).unwrap(), 7);
        assert_eq!(parameters("").limit(100).unwrap(), 100);
        for bad in ["limit=0", "limit=-1", "limit=1.5", "limit=x", "limit="] {
            assert!(parameters(bad).limit(100).is_err(), "{bad}");
        }
    }

    #[test]
    fn truth_is_read_as_the_contract_says() {
        for (text, expected) in
            [("TRUE", true), ("yes", true), ("2", true), ("-1", true), ("0", false), ("no", false), ("on", false)]
        {
            assert_eq!(truth(text), expected, "{text}");
        }
    }

    #[test]
    fn times_round_half_to_even() {
        let time = |text: &str| {
            Parameters::read(Some(&format!("after_time={text}")), &[&["after_time"]]).unwrap().time("after_time")
        };
        assert_eq!((time("2.5").unwrap(), time("3.5").unwrap()), (Some(2), Some(4)));
        for bad in ["0", "-1", "inf", "nan", "x"] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }
}
