//! Makes views again from the first event on, beside the live ones, and puts them in their place.
//!
//! A rebuild reads the archive and then the log ([`EventSource`]) up to what the live views show, and writes rows by the same
//! mapping as ever into tables `…__next` of the next [`generation`] ([`catch_up`]). Then ([`swap`]) it holds the live
//! watermarks by a constraint on their table that nothing meets: rows still go in, but no processor can move its watermark,
//! and each tries its batch again as a whole. Behind that line the rebuild applies the rest, counts rows on both sides ([`compare`]),
//! exchanges the tables, and lets the watermarks go on: the held batches are written again, now into the new tables.
//! Uploads are acknowledged all the while.
//!
//! The live tables may hold one batch of each processor more than the watermarks say; the comparison allows for just that.
//!
//! After every batch the table `rebuild_progress` says how far the rebuild is ([`checkpoint`]), and the tables' comments
//! name the generation, so that a rebuild that was broken off continues, in the middle of a swap as well. A rebuild that
//! dies while it holds the watermarks leaves them held: new uploads are shown again once the rebuild is started again, or
//! given up with `--start-over`.
//!
//! The table `alerts`, which says what a hook was told, is left alone, because the query service writes it and no event
//! makes its rows.

mod catch_up;
mod checkpoint;
mod compare;
mod damage;
mod database;
mod error;
mod generation;
mod leftovers;
mod lifetime;
mod plan;
mod swap;
mod views;

use std::sync::Arc;

use catch_up::Rebuild;
use checkpoint::StartingPoint;
use database::{Database, exists, previous};
use eventlog::EventLog;
use schema::blobs::Blobs;
use schema::retention::Retention;
use schema::store::{StoreAddress, distributed, next_generation};
use schema::{EVENTS_TOPIC, PROCESSOR_GROUP};

use crate::archive::Archive;
use crate::events::{self, EventSource};

pub use error::RebuildError;
pub use leftovers::{Leftovers, leftovers};
pub use plan::{Plan, Report, RowCount, SwapOptions};
pub use views::VIEWS;

/// Rebuilds the views of the plan, without runs that were over by the `retention` when they were received; `progress` gets
/// the number of events that are applied and of all events.
pub async fn run(
    log: Arc<dyn EventLog>,
    store: &StoreAddress,
    blobs: Blobs,
    retention: Retention,
    plan: Plan,
    options: SwapOptions,
    progress: impl Fn(u64, u64),
) -> Result<Report, RebuildError> {
    let database = Database::at(store);
    let mut views = Vec::new();
    for name in &plan.views {
        let view = VIEWS.iter().find(|view| *view == name);
        views.push(*view.ok_or_else(|| RebuildError::UnknownView(name.clone()))?);
    }
    refuse_parts_of_a_move(store, &views).await?;
    if options.start_over {
        give_up(&database).await?;
    }
    let partitions = events::ends(log.as_ref(), &database.rows).await?.len();
    let StartingPoint { next_offsets, generation, checkpoint } =
        checkpoint::resume_or_begin(&database, &plan, &views, partitions).await?;
    let mut rebuild = Rebuild {
        source: EventSource::open(Arc::clone(&log), Archive::new(&blobs), &next_offsets).await?,
        generation: generation.unfinished(&database).await?,
        checkpoint,
        log,
        database,
        blobs,
        retention: Arc::new(retention),
        written: Arc::default(),
        is_whole: plan.since.is_none() && VIEWS.iter().all(|view| views.contains(view)),
        events: 0,
        unreadable: 0,
    };
    let shown = rebuild.log.committed_offsets(EVENTS_TOPIC, PROCESSOR_GROUP).await?;
    rebuild.catch_up(&shown, &progress).await?;
    rebuild.swap(options, &progress).await
}

/// Where the number of shards changed, all rows have to be placed anew together: until then none may be written.
async fn refuse_parts_of_a_move(store: &StoreAddress, views: &[&'static str]) -> Result<(), RebuildError> {
    let Some(placement) = distributed::placement(store).await? else { return Ok(()) };
    let mut left_out = placement.misplaced;
    left_out.retain(|(view, _)| !views.contains(&view.as_str()));
    if left_out.is_empty() {
        return Ok(());
    }
    let views = left_out.into_iter().map(|(view, _)| view).collect::<Vec<_>>().join(",");
    Err(RebuildError::Misplaced { shards: placement.shards, views })
}

/// Forgets a rebuild that was broken off, and removes its tables.
async fn give_up(database: &Database) -> Result<(), RebuildError> {
    generation::release(database).await?;
    for view in VIEWS {
        let next = next_generation(view);
        distributed::hide(&database.address, &next).await?;
        database.tables.query(&format!("DROP TABLE IF EXISTS {next} SYNC")).execute().await?;
    }
    Ok(checkpoint::clear(database).await?)
}

/// Removes the tables that rebuilds replaced, and returns the names of their views.
pub async fn drop_old(store: &StoreAddress) -> Result<Vec<&'static str>, RebuildError> {
    let tables = store.tables();
    let mut dropped = Vec::new();
    for view in VIEWS {
        let table = previous(view);
        if exists(&tables, &table).await? {
            tables.query(&format!("DROP TABLE {table} SYNC")).execute().await?;
            dropped.push(view);
        }
    }
    Ok(dropped)
}
