//! The user of ClickHouse as which SQL of others is asked.

use std::io::Write;

use answers::guest::{Guest, GuestLimits, user};
use anyhow::{Context, ensure};
use schema::store::{Cluster, StoreAddress};
use sha2::{Digest, Sha256};

use crate::config::{Config, Sql};
use crate::servers::{password_of, store_address};

/// A shorter password could be guessed.
const SHORTEST_PASSWORD: usize = 16;

/// Refuses a user who would be somebody else, and limits that are none.
pub(crate) fn check(config: &Config) -> anyhow::Result<()> {
    let Some(Sql { user, password_file, limits }) = &config.sql else { return Ok(()) };
    ensure!(
        !user.is_empty() && *user != config.clickhouse.user && user != "default",
        "sql.user is '{user}'; name a user of its own, who is made anew and loses every right but to read views"
    );
    let GuestLimits { seconds, rows, mebibytes, statements } = *limits;
    ensure!(
        [seconds, rows, mebibytes, statements].iter().all(|limit| *limit > 0),
        "a limit in [sql.limits] is 0, which is no limit at all; give 1 or more"
    );
    let password = password_of(password_file).context("in [sql] of the configuration")?;
    ensure!(
        password.len() >= SHORTEST_PASSWORD,
        "the password in {} is shorter than {SHORTEST_PASSWORD} characters; write a long random one there",
        password_file.display()
    );
    Ok(())
}

/// Prints the statements that make the user, each with its semicolon.
pub(crate) fn print(config: &Config) -> anyhow::Result<()> {
    let sql =
        config.sql.as_ref().context("the configuration has no [sql]: name a user and a file with a password there")?;
    check(config)?;
    let address = store_address(config)?;
    let password = password_of(&sql.password_file)?;
    let digest: String = Sha256::digest(password).iter().map(|byte| format!("{byte:02x}")).collect();
    let tables = address.tables_database();
    let mut databases = vec![address.database.as_str()];
    if address.cluster.as_ref().is_some_and(Cluster::is_sharded) {
        databases.push(&tables);
    }
    let statements = user::statements(&sql.user, &digest, &databases, sql.limits, address.cluster.as_ref());
    let text: String = statements.iter().map(|statement| format!("{statement};\n")).collect();
    std::io::stdout().lock().write_all(text.as_bytes()).context("writing the statements")
}

/// The user, if the configuration names one. Its client has no settings, because the user may not change any.
pub(crate) fn guest(config: &Config) -> anyhow::Result<Option<Guest>> {
    check(config)?;
    let Some(sql) = &config.sql else { return Ok(None) };
    let StoreAddress { url, tls, database, .. } = store_address(config)?;
    let password = password_of(&sql.password_file).context("in [sql] of the configuration")?;
    let address = StoreAddress { url, tls, database, user: sql.user.clone(), password, cluster: None };
    let client = address.server_client().with_database(&address.database);
    Ok(Some(Guest::new(client, &address.database, sql.limits)))
}
