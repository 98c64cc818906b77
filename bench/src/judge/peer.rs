//! LUCI Analysis as a peer: the change points of each history alone, grouped by names and ranges, and its rule of flaky tests.

use std::cmp::Reverse;

use analysis::change_points::likelihood::Likelihood;
use analysis::change_points::outline::{Outline, OutlineSeries};
use analysis::change_points::search::best_split;
use analysis::change_points::{Series, position};

use super::configuration::Labelled;
use super::measure::{Claim, FIVE, badness};
use super::world::World;

/// The prior of a change point.
const PRIOR: f64 = 1e-4;
/// A test is flaky if it went both ways on so many commits, and on such a share of them.
const FLAKY: (usize, f64) = (2, 0.01);
/// Tests that lie further apart in the order of names are never in one group.
const NEAR: usize = 64;
/// The share of the narrower range from which on two ranges are one group.
const OVERLAP: f64 = 0.4;

/// Its change points of each history of a suite.
pub(super) fn claims(world: &World) -> Vec<Vec<Claim>> {
    let mut claims: Vec<Vec<Claim>> = world.histories.iter().map(|history| claims_alone(world, history)).collect();
    for group in groups(world, &claims) {
        let [base, rest @ ..] = group.as_slice() else { continue };
        let likely = claims[base.0][base.1].likely.clone();
        for (history, claim) in rest {
            claims[*history][*claim].likely.clone_from(&likely);
        }
    }
    claims
}

fn claims_alone(world: &World, history: &Labelled) -> Vec<Claim> {
    let cells = &history.cells;
    let series = Series::new(cells);
    let outline = Outline::of(cells);
    let mut rows = vec![0];
    split(&outline.explained_by(Likelihood::up_to), 0, outline.rows(), &mut rows);
    rows.push(outline.rows());
    let bounds: Vec<usize> = rows.into_iter().map(|row| outline.start(row)).collect();
    let index = |cell: usize| world.index(cells[cell].commit);
    let claim = |bounds: &[usize]| {
        let (from, at, to) = (bounds[0], bounds[1], bounds[2]);
        let point = position::of_change(&series, from, at, to);
        let mut commits: Vec<(f64, usize)> = Vec::new();
        for (share, cell) in position::posterior(&series, from, to).into_iter().zip(from + 1..) {
            let between = index(cell - 1) + 1..index(cell) + 1;
            let width = between.len() as f64;
            commits.extend(between.map(|commit| (share / width, commit)));
        }
        commits.sort_by(|one, other| other.0.total_cmp(&one.0).then(other.1.cmp(&one.1)));
        Claim {
            after: index(point.earliest - 1),
            until: index(point.latest),
            is_worse: badness(series.counts(at, to)) > badness(series.counts(from, at)),
            likely: commits.into_iter().take(FIVE).map(|(_, commit)| commit).collect(),
        }
    };
    bounds.windows(3).map(claim).collect()
}

fn split(series: &OutlineSeries<'_, Likelihood>, from: usize, to: usize, bounds: &mut Vec<usize>) {
    let Some((at, _)) = best_split(series, from, to).filter(|(_, gain)| gain + PRIOR.ln() > 0.0) else { return };
    split(series, from, at, bounds);
    bounds.push(at);
    split(series, at, to, bounds);
}

/// Claims that are taken for one change, by history and number, the narrowest first.
fn groups(world: &World, claims: &[Vec<Claim>]) -> Vec<Vec<(usize, usize)>> {
    let of_history = |(history, claims): (usize, &Vec<Claim>)| (0..claims.len()).map(move |claim| (history, claim));
    let mut all: Vec<(usize, usize)> = claims.iter().enumerate().flat_map(of_history).collect();
    let number = |(history, _): &(usize, usize)| world.histories[*history].number;
    let range = |(history, claim): &(usize, usize)| (claims[*history][*claim].after, claims[*history][*claim].until);
    let width = |place: &(usize, usize)| range(place).1 - range(place).0;
    all.sort_by_key(number);
    let near = all.chunk_by(|one, other| number(other) - number(one) <= NEAR);
    let mut groups = Vec::new();
    for near in near {
        let mut left = near.to_vec();
        left.sort_by_key(|place| Reverse(width(place)));
        while let Some(base) = left.pop() {
            let overlaps = |place: &(usize, usize)| {
                let common = range(&base).1.min(range(place).1).saturating_sub(range(&base).0.max(range(place).0));
                common as f64 > OVERLAP * width(&base).min(width(place)) as f64
            };
            let (together, apart): (Vec<_>, Vec<_>) = left.into_iter().partition(overlaps);
            left = apart;
            groups.push(std::iter::once(base).chain(together).collect());
        }
    }
    groups
}

/// Whether it calls a test flaky.
pub(super) fn is_flaky(history: &Labelled) -> bool {
    let both_ways = history.cells.iter().filter(|cell| cell.failed > 0 && cell.unrecovered < cell.runs).count();
    both_ways >= FLAKY.0 && both_ways as f64 >= FLAKY.1 * history.cells.len() as f64
}
