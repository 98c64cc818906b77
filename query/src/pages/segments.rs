//! The strip of a timeline: for each configuration whose behaviour changed, its segments with their rates, newest first as
//! the timeline is, and a bracket over the commits among which each change happened.

use std::collections::BTreeSet;

use answers::commit_names::{self, CommitNames};
use answers::timeline::{BlameRange, Evidence, Judgement, Segment};
use minijinja::{Value, context};
use schema::ids::CommitKey;

use super::states::look;
use crate::error::ApiError;
use crate::service::Service;

/// From this share of failed runs on, a segment looks like its failures and not like flakiness.
const BROKEN_SHARE: f64 = 0.5;

/// A stretch of a strip. Its place and its width count commits on which the test ran.
struct Stretch {
    /// Newer commits than the newest of the stretch.
    from: u32,
    width: u32,
    class: &'static str,
    runs: u32,
    unexpected: u32,
    /// Where it began; none for the oldest.
    change: Option<Change>,
}

/// Where a stretch begins.
struct Change {
    range: BlameRange,
    /// The bracket, in commits from the newest.
    from: u32,
    width: u32,
}

/// What the template shows of the configurations whose behaviour changed, of those that are given by their short names.
pub(super) async fn to_context<'a>(
    service: &Service,
    suite: &str,
    branch: Option<&str>,
    judged: impl Iterator<Item = (&'a str, &'a Judgement)>,
) -> Result<Vec<Value>, ApiError> {
    let strips: Vec<(&str, Vec<Stretch>)> =
        judged.map(|(name, judgement)| (name, stretches(judgement))).filter(|(_, strip)| strip.len() > 1).collect();
    let changes = strips.iter().flat_map(|(_, strip)| strip).filter_map(|stretch| stretch.change.as_ref());
    let ends: BTreeSet<CommitKey> =
        changes.flat_map(|change| [Some(change.range.first_bad), change.range.last_good]).flatten().collect();
    if ends.is_empty() {
        return Ok(Vec::new());
    }
    let names = commit_names::as_tested(&service.store, suite, branch, &ends).await?;
    Ok(strips.iter().map(|(name, strip)| shown(name, strip, &names)).collect())
}

/// The stretches of a judgement, newest first.
fn stretches(judgement: &Judgement) -> Vec<Stretch> {
    let mut strip = Vec::new();
    let mut from = 0;
    let mut add = |segment: &Segment, Evidence { cells, runs, unexpected, .. }: Evidence| {
        let (before, after) = segment.doubt;
        // The bracket leans over the end of the stretch, where the oldest of its commits lies.
        let end = from + cells;
        let change = segment.change.map(|range| Change {
            range,
            from: end.saturating_sub(after + 1),
            width: before + after + 1,
        });
        strip.push(Stretch { from, width: cells, class: class(segment, runs, unexpected), runs, unexpected, change });
        from = end;
    };
    let mut older = None;
    if let Some(young) = &judgement.ongoing {
        add(young, young.evidence);
        older = judgement.before_failure;
    }
    for segment in judgement.segments.iter().rev() {
        // The newest one ends where a young failure begins.
        add(segment, older.take().unwrap_or(segment.evidence));
    }
    strip
}

fn class(segment: &Segment, runs: u32, unexpected: u32) -> &'static str {
    match f64::from(unexpected) / f64::from(runs.max(1)) {
        0.0 => "pass",
        share if share < BROKEN_SHARE => "unsure",
        _ => look(segment.state).class,
    }
}

fn shown(name: &str, strip: &[Stretch], names: &CommitNames) -> Value {
    let total = strip.last().map_or(0, |oldest| oldest.from + oldest.width);
    let stretches: Vec<Value> = strip
        .iter()
        .map(|Stretch { from, width, class, runs, unexpected, change }| {
            let change = change.as_ref().map(|Change { range, from, width }| {
                let BlameRange { last_good, first_bad } = *range;
                let width = (*width).min(total - (*from).min(total));
                context! {
                    from, width, after => last_good, until => first_bad,
                    after_name => last_good.map(|commit| names.full_name(commit)), until_name => names.full_name(first_bad),
                }
            });
            context! { from, width, class, runs, unexpected, change }
        })
        .collect();
    context! { name, total, stretches }
}

#[cfg(test)]
mod tests {
    use answers::timeline::Standing;
    use schema::state::State;

    use super::*;

    fn segment(cells: u32, unexpected: u32, change: Option<(u64, u64)>, doubt: (u32, u32)) -> Segment {
        let evidence = Evidence { cells, runs: cells, unexpected, ..Evidence::default() };
        let range = |(good, bad)| BlameRange { last_good: Some(CommitKey(good)), first_bad: CommitKey(bad) };
        Segment {
            first: CommitKey(1),
            last: CommitKey(1),
            change: change.map(range),
            doubt,
            evidence,
            state: if unexpected > 0 { State::CRASH } else { State::PASS },
        }
    }

    fn judgement(segments: Vec<Segment>, ongoing: Option<Segment>, before_failure: Option<Evidence>) -> Judgement {
        Judgement {
            standing: Standing::Failing,
            state: State::CRASH,
            since: None,
            before: None,
            newest_failure: None,
            blame: None,
            worsened: None,
            segments,
            ongoing,
            before_failure,
            evidence: Evidence::default(),
        }
    }

    #[test]
    fn segments_lie_newest_first_and_brackets_over_their_beginnings() {
        let old = segment(30, 0, None, (0, 0));
        let new = segment(10, 10, Some((5, 9)), (2, 1));
        let strip = stretches(&judgement(vec![old, new], None, None));
        let places: Vec<_> = strip.iter().map(|stretch| (stretch.from, stretch.width, stretch.class)).collect();
        assert_eq!(places, [(0, 10, "crash"), (10, 30, "pass")]);
        let bracket = strip[0].change.as_ref().map(|change| (change.from, change.width));
        // One commit after the likeliest, that one itself, and two before it.
        assert_eq!(bracket, Some((8, 4)));
    }

    #[test]
    fn a_young_failure_is_cut_off_its_segment() {
        let young = segment(2, 2, Some((5, 9)), (0, 0));
        let before = Evidence { cells: 30, runs: 30, unexpected: 1, ..Evidence::default() };
        let strip = stretches(&judgement(vec![segment(32, 3, None, (0, 0))], Some(young), Some(before)));
        let places: Vec<_> = strip.iter().map(|one| (one.from, one.width, one.unexpected, one.class)).collect();
        assert_eq!(places, [(0, 2, 2, "crash"), (2, 30, 1, "unsure")]);
    }
}
