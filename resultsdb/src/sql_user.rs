//! The user of ClickHouse as which SQL of others is asked.

use answers::guest::{Guest, user};
use anyhow::Context;
use schema::store::{Cluster, StoreAddress};
use sha2::{Digest, Sha256};

use crate::config::Config;
use crate::servers::{password_of, store_address};

/// Prints the statements that make the user, each with its semicolon.
pub(crate) fn print(config: &Config) -> anyhow::Result<()> {
    let sql =
        config.sql.as_ref().context("the configuration has no [sql]: name a user and a file with a password there")?;
    let address = store_address(config)?;
    let password = password_of(&sql.password_file)?;
    let digest: String = Sha256::digest(password).iter().map(|byte| format!("{byte:02x}")).collect();
    let tables = address.tables_database();
    let mut databases = vec![address.database.as_str()];
    if address.cluster.as_ref().is_some_and(Cluster::is_sharded) {
        databases.push(&tables);
    }
    for statement in user::statements(&sql.user, &digest, &databases, sql.limits, address.cluster.as_ref()) {
        println!("{statement};");
    }
    Ok(())
}

/// The user, if the configuration names one. Its client has no settings, because the user may not change any.
pub(crate) fn guest(config: &Config) -> anyhow::Result<Option<Guest>> {
    let Some(sql) = &config.sql else { return Ok(None) };
    let StoreAddress { url, tls, database, .. } = store_address(config)?;
    let password = password_of(&sql.password_file).context("in [sql] of the configuration")?;
    let address = StoreAddress { url, tls, database, user: sql.user.clone(), password, cluster: None };
    let client = address.server_client().with_database(&address.database);
    Ok(Some(Guest::new(client, &address.database, sql.limits)))
}
