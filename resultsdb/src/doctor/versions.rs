//! Versions: of the store, and of its tables against this binary.

use anyhow::Context;
use clickhouse::Client;
use schema::store::{self, MigrationState, StoreAddress};

use super::finding::Finding;
use super::units::numbers;

/// The oldest version of ClickHouse that is supported: the one that the tests and `docker-compose.yml` run.
const OLDEST_CLICKHOUSE: (u32, u32) = (26, 7);

/// The version of this binary.
pub(super) const OWN: &str = env!("CARGO_PKG_VERSION");

/// Asks the store for its version.
pub(super) async fn clickhouse(client: &Client) -> anyhow::Result<Finding> {
    let version: String = client.query("SELECT version()").fetch_one().await.context("asking ClickHouse")?;
    Ok(judge_clickhouse(&version))
}

fn judge_clickhouse(version: &str) -> Finding {
    let mut numbers = version.split('.').map_while(|number| number.parse::<u32>().ok());
    let (oldest, newer) = OLDEST_CLICKHOUSE;
    match numbers.next().zip(numbers.next()) {
        None => Finding::look(
            format!("version '{version}', which cannot be compared"),
            format!("Make sure that it is at least {oldest}.{newer}"),
        ),
        Some(found) if found < OLDEST_CLICKHOUSE => Finding::wrong(
            format!("version {version}, and the oldest that is supported is {oldest}.{newer}"),
            format!("Upgrade ClickHouse to {oldest}.{newer} or later"),
        ),
        Some(_) => Finding::ok(format!("version {version}")),
    }
}

/// Compares the migrations of the store with those of this binary.
pub(super) async fn migrations(address: &StoreAddress) -> anyhow::Result<Finding> {
    Ok(judge_migrations(&store::migration_state(address).await?))
}

fn judge_migrations(state: &MigrationState) -> Finding {
    let MigrationState { known, newest, missing, changed } = state;
    if newest > known {
        return Finding::wrong(
            format!("the store is at migration {newest}, and resultsdb {OWN} knows up to {known}"),
            "Use the newer resultsdb that migrated it",
        );
    }
    if !changed.is_empty() {
        return Finding::wrong(
            format!("migrations {} were applied with other contents", numbers(changed)),
            "Use the resultsdb that applied them, or make the tables anew in another database and `resultsdb rebuild` them",
        );
    }
    if !missing.is_empty() {
        return Finding::wrong(
            format!("{} of {known} migrations are missing ({})", missing.len(), numbers(missing)),
            "Run `resultsdb migrate` (`serve` does it when it starts)",
        );
    }
    Finding::ok(format!("all {known} that resultsdb {OWN} knows are applied"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    #[test]
    fn the_oldest_version_is_the_one_of_the_deployment_that_is_given() {
        let compose = concat!(env!("CARGO_MANIFEST_DIR"), "/../docker-compose.yml");
        let compose = std::fs::read_to_string(compose).unwrap();
        let (oldest, newer) = OLDEST_CLICKHOUSE;
        assert!(compose.contains(&format!("clickhouse-server:{oldest}.{newer}\n")));
    }

    #[test]
    fn older_versions_are_wrong() {
        let verdict = |version: &str| judge_clickhouse(version).verdict;
        assert_eq!(["26.7.3.1", "26.10.2", "27.1.1.1"].map(verdict), [Verdict::Ok; 3]);
        assert_eq!(["26.6.9.1", "25.12.1"].map(verdict), [Verdict::Wrong; 2]);
        assert_eq!(["", "26"].map(verdict), [Verdict::Look; 2]);
    }

    #[test]
    fn migrations_are_complete_and_known() {
        let whole = MigrationState { known: 9, newest: 9, ..MigrationState::default() };
        assert_eq!(judge_migrations(&whole).verdict, Verdict::Ok);
        let missing = judge_migrations(&MigrationState { newest: 8, missing: vec![9], ..whole.clone() });
        assert_eq!((missing.verdict, missing.found.as_str()), (Verdict::Wrong, "1 of 9 migrations are missing (9)"));
        assert_eq!(judge_migrations(&MigrationState { newest: 10, ..whole.clone() }).verdict, Verdict::Wrong);
        assert_eq!(judge_migrations(&MigrationState { changed: vec![3], ..whole }).verdict, Verdict::Wrong);
    }
}
