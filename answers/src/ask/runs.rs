//! Which runs a question is about.

use schema::configuration::{Configuration, Labels};

use super::{CommitRange, ConfigurationFilter};

/// Which runs a question is about. The default is what a question that says nothing means: the default branch, on
/// configurations that ran within two weeks, of every commit until now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFilter {
    /// The branch; none is the default branch.
    pub branch: Option<String>,
    /// Members that the configurations have.
    pub configurations: ConfigurationFilter,
    /// Whether configurations are left out that did not run within two weeks.
    pub recent: bool,
    /// SDKs; any if empty.
    pub sdks: Vec<String>,
    /// The commits.
    pub commits: CommitRange,
    /// When the runs started.
    pub started: StartTimes,
    /// Rows of each configuration; none is what the question usually takes.
    pub limit: Option<u64>,
}

/// Bounds of the start of a run, seconds since 1970, both inclusive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StartTimes {
    /// The earliest.
    pub after: Option<u32>,
    /// The latest.
    pub before: Option<u32>,
}

impl RunFilter {
    /// The members that every run of the question has: those of which it names one value. What is said of some
    /// configurations alone holds for a run only where it is certain that it ran on one of them.
    pub fn certain(&self) -> Configuration {
        fn only<T: Clone>(asked: &[T]) -> Option<T> {
            if let [one] = asked { Some(one.clone()) } else { None }
        }
        let of = &self.configurations;
        let mut labels = Labels::default();
        for (key, value) in of.labels.iter().filter_map(|(key, values)| Some((key, only(values)?))) {
            // What cannot be a label is one of no run.
            let _ = labels.add(key, &value.into());
        }
        Configuration {
            platform: only(&of.platforms),
            version: only(&of.versions),
            is_simulator: only(&of.is_simulator),
            architecture: only(&of.architectures),
            version_name: only(&of.version_names),
            model: only(&of.models),
            style: only(&of.styles),
            flavor: only(&of.flavors),
            sdk: only(&self.sdks),
            labels,
        }
    }
}

impl Default for RunFilter {
    fn default() -> Self {
        Self {
            branch: None,
            configurations: ConfigurationFilter::default(),
            recent: true,
            sdks: Vec::new(),
            commits: CommitRange::default(),
            started: StartTimes::default(),
            limit: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_every_run_has_is_certain() {
        let texts = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        let labels = [("python", texts(&["3.12"])), ("job", texts(&["a", "b"])), ("No", texts(&["x"]))];
        let configurations = ConfigurationFilter {
            platforms: texts(&["Mac"]),
            styles: texts(&["Debug", "Release"]),
            is_simulator: vec![false],
            labels: labels.into_iter().map(|(key, values)| (key.to_owned(), values)).collect(),
            ..ConfigurationFilter::default()
        };
        let certain = RunFilter { configurations, sdks: texts(&["1A"]), ..RunFilter::default() }.certain();
        let json = serde_json::to_value(&certain).ok();
        let expected = serde_json::json!({ "platform": "Mac", "is_simulator": false, "sdk": "1A", "python": "3.12" });
        assert_eq!(json, Some(expected));
        assert_eq!(RunFilter::default().certain(), Configuration::default());
    }
}
