//! The embedded engine. One fits in a process, so that a file's tests share one or a file has one test.

use std::path::Path;
use std::sync::Mutex;

pub use embedded::Engine;
use embedded::EngineOptions;
use schema::retention::Retention;
use schema::store::{self, Cluster, StoreAddress};

use crate::Task;
use crate::shards::{self, StandIn};

/// Starts an engine on the folder `store` below `folder`.
pub fn start(folder: &Path) -> Task<'_, Engine> {
    Box::pin(async {
        if let Some(number) = shards::wanted() {
            shards::configure(&folder.join("store"), number);
        }
        Engine::start(EngineOptions::new(folder.join("store"))).await.unwrap()
    })
}

/// Where an engine's database is found; the database need not exist. It has shards where [`shards::wanted`] says so.
pub fn address(engine: &Engine, database: &str) -> StoreAddress {
    if let Some(number) = shards::wanted() {
        return sharded(engine, database, number);
    }
    whole(engine, database)
}

/// The same by way of a stand-in, as a member of a cluster of that many shards has it. All stores of an engine have one
/// stand-in.
pub fn sharded(engine: &Engine, database: &str, number: u32) -> StoreAddress {
    static STAND_INS: Mutex<Vec<(String, StandIn)>> = Mutex::new(Vec::new());
    let mut known = STAND_INS.lock().unwrap();
    if !known.iter().any(|(url, _)| url == engine.url()) {
        known.push((engine.url().to_owned(), StandIn::before(engine.url(), Some(number))));
    }
    let (_, stand_in) = known.iter().find(|(url, _)| url == engine.url()).unwrap();
    let cluster = Some(Cluster::new(shards::NAME, 1).unwrap().sharded());
    StoreAddress { url: stand_in.url.clone(), cluster, ..whole(engine, database) }
}

fn whole(engine: &Engine, database: &str) -> StoreAddress {
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
pub fn migrated<'a>(engine: &'a Engine, database: &'a str) -> Task<'a, clickhouse::Client> {
    Box::pin(async {
        let address = address(engine, database);
        store::migrate(&address, &Retention::default()).await.unwrap();
        address.client()
    })
}
