//! The embedded engine. One fits in a process, so that a file's tests share one or a file has one test.

use std::path::Path;

use embedded::{Engine, EngineOptions};
use schema::retention::Retention;
use schema::store::{self, StoreAddress};

/// Starts an engine on the folder `store` below `folder`.
pub async fn start(folder: &Path) -> Engine {
    Engine::start(EngineOptions::new(folder.join("store"))).await.unwrap()
}

/// Where an engine's database is found; the database need not exist.
pub fn address(engine: &Engine, database: &str) -> StoreAddress {
    StoreAddress {
        tls: None,
        url: engine.url().to_owned(),
        database: database.to_owned(),
        user: engine.user().to_owned(),
        password: engine.password().to_owned(),
        cluster: None,
    }
}

/// Makes a database with all tables, and returns a client of it.
pub async fn migrated(engine: &Engine, database: &str) -> clickhouse::Client {
    let address = address(engine, database);
    store::migrate(&address, &Retention::default()).await.unwrap();
    address.client()
}
