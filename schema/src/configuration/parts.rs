//! Configurations of which some members are given: what such a one describes, and what two have in common.

use super::Configuration;

impl Configuration {
    /// Whether another has every member that this one has, with the same value.
    pub fn describes(&self, other: &Self) -> bool {
        fn agrees<T: PartialEq>(asked: &Option<T>, found: &Option<T>) -> bool {
            asked.is_none() || asked == found
        }
        agrees(&self.platform, &other.platform)
            && agrees(&self.version, &other.version)
            && agrees(&self.is_simulator, &other.is_simulator)
            && agrees(&self.architecture, &other.architecture)
            && agrees(&self.version_name, &other.version_name)
            && agrees(&self.model, &other.model)
            && agrees(&self.style, &other.style)
            && agrees(&self.flavor, &other.flavor)
            && agrees(&self.sdk, &other.sdk)
            && self.labels.are_among(&other.labels)
    }

    /// Whether the two differ in a member that both have.
    pub fn contradicts(&self, other: &Self) -> bool {
        fn differs<T: PartialEq>(one: &Option<T>, other: &Option<T>) -> bool {
            one.is_some() && other.is_some() && one != other
        }
        differs(&self.platform, &other.platform)
            || differs(&self.version, &other.version)
            || differs(&self.is_simulator, &other.is_simulator)
            || differs(&self.architecture, &other.architecture)
            || differs(&self.version_name, &other.version_name)
            || differs(&self.model, &other.model)
            || differs(&self.style, &other.style)
            || differs(&self.flavor, &other.flavor)
            || differs(&self.sdk, &other.sdk)
            || self.labels.iter().any(|(key, value)| other.labels.get(key).is_some_and(|found| found != value))
    }

    /// The members that both have with the same value.
    pub fn common(&self, other: &Self) -> Self {
        fn same<T: Clone + PartialEq>(one: &Option<T>, other: &Option<T>) -> Option<T> {
            one.clone().filter(|value| other.as_ref() == Some(value))
        }
        Self {
            platform: same(&self.platform, &other.platform),
            version: same(&self.version, &other.version),
            is_simulator: same(&self.is_simulator, &other.is_simulator),
            architecture: same(&self.architecture, &other.architecture),
            version_name: same(&self.version_name, &other.version_name),
            model: same(&self.model, &other.model),
            style: same(&self.style, &other.style),
            flavor: same(&self.flavor, &other.flavor),
            sdk: same(&self.sdk, &other.sdk),
            labels: self.labels.common(&other.labels),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn members_that_are_not_given_are_free() {
        let of = |members: Value| Configuration::from_json(&members).unwrap();
        let mac = of(json!({ "platform": "Mac", "version": "14.2", "style": "Debug", "python": "3.12" }));
        let part = of(json!({ "platform": "Mac", "python": "3.12" }));
        let other = of(json!({ "platform": "Mac", "style": "Release", "python": "3.13", "rust": "1" }));
        assert!(Configuration::default().describes(&mac) && part.describes(&mac) && !mac.describes(&part));
        assert!(!other.describes(&mac));
        assert_eq!(mac.common(&other), of(json!({ "platform": "Mac" })));
        assert!(mac.contradicts(&other) && part.contradicts(&other) && !part.contradicts(&mac));
        assert!(!Configuration::default().contradicts(&mac) && !mac.contradicts(&of(json!({ "rust": "1" }))));
    }
}
