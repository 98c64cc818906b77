//! The configured dashboards, as a page of tiles and as the summary on the start page.

use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use schema::configuration::Configuration;
use schema::state::{NAMES, PASS};

use super::status::symbol;
use crate::commits;
use crate::dashboards::{self, Asked, Board, Tile};
use crate::error::ApiError;
use crate::parameters::{CONFIGURATION, Parameters};
use crate::routes::Service;

pub(super) async fn page(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let parameters = Parameters::read(query, &[&CONFIGURATION, &["passing", "unexpected"]])?;
    let (passing, unexpected) = (parameters.flag("passing", false), parameters.flag("unexpected", true));
    let mut boards = Vec::new();
    for board in dashboards::all(service, &Asked { parameters: &parameters, unexpected }).await? {
        boards.push(shown(service, board, passing).await?);
    }
    let values = context! {
        page => "/dashboards", boards, passing, unexpected,
        toggle_passing => parameters.with(&["passing"], &[("passing", &(!passing).to_string())]),
        toggle_unexpected => parameters.with(&["unexpected"], &[("unexpected", &(!unexpected).to_string())]),
    };
    service.pages.render(StatusCode::OK, "dashboards.html", Some("Dashboards"), values)
}

/// One line for each dashboard.
pub(super) async fn summary(service: &Service) -> Result<Vec<Value>, ApiError> {
    let asked = Asked { parameters: &Parameters::default(), unexpected: true };
    Ok(dashboards::all(service, &asked).await?.iter().map(head).collect())
}

fn head(board: &Board) -> Value {
    let (class, symbol) = board.worst.map_or(("", "–"), symbol);
    let bad = board.tiles.iter().filter(|(_, tile)| tile.state < PASS).count();
    context! {
        title => board.title, suite => board.suite, query => board.query, class, symbol, bad,
        state => board.worst.and_then(|state| NAMES.get(usize::from(state))).map(|name| name.to_lowercase()),
        count => board.tiles.len(),
    }
}

async fn shown(service: &Service, board: Board, passing: bool) -> Result<Value, ApiError> {
    let uuids = |tile: &Tile| [Some(tile.uuid), tile.first_bad, tile.last_good].into_iter().flatten();
    let commits = commits::by_uuid(service, &board.tiles.iter().flat_map(|(_, tile)| uuids(tile)).collect()).await?;
    let commit = |uuid: u64| context! { uuid, name => commits.name(uuid) };
    let names = Configuration::short_names(board.tiles.iter().map(|(configuration, _)| configuration));
    let named = board.tiles.iter().zip(names);
    let tiles: Vec<Value> = named
        .filter(|((_, tile), _)| passing || tile.state < PASS)
        .map(|((configuration, tile), name)| {
            let (class, symbol) = symbol(tile.state);
            context! {
                name, title => configuration.name(), query => configuration.query(), class, symbol,
                state => NAMES.get(usize::from(tile.state)).map(|name| name.to_lowercase()), label => tile.label,
                failed => tile.failed, is_late => tile.is_late, is_flaky => tile.is_flaky, seconds => i64::from(tile.start_time),
                commit => commit(tile.uuid), bad_runs => tile.bad_runs, first_bad => tile.first_bad.map(commit),
                last_good => tile.last_good.map(commit), sdks => tile.sdks,
            }
        })
        .collect();
    let hidden = board.tiles.len() - tiles.len();
    Ok(context! { tiles, hidden, ..head(&board) })
}
