//! Which stored configurations a question is about.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use clickhouse::Client;
use moka::future::Cache;
use schema::configuration::{Configuration, parse_version};
use schema::store::rows::ConfigurationRow;

use crate::error::{ApiError, broken};
use crate::parameters::{Parameters, truth};
use crate::routes::Service;

/// Configurations whose last run started longer ago are left out unless asked for, seconds.
const RECENT_SECONDS: i64 = 14 * 86_400;

/// The matching configurations of a branch, by id.
pub(crate) type Matching = HashMap<u64, Configuration>;

/// A stored configuration, when it last ran, seconds, and the suites that it ever ran, sorted.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) id: u64,
    pub(crate) configuration: Configuration,
    pub(crate) suites: Vec<String>,
    last_start_time: u32,
}

/// The configurations of a branch (a few hundred at most), as they were at a watermark: almost every question needs them.
pub(crate) type Known = Cache<(String, u64), Arc<Vec<Stored>>>;

/// An empty cache of them.
pub(crate) fn known() -> Known {
    Cache::new(64)
}

/// The matching configurations of a branch.
pub(crate) async fn matching(service: &Service, parameters: &Parameters, branch: &str) -> Result<Matching, ApiError> {
    let stored = stored(service, branch).await?;
    let oldest = if parameters.flag("recent", true) { now() - RECENT_SECONDS } else { 0 };
    let mut found = Matching::new();
    for one in stored.iter() {
        if i64::from(one.last_start_time) >= oldest && matches(&one.configuration, parameters)? {
            found.insert(one.id, one.configuration.clone());
        }
    }
    Ok(found)
}

/// All configurations of a branch.
pub(crate) async fn stored(service: &Service, branch: &str) -> Result<Arc<Vec<Stored>>, ApiError> {
    let key = (branch.to_owned(), service.watermark.latest());
    let stored = service.configurations.try_get_with(key, load(&service.client, branch)).await;
    stored.map_err(ApiError::Shared)
}

/// Branches beside the default one on which something ran, sorted.
pub(crate) async fn branches(client: &Client, limit: u64) -> Result<Vec<String>, ApiError> {
    let sql = "SELECT DISTINCT branch FROM configurations WHERE branch != 'default' ORDER BY branch LIMIT ?";
    Ok(client.query(sql).bind(limit).fetch_all().await?)
}

async fn load(client: &Client, branch: &str) -> Result<Arc<Vec<Stored>>, ApiError> {
    let rows: Vec<ConfigurationRow> =
        client.query("SELECT ?fields FROM configurations WHERE branch = ?").bind(branch).fetch_all().await?;
    let sql = "SELECT config_id, suite FROM suites WHERE branch = ? ORDER BY suite";
    let pairs: Vec<(u64, String)> = client.query(sql).bind(branch).fetch_all().await?;
    let mut suites: HashMap<u64, Vec<String>> = HashMap::new();
    for (id, suite) in pairs {
        suites.entry(id).or_default().push(suite);
    }
    let stored = rows.into_iter().map(|row| {
        let configuration = serde_json::from_str(&row.configuration).map_err(broken)?;
        let suites = suites.remove(&row.config_id).unwrap_or_default();
        Ok(Stored { id: row.config_id, configuration, suites, last_start_time: row.last_start_time })
    });
    Ok(Arc::new(stored.collect::<Result<_, ApiError>>()?))
}

/// Whether it has every asked member with one of the asked values.
fn matches(configuration: &Configuration, parameters: &Parameters) -> Result<bool, ApiError> {
    for text in parameters.all("version") {
        asked_version(text)?;
    }
    let version = configuration.version;
    let texts = [
        ("platform", &configuration.platform),
        ("version_name", &configuration.version_name),
        ("architecture", &configuration.architecture),
        ("model", &configuration.model),
        ("style", &configuration.style),
        ("flavor", &configuration.flavor),
    ];
    let one_of =
        |name: &str, is: &dyn Fn(&str) -> bool| parameters.first(name).is_none() || parameters.all(name).any(is);
    Ok(texts.iter().all(|(name, value)| one_of(name, &|asked| value.as_deref() == Some(asked)))
        && one_of("version", &|asked| version.is_some() && asked_version(asked).ok() == version)
        && one_of("is_simulator", &|asked| configuration.is_simulator == Some(truth(asked))))
}

/// A version as `a.b.c`, or as the number that the API's own answers show.
fn asked_version(text: &str) -> Result<i64, ApiError> {
    match text.parse::<i64>() {
        Ok(number) if number >= 1_000_000 => Ok(number),
        _ => parse_version(text).map_err(|error| ApiError::Bad(error.to_string())),
    }
}

/// Seconds since the Unix epoch.
pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::parameters::CONFIGURATION;

    proptest::proptest! {
        /// A stored configuration matches if it has every asked member with one of the asked values.
        #[test]
        fn matching_agrees_with_the_plain_rule(
            has in proptest::collection::btree_map("platform|model|style|flavor", "[ab]", 0..4),
            asked in proptest::collection::vec(("platform|model|style|flavor", "[ab]"), 0..6),
        ) {
            let configuration: Configuration = serde_json::from_value(serde_json::to_value(&has).unwrap()).unwrap();
            let query: String = asked.iter().map(|(name, value)| format!("{name}={value}&")).collect();
            let parameters = Parameters::read(Some(query.trim_end_matches('&')), &[&CONFIGURATION]).unwrap();
            let expected = asked
                .iter()
                .all(|(name, _)| asked.iter().any(|(other, value)| other == name && has.get(name) == Some(value)));
            proptest::prop_assert_eq!(matches(&configuration, &parameters).unwrap(), expected);
        }
    }

    fn asked(query: &str) -> bool {
        let configuration: Configuration = serde_json::from_str(
            r#"{"platform":"Mac","version":14002001,"is_simulator":false,"architecture":"arm64","style":"Release"}"#,
        )
        .unwrap();
        matches(&configuration, &Parameters::read(Some(query), &[&CONFIGURATION]).unwrap()).unwrap()
    }

    #[test]
    fn values_are_alternatives_and_members_add_up() {
        assert!(
            asked("") && asked("platform=iOS&platform=Mac") && asked("version=14.2.1") && asked("version=14002001")
        );
        assert!(asked("is_simulator=False&style=Release"));
        assert!(
            !asked("platform=mac")
                && !asked("platform=Mac&style=Debug")
                && !asked("flavor=wk2")
                && !asked("version=14.2")
        );
    }
}
