//! Query parameters, and the questions that they ask: the one place where texts of an address become typed questions.
//!
//! [`Parameters`] knows which names an endpoint takes and how each kind of value is read; [`runs`], [`commits`] and [`lists`]
//! make questions of them, with the errors of the wire contract.

pub(crate) mod as_of;
pub(crate) mod commits;
pub(crate) mod lists;
pub(crate) mod populations;
mod repeated;
pub(crate) mod runs;

pub(crate) use repeated::may_repeat;
use schema::configuration::labels;
use web::openapi::{Operation, Repeated};

use crate::error::{ApiError, bad};

/// Members that configurations have, as parameters. The last stands for `label.` with any key.
pub(crate) const CONFIGURATION: [&str; 10] = [
    "platform",
    "version",
    "version_name",
    "is_simulator",
    "architecture",
    "model",
    "style",
    "flavor",
    "sdk",
    ANY_LABEL,
];
/// Begins parameters that name a label; its key follows.
const LABEL: &str = "label.";
/// The name by which endpoints say that they take parameters of any label.
pub(crate) const ANY_LABEL: &str = "label.key";
/// Parameters that name commits; the same with `after_` and `before_` make a range.
pub(crate) const POINT: [&str; 6] = ["repository_id", "branch", "id", "ref", "uuid", "timestamp"];
/// Parameters of a range of commits.
pub(crate) const RANGE: [&str; 12] = [
    "after_repository_id",
    "after_branch",
    "after_id",
    "after_ref",
    "after_uuid",
    "after_timestamp",
    "before_repository_id",
    "before_branch",
    "before_id",
    "before_ref",
    "before_uuid",
    "before_timestamp",
];
/// Bounds of a run's start time.
pub(crate) const TIMES: [&str; 2] = ["after_time", "before_time"];
/// Parameters that are true or false.
const TRUTHS: [&str; 8] = [
    "recent",
    "unexpected",
    "collapsed",
    "include_expectations",
    "flaky",
    "passing",
    "is_simulator",
    "base_is_simulator",
];
/// Parameters that name branches. An empty one names none, as in the reference.
const BRANCHES: [&str; 4] = ["branch", "after_branch", "before_branch", "base_branch"];
/// The text that the reference's front end sends for an SDK that it does not know: it filters nothing.
const ANY_SDK: &str = "?";

/// Parameters in the order they were given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads the query text of an operation; a name that it does not know is an error. Of what is our own, so is a truth value that is
    /// none, and a second value where one is meant.
    pub(crate) fn of(query: Option<&str>, operation: &Operation) -> Result<Self, ApiError> {
        Self::of_beside_path(query, &[], operation)
    }

    /// The same, where the path itself says what the parameters `fixed` would.
    pub(crate) fn of_beside_path(query: Option<&str>, fixed: &[&str], operation: &Operation) -> Result<Self, ApiError> {
        match operation.repeated {
            Repeated::Any => Self::read_as_reference(query, fixed, operation.parameters),
            Repeated::Lists(lists) => Self(pairs(query).collect()).checked(fixed, operation.parameters)?.strict(lists),
        }
    }

    /// The same of a page, which knows these parameters.
    pub(crate) fn read(query: Option<&str>, known: &[&[&str]]) -> Result<Self, ApiError> {
        Self::read_lists(query, &[], known)
    }

    /// The same, where several values are meant of `lists`.
    pub(crate) fn read_lists(query: Option<&str>, lists: &[&str], known: &[&[&str]]) -> Result<Self, ApiError> {
        Self(pairs(query).collect()).checked(&[], known)?.strict(lists)
    }

    /// The same on an endpoint or a page that the reference has, too: there, any text that is not true is false, and of several
    /// values the first or the last counts.
    pub(crate) fn read_as_reference(query: Option<&str>, fixed: &[&str], known: &[&[&str]]) -> Result<Self, ApiError> {
        Self(pairs(query).collect()).checked(fixed, known)
    }

    /// Reads what was filled in: a form sends its empty fields too, which mean no choice.
    pub(crate) fn filled(query: Option<&str>, known: &[&[&str]]) -> Result<Self, ApiError> {
        Self(pairs(query).filter(|(_, value)| !value.is_empty()).collect()).checked(&[], known)?.strict(&[])
    }

    /// Reads what is known and was filled in of a query that may hold anything else.
    pub(crate) fn known_of(query: Option<&str>, known: &[&[&str]]) -> Self {
        Self(pairs(query).filter(|(name, value)| !value.is_empty() && is_known(name, known)).collect())
    }

    /// These pairs, as a configuration file or a document gives them, where several values are meant of `lists`; a name outside
    /// `known` is an error.
    pub(crate) fn given(pairs: Vec<(String, String)>, lists: &[&str], known: &[&[&str]]) -> Result<Self, ApiError> {
        Self(pairs).checked(&[], known)?.strict(lists)
    }

    fn checked(mut self, fixed: &[&str], known: &[&[&str]]) -> Result<Self, ApiError> {
        for (name, _) in &self.0 {
            if fixed.contains(&name.as_str()) {
                return Err(bad(format!("{name} is not a valid query parameter on this endpoint")));
            }
            if !is_known(name, known) {
                return Err(bad(if known.is_empty() {
                    "Queries not supported on this endpoint".to_owned()
                } else {
                    format!("'{name}' not supported in queries by this endpoint")
                }));
            }
        }
        self.0.retain(|(name, value)| !value.is_empty() || !BRANCHES.contains(&name.as_str()));
        Ok(self)
    }

    /// The same, if what is true or false is one of these, and nothing but lists is given more than once.
    fn strict(self, lists: &[&str]) -> Result<Self, ApiError> {
        repeated::check(&self.0, lists)?;
        let is_wrong = |(name, value): &(&str, &str)| TRUTHS.contains(name) && !is_false(value) && !truth(value);
        if let Some((name, value)) = self.pairs().find(is_wrong) {
            return Err(bad(format!("{name} is true or false (yes, no, 1 and 0 say the same), not '{value}'")));
        }
        Ok(self)
    }

    /// The same without those of these names that are empty: a form sends its empty fields too.
    pub(crate) fn without_empty(mut self, names: &[&str]) -> Self {
        self.0.retain(|(name, value)| !value.is_empty() || !names.contains(&name.as_str()));
        self
    }

    /// The query text of a link that asks the same without `dropped` and with `added`.
    pub(crate) fn with(&self, dropped: &[&str], added: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.pairs().filter(|(name, _)| !dropped.contains(name)));
        query.extend_pairs(added);
        query.finish()
    }

    /// The parameters with a prefix, without it, and those others whose name none of them has.
    pub(crate) fn overridden_by(&self, prefix: &str) -> Self {
        let own: Vec<(&str, &str)> =
            self.pairs().filter_map(|(name, value)| Some((name.strip_prefix(prefix)?, value))).collect();
        let is_kept = |name: &str| !name.starts_with(prefix) && own.iter().all(|(other, _)| *other != name);
        let kept = self.pairs().filter(|(name, _)| is_kept(name));
        Self(kept.chain(own.iter().copied()).map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// Names and values in the order they were given.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Every value of a parameter.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter, to keep.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        self.all(name).map(str::to_owned).collect()
    }

    /// Keys of labels and their values, in the order they were given.
    ///
    /// # Errors
    /// A key that no label can have.
    pub(crate) fn labels(&self) -> Result<Vec<(&str, &str)>, ApiError> {
        let labels = self.pairs().filter_map(|(name, value)| Some((name.strip_prefix(LABEL)?, value)));
        let checked = |(key, value)| {
            if labels::is_key(key) {
                return Ok((key, value));
            }
            Err(bad(format!("'{LABEL}{key}' names no label: keys are of lower-case letters, digits, - and _")))
        };
        labels.map(checked).collect()
    }

    /// The first value.
    pub(crate) fn first<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// The first value if it is not empty.
    pub(crate) fn chosen<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.first(name).filter(|value| !value.is_empty())
    }

    /// The first value as a truth value.
    pub(crate) fn flag(&self, name: &str, default: bool) -> bool {
        self.first(name).map_or(default, truth)
    }

    /// The last value of `limit`, if one is given.
    pub(crate) fn given_limit(&self) -> Result<Option<u64>, ApiError> {
        let Some(text) = self.all("limit").next_back() else { return Ok(None) };
        let limit = text.parse().ok().filter(|limit| *limit > 0);
        Ok(Some(limit.ok_or_else(|| bad("Limit must be a positive integer"))?))
    }

    /// The last value of `limit`.
    pub(crate) fn limit(&self, default: u64) -> Result<u64, ApiError> {
        Ok(self.given_limit()?.unwrap_or(default))
    }

    /// Keys or times of commits; fractions are rounded half to even.
    pub(crate) fn numbers(&self, name: &str) -> Result<Vec<u64>, ApiError> {
        self.all(name)
            .map(|text| {
                let whole = text.parse::<i64>().map(|number| number.max(0) as u64);
                whole
                    .ok()
                    .or_else(|| {
                        let number: f64 = text.parse().ok()?;
                        number.is_finite().then(|| number.round_ties_even().max(0.0) as u64)
                    })
                    .ok_or_else(|| bad("Timestamp and uuid must be integers"))
            })
            .collect()
    }

    /// A run's start time: the last value, a positive number, rounded half to even.
    pub(crate) fn time(&self, name: &str) -> Result<Option<u32>, ApiError> {
        let Some(text) = self.all(name).next_back() else { return Ok(None) };
        let seconds: Option<f64> = text.parse().ok();
        match seconds.filter(|seconds| *seconds > 0.0 && seconds.is_finite()) {
            Some(seconds) => Ok(Some(seconds.round_ties_even().min(f64::from(u32::MAX)) as u32)),
            None => Err(bad("Start time must be a positive integer")),
        }
    }

    /// SDKs; none if any will do.
    pub(crate) fn sdks(&self) -> Vec<String> {
        if self.all("sdk").any(|sdk| sdk == ANY_SDK) { Vec::new() } else { self.texts("sdk") }
    }
}

/// Whether a parameter is one of the known ones, or names a label where labels are known.
fn is_known(name: &str, known: &[&[&str]]) -> bool {
    let is_listed = |name: &str| known.iter().any(|names| names.contains(&name));
    is_listed(name) || name.split_once(LABEL).is_some_and(|(prefix, _)| is_listed(&format!("{prefix}{ANY_LABEL}")))
}

/// Whether a parameter chooses configurations.
pub(crate) fn chooses_configurations(name: &str) -> bool {
    is_known(name, &[&CONFIGURATION])
}

fn pairs(query: Option<&str>) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned()
}

/// Whether a form sent a field in which nothing was chosen.
pub(crate) fn is_left_empty(query: Option<&str>, field: &str) -> bool {
    pairs(query).any(|(name, value)| name == field && value.is_empty())
}

/// `true`, `yes` and every integer but 0 are true; everything else is false.
pub(crate) fn truth(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "true" | "yes") || text.parse::<i64>().is_ok_and(|number| number != 0)
}

/// Whether a text says no: what is neither this nor true is a mistake.
fn is_false(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "false" | "no") || text.parse() == Ok(0_i64)
}

/// What a path says that names a suite, or a test of one.
pub(crate) fn named_by_path(is_test: bool) -> &'static [&'static str] {
    if is_test { &["suite", "test"] } else { &["suite"] }
}

/// A name as it was uploaded: `?` and `#` have spellings of their own in paths.
pub(crate) fn name(text: &str) -> String {
    text.replace("$3F", "?").replace("$23", "#")
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
        let parameters = |query| Parameters::read_as_reference(Some(query), &[], &[&["limit"]]).unwrap();
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
    fn what_is_neither_true_nor_false_is_refused() {
        let known: [&[&str]; 1] = [&["recent", "is_simulator", "q"]];
        for right in ["recent=True&is_simulator=no", "recent=0", "recent=-3", "q=maybe", ""] {
            assert!(Parameters::read(Some(right), &known).is_ok(), "{right}");
        }
        let told = "recent is true or false (yes, no, 1 and 0 say the same), not 'maybe'";
        assert_eq!(Parameters::read(Some("recent=maybe"), &known).unwrap_err().to_string(), told);
        for wrong in ["is_simulator=yes&is_simulator=on", "recent=", "recent=0.5"] {
            assert!(Parameters::read(Some(wrong), &known).is_err(), "{wrong}");
            assert!(Parameters::read_as_reference(Some(wrong), &[], &known).is_ok(), "{wrong}");
        }
        // A form sends what was not chosen, too.
        assert!(Parameters::filled(Some("recent="), &known).is_ok());
    }

    #[test]
    fn an_empty_branch_names_none() {
        let parameters = Parameters::read(Some("branch=&branch=next&after_branch="), &[&POINT, &RANGE]).unwrap();
        assert_eq!(parameters.pairs().collect::<Vec<_>>(), [("branch", "next")]);
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

    #[test]
    fn an_sdk_that_nobody_knows_filters_nothing() {
        let sdks = |query| Parameters::read(Some(query), &[&["sdk"]]).unwrap().sdks();
        assert_eq!(sdks("sdk=20A1&sdk=20A2"), ["20A1", "20A2"]);
        assert!(sdks("sdk=?").is_empty() && sdks("").is_empty());
    }
}
