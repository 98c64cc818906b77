//! Which configurations a question is about.

use std::collections::BTreeMap;

use schema::configuration::{Configuration, ConfigurationError, parse_version};

/// Members that a configuration must have: of each list that is not empty, one of its values. SDKs are no part of this,
/// because they tell runs of one configuration apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigurationFilter {
    /// Operating systems.
    pub platforms: Vec<String>,
    /// Versions of the platform as `a·1000000 + b·1000 + c`.
    pub versions: Vec<i64>,
    /// Marketing names of versions.
    pub version_names: Vec<String>,
    /// Simulators, devices, or both.
    pub is_simulator: Vec<bool>,
    /// Instruction sets.
    pub architectures: Vec<String>,
    /// Hardware models.
    pub models: Vec<String>,
    /// Build styles.
    pub styles: Vec<String>,
    /// Build flavors.
    pub flavors: Vec<String>,
    /// Values of labels by key.
    pub labels: BTreeMap<String, Vec<String>>,
}

impl ConfigurationFilter {
    /// The configurations that have every member of one, whatever its SDK.
    pub fn of(configuration: &Configuration) -> Self {
        fn one<T: Clone>(has: &Option<T>) -> Vec<T> {
            has.iter().cloned().collect()
        }
        let label = |(key, value): (&str, &str)| (key.to_owned(), vec![value.to_owned()]);
        Self {
            platforms: one(&configuration.platform),
            versions: one(&configuration.version),
            version_names: one(&configuration.version_name),
            is_simulator: one(&configuration.is_simulator),
            architectures: one(&configuration.architecture),
            models: one(&configuration.model),
            styles: one(&configuration.style),
            flavors: one(&configuration.flavor),
            labels: configuration.labels.iter().map(label).collect(),
        }
    }

    /// Whether a configuration has every asked member with one of the asked values.
    pub fn matches(&self, configuration: &Configuration) -> bool {
        fn is_one_of<T: PartialEq>(asked: &[T], has: &Option<T>) -> bool {
            asked.is_empty() || has.as_ref().is_some_and(|has| asked.contains(has))
        }
        is_one_of(&self.platforms, &configuration.platform)
            && is_one_of(&self.versions, &configuration.version)
            && is_one_of(&self.version_names, &configuration.version_name)
            && is_one_of(&self.is_simulator, &configuration.is_simulator)
            && is_one_of(&self.architectures, &configuration.architecture)
            && is_one_of(&self.models, &configuration.model)
            && is_one_of(&self.styles, &configuration.style)
            && is_one_of(&self.flavors, &configuration.flavor)
            && self.labels.iter().all(|(key, asked)| {
                configuration.labels.get(key).is_some_and(|has| asked.iter().any(|value| value == has))
            })
    }
}

/// A version as `a.b.c`, or as the number that answers show.
///
/// # Errors
/// The text is neither.
pub fn parse_asked_version(text: &str) -> Result<i64, ConfigurationError> {
    match text.parse::<i64>() {
        Ok(number) if number >= 1_000_000 => Ok(number),
        _ => parse_version(text),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    proptest::proptest! {
        /// A stored configuration matches if it has every asked member with one of the asked values.
        #[test]
        fn matching_agrees_with_the_plain_rule(
            has in proptest::collection::btree_map("platform|model|style|flavor", "[ab]", 0..4),
            asked in proptest::collection::vec(("platform|model|style|flavor", "[ab]"), 0..6),
        ) {
            let configuration: Configuration = serde_json::from_value(serde_json::to_value(&has).unwrap()).unwrap();
            let mut filter = ConfigurationFilter::default();
            for (name, value) in &asked {
                let list = match name.as_str() {
                    "platform" => &mut filter.platforms,
                    "model" => &mut filter.models,
                    "style" => &mut filter.styles,
                    _ => &mut filter.flavors,
                };
                list.push(value.clone());
            }
            let expected = asked
                .iter()
                .all(|(name, _)| asked.iter().any(|(other, value)| other == name && has.get(name) == Some(value)));
            proptest::prop_assert_eq!(filter.matches(&configuration), expected);
        }
    }

    #[test]
    fn a_configuration_is_among_those_that_have_its_members() {
        let stored: Configuration =
            serde_json::from_str(r#"{"platform":"mac","style":"Debug","sdk":"20A1","python":"3.12"}"#).unwrap();
        let filter = ConfigurationFilter::of(&stored);
        let other = |style: &str| Configuration { style: Some(style.into()), sdk: None, ..stored.clone() };
        assert!(filter.matches(&stored) && filter.matches(&other("Debug")) && !filter.matches(&other("Release")));
        assert!(!filter.matches(&Configuration { labels: Default::default(), ..stored.clone() }));
    }

    fn matches(filter: ConfigurationFilter) -> bool {
        let stored =
            r#"{"platform":"Mac","version":14002001,"is_simulator":false,"architecture":"arm64","style":"Release"}"#;
        filter.matches(&serde_json::from_str(stored).unwrap())
    }

    #[test]
    fn values_are_alternatives() {
        assert!(matches(ConfigurationFilter::default()));
        assert!(matches(ConfigurationFilter { platforms: vec!["iOS".into(), "Mac".into()], ..Default::default() }));
        assert!(!matches(ConfigurationFilter { platforms: vec!["mac".into()], ..Default::default() }));
    }

    #[test]
    fn members_add_up() {
        let filter = |is_simulator| ConfigurationFilter {
            styles: vec!["Release".into()],
            is_simulator: vec![is_simulator],
            ..Default::default()
        };
        assert!(matches(filter(false)) && !matches(filter(true)));
        assert!(!matches(ConfigurationFilter { flavors: vec!["wk2".into()], ..Default::default() }));
    }

    #[test]
    fn labels_are_members_as_the_others_are() {
        let filter = |asked: &[(&str, &[&str])]| ConfigurationFilter {
            labels: asked
                .iter()
                .map(|(key, values)| ((*key).to_owned(), values.iter().map(|value| (*value).to_owned()).collect()))
                .collect(),
            ..Default::default()
        };
        let stored = serde_json::from_str(r#"{"platform":"linux","python":"3.12","job":"unit"}"#).unwrap();
        assert!(filter(&[("python", &["3.11", "3.12"]), ("job", &["unit"])]).matches(&stored));
        for other in [
            filter(&[("python", &["3.1"])]),
            filter(&[("rust", &["1"])]),
            filter(&[("job", &["unit"]), ("python", &["3"])]),
        ] {
            assert!(!other.matches(&stored), "{other:?}");
        }
    }

    #[test]
    fn versions_have_two_spellings() {
        for spelling in ["14.2.1", "14002001"] {
            assert_eq!(parse_asked_version(spelling).unwrap(), 14_002_001);
        }
        assert_ne!(parse_asked_version("14.2").unwrap(), 14_002_001);
        assert!(parse_asked_version("new").is_err());
    }
}
