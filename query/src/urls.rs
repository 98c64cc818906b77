//! Links to the CI: `/api/urls`, `/api/urls/queue`, and the pages that redirect to them.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use clickhouse::Row;
use schema::configuration::Configuration;
use serde::{Deserialize, Serialize};
use serde_json::json;
use web::openapi::{Operation, list_of, object, shared, text, whole};

use crate::configurations;
use crate::error::{ApiError, not_found};
use crate::parameters::{CONFIGURATION, POINT, Parameters, RANGE, TIMES};
use crate::routes::{Service, redirect};
use crate::selection::{OfRun, Place, Selection, branch_key};

const LIMIT: u64 = 100;

#[derive(Row, Deserialize)]
struct LinkFound {
    config_id: u64,
    suite: String,
    uuid: u64,
    sdk: String,
    start_time: u32,
    queue: String,
    build: String,
    worker: String,
}

/// A configuration that names its suite too.
#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct InSuite {
    #[serde(flatten)]
    configuration: Configuration,
    suite: String,
}

#[derive(Serialize)]
struct Linked {
    configuration: InSuite,
    urls: Vec<Urls>,
}

#[derive(Serialize)]
struct Urls {
    uuid: u64,
    start_time: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    queue: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    build: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    worker: String,
}

#[derive(Serialize)]
struct Queue {
    configuration: InSuite,
    url: String,
}

/// `GET /api/urls`.
pub(crate) async fn list(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    Ok(Json(links(service, query).await?).into_response())
}

/// `GET /api/urls/queue`.
pub(crate) async fn list_queues(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    Ok(Json(queues(service, query).await?).into_response())
}

/// `/urls/queue`, `/urls/build`, `/urls/worker`: to the one link that the parameters select.
pub(crate) async fn to_link(service: &Service, kind: &str, query: Option<&str>) -> Result<Response, ApiError> {
    let runs = |linked: Vec<Linked>| linked.into_iter().flat_map(|linked| linked.urls);
    let (mut found, title): (Vec<String>, &str) = match kind {
        "queue" => (queues(service, query).await?.into_iter().map(|queue| queue.url).collect(), "queue"),
        "build" => (runs(links(service, query).await?).map(|urls| urls.build).collect(), "build"),
        _ => (runs(links(service, query).await?).map(|urls| urls.worker).collect(), "worker"),
    };
    found.retain(|link| !link.is_empty());
    // Several runs of one worker are as ambiguous as those of several.
    if title != "worker" {
        found.sort();
        found.dedup();
    }
    match found.as_slice() {
        [link] => Ok(redirect(link)),
        [] => Err(not_found(format!("No {title} URLs for provided arguments"))),
        _ => Err(not_found(format!("Too many eligible {title}s"))),
    }
}

/// What it offers.
pub(crate) const URLS: Operation = Operation::get(
    "/api/urls",
    "Links of runs to their CI",
    &[&CONFIGURATION, &["suite", "recent", "limit"], &POINT, &RANGE, &TIMES],
    || {
        let urls = json!({
            "type": "object",
            "properties": { "uuid": whole(), "start_time": whole(), "queue": text(), "build": text(), "worker": text() },
            "required": ["uuid", "start_time"],
            "additionalProperties": false,
        });
        list_of(object(&[("configuration", shared("Configuration")), ("urls", list_of(urls))]))
    },
);

/// What it offers.
pub(crate) const QUEUES: Operation = Operation::get(
    "/api/urls/queue",
    "Links to the queues that run suites",
    &[&CONFIGURATION, &["suite", "recent", "branch", "limit"]],
    || list_of(object(&[("configuration", shared("Configuration")), ("url", text())])),
);

impl OfRun for LinkFound {
    fn config_id(&self) -> u64 {
        self.config_id
    }

    fn suite(&self) -> Option<&str> {
        Some(&self.suite)
    }
}

async fn links(service: &Service, query: Option<&str>) -> Result<Vec<Linked>, ApiError> {
    let parameters = Parameters::read(query, URLS.parameters)?;
    let selection = Selection::read(service, &parameters, LIMIT).await?;
    if selection.is_empty() {
        return Ok(Vec::new());
    }
    let suites: Vec<&str> = parameters.all("suite").collect();
    let by_suite = if suites.is_empty() { "" } else { " AND suite IN ?" };
    let sql = format!(
        "SELECT ?fields FROM links WHERE 1{}{by_suite}{}",
        selection.condition(),
        selection.tail("(config_id, suite)")
    );
    let ask = |selection: &Selection<'_>| {
        let bound = selection.bind_condition(service.client.query(&sql));
        if suites.is_empty() { bound } else { bound.bind(&suites) }.bind(selection.limit)
    };
    let mut rows: Vec<LinkFound> = selection.newest(service, &suites, ask).await?;
    let place = |row: &LinkFound| Place {
        config_id: row.config_id,
        uuid: row.uuid,
        sdk: row.sdk.clone(),
        start_time: row.start_time,
    };
    selection.sort(&mut rows, place);
    let mut groups: BTreeMap<InSuite, Vec<Urls>> = BTreeMap::new();
    for row in rows {
        if let Some(configuration) = selection.configuration(&place(&row)) {
            let LinkFound { suite, uuid, start_time, queue, build, worker, .. } = row;
            let urls = Urls { uuid, start_time, queue, build, worker };
            groups.entry(InSuite { configuration, suite }).or_default().push(urls);
        }
    }
    Ok(groups.into_iter().map(|(configuration, urls)| Linked { configuration, urls }).collect())
}

async fn queues(service: &Service, query: Option<&str>) -> Result<Vec<Queue>, ApiError> {
    let parameters = Parameters::read(query, QUEUES.parameters)?;
    let limit = parameters.limit(LIMIT)?;
    let branch = branch_key(&parameters);
    let matching = configurations::matching(service, &parameters, &branch).await?;
    let (suites, sdks): (Vec<&str>, Vec<&str>) = (parameters.all("suite").collect(), parameters.all("sdk").collect());
    let ids: Vec<u64> = matching.keys().copied().collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = "SELECT config_id, suite, sdk, queue FROM queues WHERE branch = ? AND config_id IN ? \
               ORDER BY suite, sdk LIMIT ? BY (config_id, suite)";
    let query = service.client.query(sql).bind(&branch).bind(ids).bind(limit);
    let rows: Vec<(u64, String, String, String)> = query.fetch_all().await?;
    Ok(rows
        .into_iter()
        .filter(|(_, suite, sdk, _)| {
            (suites.is_empty() || suites.contains(&suite.as_str())) && (sdks.is_empty() || sdks.contains(&sdk.as_str()))
        })
        .filter_map(|(config_id, suite, sdk, url)| {
            let configuration = matching.get(&config_id)?.clone();
            let configuration = Configuration { sdk: (!sdk.is_empty()).then_some(sdk), ..configuration };
            Some(Queue { configuration: InSuite { configuration, suite }, url })
        })
        .collect())
}
