//! What all requests share.

use std::sync::Arc;

use answers::Store;
use schema::blobs::Blobs;
use tokio::sync::watch;

use crate::QueryOptions;
use crate::kept_answers::Answers;
use crate::live_stream::Live;
use crate::pages::Pages;

/// The state of the service.
pub(crate) struct Service {
    pub(crate) store: Store,
    pub(crate) blobs: Blobs,
    pub(crate) options: QueryOptions,
    pub(crate) pages: Pages,
    pub(crate) live: Live,
    pub(crate) answers: Answers,
}

/// The service as handlers get it.
pub(crate) type Shared = axum::extract::State<Arc<Service>>;

impl Service {
    /// A service over a store; `stop` turns true when open streams shall end.
    pub(crate) fn new(store: Store, blobs: Blobs, options: QueryOptions, stop: watch::Receiver<bool>) -> Self {
        let pages = Pages::new(&options);
        let live = Live::new(store.watermark.clone(), stop);
        Self { store, blobs, options, pages, live, answers: Answers::new() }
    }
}
