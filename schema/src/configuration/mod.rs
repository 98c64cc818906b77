//! Configurations: what a run ran on, and how they are named, ordered and identified.

pub mod labels;
mod parts;

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use labels::Labels;

/// The named members, as documents and parameters call them; every other member is a label.
pub const MEMBERS: [&str; 9] =
    ["platform", "version", "version_name", "is_simulator", "architecture", "model", "style", "flavor", "sdk"];

/// The name of a configuration of which nothing is known.
const UNNAMED: &str = "any configuration";

/// What a run ran on. Members the uploader does not know are `None` and left out of JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Configuration {
    /// Operating system, e.g. `Mac`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub platform: Option<String>,
    /// `a·1000000 + b·1000 + c` of version `a.b.c`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<i64>,
    /// Whether it ran in a simulator.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub is_simulator: Option<bool>,
    /// Instruction set, e.g. `arm64`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub architecture: Option<String>,
    /// Marketing name of the version, e.g. `Sonoma`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version_name: Option<String>,
    /// Hardware model.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model: Option<String>,
    /// Build style, e.g. `Release`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub style: Option<String>,
    /// Build flavor, e.g. `wk2`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub flavor: Option<String>,
    /// Build number of the SDK; filters rows, but is no part of a configuration's identity.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sdk: Option<String>,
    /// Whatever else its project tells runs apart by.
    #[serde(flatten)]
    pub labels: Labels,
}

/// Why something is not a configuration.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigurationError {
    /// Not an object, or a member of the wrong type.
    #[error("{0}")]
    Malformed(String),
    /// A version that is not `a[.b[.c]]`.
    #[error("'{0}' is not a version; write a, a.b or a.b.c with numbers")]
    BadVersion(String),
    /// A name that no member can have.
    #[error(
        "'{0}' cannot be a member of a configuration: write a lower-case letter, then up to 39 lower-case letters, \
         digits, - or _, and not 'suite'"
    )]
    BadKey(String),
    /// A label that is no text, or too long.
    #[error("'{0}' of a configuration is a text of at most 200 bytes without control characters")]
    BadValue(String),
    /// More than [`labels::MAX_LABELS`].
    #[error("a configuration has at most 20 members beside {}", MEMBERS.join(", "))]
    TooManyLabels,
}

impl ConfigurationError {
    /// Whether it is about a member that is none of the reference's.
    pub fn is_about_a_label(&self) -> bool {
        matches!(self, Self::BadKey(_) | Self::BadValue(_) | Self::TooManyLabels)
    }
}

/// Reads `a[.b[.c]]` as `a·1000000 + b·1000 + c`.
pub fn parse_version(text: &str) -> Result<i64, ConfigurationError> {
    let bad = || ConfigurationError::BadVersion(text.to_owned());
    let parts: Vec<&str> = text.split('.').collect();
    if parts.len() > 3 || parts.iter().any(|part| part.is_empty() || part.len() > 6) {
        return Err(bad());
    }
    let mut version = 0;
    for index in 0..3 {
        let digits = parts.get(index).copied().unwrap_or("0");
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad());
        }
        version = version * 1000 + digits.parse::<i64>().map_err(|_| bad())?;
    }
    Ok(version)
}

/// Writes a version number as `a.b.c`.
pub fn version_text(version: i64) -> String {
    format!("{}.{}.{}", version / 1_000_000, version / 1000 % 1000, version % 1000)
}

impl Configuration {
    /// Reads the configuration of an upload: an object, or a text that holds one.
    pub fn from_json(value: &Value) -> Result<Self, ConfigurationError> {
        let malformed = |text: String| ConfigurationError::Malformed(text);
        let parsed;
        let members = match value {
            Value::Object(members) => members,
            Value::String(text) => {
                parsed = serde_json::from_str::<Value>(text).map_err(|error| malformed(error.to_string()))?;
                parsed.as_object().ok_or_else(|| malformed("a configuration is a JSON object".into()))?
            }
            _ => return Err(malformed("a configuration is a JSON object".into())),
        };
        let text = |name: &str| match members.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(malformed(format!("'{name}' of a configuration is a text"))),
        };
        let mut labels = Labels::default();
        for (name, value) in members.iter().filter(|(name, _)| !MEMBERS.contains(&name.as_str())) {
            labels.add(name, value)?;
        }
        Ok(Self {
            platform: text("platform")?,
            version: match members.get("version") {
                None | Some(Value::Null) => None,
                Some(Value::String(text)) => Some(parse_version(text)?),
                Some(Value::Number(number)) => {
                    Some(number.as_i64().ok_or_else(|| ConfigurationError::BadVersion(number.to_string()))?)
                }
                Some(Value::Array(parts)) => {
                    let parts: Vec<String> = parts.iter().map(Value::to_string).collect();
                    Some(parse_version(&parts.join("."))?)
                }
                Some(other) => return Err(ConfigurationError::BadVersion(other.to_string())),
            },
            is_simulator: match members.get("is_simulator") {
                None | Some(Value::Null) => None,
                Some(Value::Bool(flag)) => Some(*flag),
                Some(Value::Number(number)) => Some(number.as_f64() != Some(0.0)),
                Some(_) => {
                    return Err(malformed("'is_simulator' of a configuration is true or false".into()));
                }
            },
            architecture: text("architecture")?,
            version_name: text("version_name")?,
            model: text("model")?,
            style: text("style")?,
            flavor: text("flavor")?,
            sdk: text("sdk")?.filter(|sdk| !sdk.is_empty() && sdk != "?"),
            labels,
        })
    }

    /// Whether it has the four members that every stored configuration needs.
    pub fn is_complete(&self) -> bool {
        self.missing().is_empty()
    }

    /// Those of these four members that it has not.
    pub fn missing(&self) -> Vec<&'static str> {
        let required = [
            ("platform", self.platform.is_some()),
            ("version", self.version.is_some()),
            ("is_simulator", self.is_simulator.is_some()),
            ("architecture", self.architecture.is_some()),
        ];
        required.into_iter().filter(|(_, is_known)| !is_known).map(|(name, _)| name).collect()
    }

    /// The same without its SDK: what partitions and identities are made of.
    pub fn without_sdk(&self) -> Self {
        Self { sdk: None, ..self.clone() }
    }

    /// Identity of the configuration without its SDK: the first 8 bytes of BLAKE3 over its JSON.
    pub fn id(&self) -> u64 {
        let json = serde_json::to_vec(&self.without_sdk()).unwrap_or_default();
        stable_hash(&[&json])
    }

    /// `PLATFORM A.B.C (SDK) Simulator STYLE FLAVOR running on MODEL using ARCH KEY=VALUE`, known parts only; MODEL or ARCH alone, too.
    pub fn name(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        parts.extend(self.platform.clone());
        parts.extend(self.version.map(version_text).or_else(|| self.version_name.clone()));
        parts.extend(self.sdk.as_ref().map(|sdk| format!("({sdk})")));
        parts.extend(self.is_simulator.filter(|flag| *flag).map(|_| "Simulator".to_owned()));
        parts.extend(self.style.clone());
        parts.extend(self.flavor.clone());
        // What stands alone needs no word that joins it.
        for (joining, part) in [("running on", &self.model), ("using", &self.architecture)] {
            parts.extend(part.as_ref().map(|part| match parts.is_empty() {
                true => part.clone(),
                false => format!("{joining} {part}"),
            }));
        }
        parts.extend(self.labels.iter().map(|(key, value)| format!("{key}={value}")));
        if parts.is_empty() { UNNAMED.to_owned() } else { parts.join(" ") }
    }

    /// Names that tell these configurations apart: without what is the same in all of them. Platform and version stay.
    pub fn short_names<'a>(all: impl Iterator<Item = &'a Self> + Clone) -> Vec<String> {
        let Some(first) = all.clone().next() else { return Vec::new() };
        let mut common = first.clone();
        for other in all.clone() {
            let texts = [
                (&mut common.style, &other.style),
                (&mut common.flavor, &other.flavor),
                (&mut common.model, &other.model),
                (&mut common.architecture, &other.architecture),
                (&mut common.sdk, &other.sdk),
            ];
            for (kept, found) in texts {
                if kept.as_ref() != found.as_ref() {
                    *kept = None;
                }
            }
            common.labels = common.labels.common(&other.labels);
        }
        let short = |one: &Self| {
            let unless = |same: &Option<String>, own: &Option<String>| own.clone().filter(|_| same.is_none());
            let mut short = one.clone();
            short.style = unless(&common.style, &one.style);
            short.flavor = unless(&common.flavor, &one.flavor);
            short.model = unless(&common.model, &one.model);
            short.architecture = unless(&common.architecture, &one.architecture);
            short.sdk = unless(&common.sdk, &one.sdk);
            short.labels = one.labels.without(&common.labels);
            short.name()
        };
        all.map(short).collect()
    }

    /// The query text that selects exactly this configuration.
    pub fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let texts = [
            ("platform", &self.platform),
            ("version_name", &self.version_name),
            ("architecture", &self.architecture),
            ("model", &self.model),
            ("style", &self.style),
            ("flavor", &self.flavor),
            ("sdk", &self.sdk),
        ];
        for (name, value) in texts {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        if let Some(version) = self.version {
            query.append_pair("version", &version.to_string());
        }
        if let Some(simulator) = self.is_simulator {
            query.append_pair("is_simulator", if simulator { "true" } else { "false" });
        }
        for (key, value) in self.labels.iter() {
            query.append_pair(&format!("label.{key}"), value);
        }
        query.finish()
    }
}

impl Ord for Configuration {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |of: &Self| {
            let Self { platform, version, is_simulator, architecture, version_name, model, style, flavor, sdk, labels } =
                of.clone();
            (version, platform, version_name, is_simulator, model, architecture, style, flavor, labels, sdk)
        };
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Configuration {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The first 8 bytes of BLAKE3 over the parts, each preceded by its length so that none runs into the next.
pub fn stable_hash(parts: &[&[u8]]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(first)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn reads_versions_in_every_spelling() {
        for version in [json!("14.2.1"), json!([14, 2, 1]), json!(14_002_001)] {
            let configuration = Configuration::from_json(&json!({ "version": version })).unwrap();
            assert_eq!(configuration.version, Some(14_002_001));
        }
        for bad in ["", "1.2.3.4", "1.x", "-1", "1..2"] {
            assert!(parse_version(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn unknown_sdk_is_none() {
        for sdk in ["", "?"] {
            assert_eq!(Configuration::from_json(&json!({ "sdk": sdk })).unwrap().sdk, None);
        }
    }

    #[test]
    fn names_known_parts_only() {
        let configuration = Configuration::from_json(&json!({
            "platform": "iOS", "version": "17", "is_simulator": true, "architecture": "arm64", "sdk": "21A1", "style": "Release"
        }))
        .unwrap();
        assert_eq!(configuration.name(), "iOS 17.0.0 (21A1) Simulator Release using arm64");
        let machines = Configuration { architecture: configuration.architecture, ..Configuration::default() };
        assert_eq!(machines.name(), "arm64");
    }

    #[test]
    fn short_names_leave_out_what_is_the_same() {
        let of = |style: &str| Configuration {
            platform: Some("mac".into()),
            style: Some(style.into()),
            architecture: Some("arm64".into()),
            ..Configuration::default()
        };
        assert_eq!(Configuration::short_names([of("Debug"), of("Release")].iter()), ["mac Debug", "mac Release"]);
        assert_eq!(Configuration::short_names([of("Debug")].iter()), ["mac"]);
    }

    fn any_configuration() -> impl Strategy<Value = Configuration> {
        let text = || prop::option::of(prop::sample::select(vec!["a".to_owned(), "B".into(), "c".into()]));
        let version = prop::option::of(prop::sample::select(vec![9_000_000, 14_000_000, 14_002_000]));
        let members =
            (text(), version, prop::option::of(any::<bool>()), text(), text(), text(), text(), text(), text());
        members.prop_map(|(platform, version, is_simulator, architecture, version_name, model, style, flavor, sdk)| {
            let labels = Labels::default();
            Configuration {
                platform,
                version,
                is_simulator,
                architecture,
                version_name,
                model,
                style,
                flavor,
                sdk,
                labels,
            }
        })
    }

    proptest! {
        #[test]
        fn the_order_is_total_and_follows_the_contract_s_members(
            mut some in proptest::collection::vec(any_configuration(), 3)
        ) {
            some.sort();
            let [one, other, third] = [&some[0], &some[1], &some[2]];
            prop_assert!(one <= other && other <= third && one <= third);
            prop_assert_eq!(one.cmp(other), other.cmp(one).reverse());
            prop_assert_eq!(one.cmp(other) == Ordering::Equal, one == other);
            // By version first, missing before present.
            prop_assert!(one.version <= other.version);
            prop_assert!(one.version < other.version || one.platform <= other.platform);
        }

        #[test]
        fn the_id_leaves_the_sdk_out_and_nothing_else(one in any_configuration(), other in any_configuration()) {
            prop_assert_eq!(one.id() == other.id(), one.without_sdk() == other.without_sdk());
            let text = serde_json::to_value(&one).unwrap();
            prop_assert_eq!(Configuration::from_json(&text).unwrap(), one);
        }

        #[test]
        fn version_text_reads_back(a in 0i64..1000, b in 0i64..1000, c in 0i64..1000) {
            let version = a * 1_000_000 + b * 1000 + c;
            prop_assert_eq!(parse_version(&version_text(version)).unwrap(), version);
        }
    }
}
