//! How a suite, or a test of it, did over weeks: plots with the change points in them, and the table behind each.

use answers::changes::Kind;
use answers::suites;
use answers::trends::{self, CHANGES, TrendChange, TrendPart, Trends};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use schema::seconds::{DAY, WEEK};

use super::filters::{self, Form};
use super::names::{ShownCommits, titled};
use super::plot::{self, Axes, Change, Sample, Series, Shape, TimeAxis, Unit};
use super::time;
use crate::api::trends::OPERATION;
use crate::error::ApiError;
use crate::parameters::{Parameters, lists};
use crate::service::Shared;

/// The page.
pub(crate) async fn page(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let known = suites::recent(&service.store).await?;
    let parameters = Parameters::filled(query.as_deref(), OPERATION.parameters)?;
    let chosen = parameters.first("suite").or(known.first().map(String::as_str)).unwrap_or_default();
    let test = parameters.first("test");
    let answer = trends::find(&service.store, &lists::trends(&parameters, chosen, test)?).await?;
    let filters = filters::of_suite(&service, &parameters, chosen, Form::keeping(&["limit"])).await?;
    let weeks = answer.weeks.to_string();
    // The page of changes shows as many, so that it has each one that is linked to.
    let limit = parameters.first("limit").map_or_else(|| CHANGES.to_string(), str::to_owned);
    let recent = parameters.first("recent").unwrap_or("false");
    let of_changes = parameters.with(
        &["suite", "weeks", "limit", "recent", "format"],
        &[("suite", chosen), ("weeks", &weeks), ("limit", &limit), ("recent", recent)],
    );
    let axis = TimeAxis::new(answer.by_day.first().map_or(answer.since, |day| day.from), answer.until);
    let commits = ShownCommits::of(answer.changes.iter().flat_map(|one| one.after.iter().chain([&one.until])));
    let changes: Vec<Change> = answer.changes.iter().map(|one| change(one, &of_changes, &commits)).collect();
    let marks = plot::marks(axis, &changes);
    let listed = |(one, drawn)| listed(one, drawn, axis, &commits);
    let listed: Vec<Value> = answer.changes.iter().zip(&changes).map(listed).collect();
    let hidden = changes.iter().filter(|change| !axis.has(change.time)).count();
    let named: Vec<(&str, &str)> =
        [("suite", Some(chosen)), ("test", test)].iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
    let values = context! {
        page => "/trends", filters, known, chosen, test, weeks => answer.weeks,
        days => rows(&answer.by_day), by_week => rows(&answer.by_week), plots => plots(&answer, axis), marks, changes => listed, hidden,
        ticks => axis.ticks(), is_cut => answer.is_cut, has_more_changes => answer.has_more_changes, of_changes,
        broken => answer.by_week.iter().map(|week| week.broken).sum::<u64>(),
        rest => parameters.with(&["suite", "test", "weeks", "limit", "format"], &[("weeks", &weeks)]),
        export_query => parameters.with(&["suite", "test", "format"], &named),
    };
    service.pages.render(StatusCode::OK, "trends.html", Some(&titled("Trends", test.unwrap_or(chosen))), values)
}

/// Parts of the time as the tables have them: shares in words.
fn rows(parts: &[TrendPart]) -> Vec<Value> {
    let words = |share: Option<f64>| share.map(|share| Unit::Share.text(share));
    let row = |part: &TrendPart| {
        let (rate, spoilt_rate) = (words(part.rate), words(part.spoilt_rate));
        context! { day => time::day(part.from as i64), rate, spoilt_rate, ..Value::from_serialize(part) }
    };
    parts.iter().map(row).collect()
}

/// A plot as the template draws it.
fn drawn(name: &str, title: &str, axes: Axes, series: Vec<Series>, description: String) -> Value {
    context! { name, title, description, scale => axes.scale(), series }
}

fn plots(answer: &Trends, axis: TimeAxis) -> Vec<Value> {
    vec![runs(answer, axis), failures(answer, axis), durations(answer, axis), flakiness(answer, axis)]
}

/// A sample of a part of the time, if it has a value; `words` tells what it is made of.
fn sample(part: &TrendPart, length: u64, value: Option<f64>, words: impl Fn(f64) -> String) -> Option<Sample> {
    let value = value?;
    Some(Sample { from: part.from, length, value, says: format!("{}: {}", time::day(part.from as i64), words(value)) })
}

fn samples(
    parts: &[TrendPart],
    length: u64,
    value: impl Fn(&TrendPart) -> Option<f64>,
    words: impl Fn(&TrendPart, f64) -> String,
) -> Vec<Sample> {
    parts.iter().filter_map(|part| sample(part, length, value(part), |value| words(part, value))).collect()
}

/// What a plot shows, for who does not see it: the newest value and the largest.
fn description(unit: Unit, of_what: &str, samples: &[Sample]) -> String {
    let Some(newest) = samples.last() else { return "Nothing to show.".to_owned() };
    let largest = samples.iter().fold(newest, |largest, one| if one.value > largest.value { one } else { largest });
    let said = |sample: &Sample| format!("{} ({})", unit.text(sample.value), time::day(sample.from as i64));
    format!(
        "{of_what}: newest {}, largest {}. The numbers are in the table behind the plot.",
        said(newest),
        said(largest)
    )
}

fn values(samples: &[Sample]) -> impl Iterator<Item = f64> + '_ {
    samples.iter().map(|sample| sample.value)
}

fn runs(answer: &Trends, axis: TimeAxis) -> Value {
    let all = samples(
        &answer.by_day,
        DAY,
        |day| Some(day.runs as f64),
        |day, runs| match day.broken {
            0 => format!("{runs:.0} runs"),
            broken => format!("{runs:.0} runs, {broken} broken as a whole"),
        },
    );
    let broken = |day: &TrendPart| (day.broken > 0).then_some(day.broken as f64);
    let broken = samples(&answer.by_day, DAY, broken, |_, runs| format!("{runs:.0} runs broken as a whole"));
    let axes = Axes::new(axis, Unit::Count, values(&all));
    let described = description(Unit::Count, "Runs per day", &all);
    let mut series = vec![axes.series(Shape::Bars, "runs", "runs", &all)];
    if !broken.is_empty() {
        series.push(axes.series(Shape::Bars, "broken", "of these, broken as a whole", &broken));
    }
    drawn("runs", "Runs per day", axes, series, described)
}

fn failures(answer: &Trends, axis: TimeAxis) -> Value {
    let words = |part: &TrendPart, rate: f64| {
        format!("{} ({} of {} results)", Unit::Share.text(rate), part.unexpected, part.results)
    };
    let days = samples(&answer.by_day, DAY, |day| day.rate, words);
    let weeks = samples(&answer.by_week, WEEK, |week| week.rate, words);
    let axes = Axes::new(axis, Unit::Share, values(&days).chain(values(&weeks)));
    let series = vec![
        axes.series(Shape::Points, "days", "by day", &days),
        axes.series(Shape::Lines, "first", "by week", &weeks),
    ];
    drawn(
        "failures",
        "Failure rate",
        axes,
        series,
        description(Unit::Share, "Share of results that failed unexpectedly, by week", &weeks),
    )
}

fn durations(answer: &Trends, axis: TimeAxis) -> Value {
    let of = |value: fn(&TrendPart) -> Option<u32>, name: &str| {
        let words = |part: &TrendPart, took: f64| {
            let timed = part.timed.unwrap_or(0);
            format!("{name} {} ({timed} run{})", Unit::Time.text(took), if timed == 1 { "" } else { "s" })
        };
        samples(&answer.by_week, WEEK, |week| value(week).map(f64::from), words)
    };
    let (p50, p90, p99) = (of(|week| week.p50, "median"), of(|week| week.p90, "90 %"), of(|week| week.p99, "99 %"));
    let axes = Axes::new(axis, Unit::Time, values(&p99));
    let series = vec![
        axes.series(Shape::Lines, "third", "99 %", &p99),
        axes.series(Shape::Lines, "second", "90 %", &p90),
        axes.series(Shape::Lines, "first", "median", &p50),
    ];
    drawn("durations", "Durations by week", axes, series, description(Unit::Time, "Median by week", &p50))
}

fn flakiness(answer: &Trends, axis: TimeAxis) -> Value {
    let weeks = &answer.by_week;
    let (unit, title, samples) = if answer.test.is_some() {
        let words = |part: &TrendPart, rate: f64| {
            format!("{} of the results failed by chance: {}", Unit::Share.text(rate), part.spoilt.unwrap_or(0))
        };
        (Unit::Share, "Failed by chance, by week", samples(weeks, WEEK, |week| week.spoilt_rate, words))
    } else {
        let words = |part: &TrendPart, flaky: f64| {
            format!("{flaky:.0} flaky tests, {} results failed by chance", part.spoilt.unwrap_or(0))
        };
        (Unit::Count, "Flaky tests by week", samples(weeks, WEEK, |week| week.flaky.map(|flaky| flaky as f64), words))
    };
    let axes = Axes::new(axis, unit, values(&samples));
    let described = description(unit, title, &samples);
    drawn("flakiness", title, axes, vec![axes.series(Shape::Lines, "first", "by week", &samples)], described)
}

fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Broke => "broke",
        Kind::Fixed => "fixed",
        Kind::Flaky => "became flaky, or flakier",
        Kind::Expected => "expected to fail since",
    }
}

/// How many there are of something.
fn counted(count: u64, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// A change as plots have it, described on the page of changes that a query asks for.
fn change(one: &TrendChange, of_changes: &str, commits: &ShownCommits) -> Change {
    let (day, tests) = (time::day(one.time as i64), counted(one.tests, "test"));
    Change {
        time: one.time,
        kind: one.kind,
        says: format!("{day}: {tests} {}, {}", title(one.kind), commits.name(&one.until)),
        address: format!("/changes?{of_changes}#{}", one.id),
    }
}

/// A change as the table has it.
fn listed(one: &TrendChange, drawn: &Change, axis: TimeAxis, commits: &ShownCommits) -> Value {
    let (class, symbol) = plot::look(one.kind);
    context! {
        id => one.id, class, symbol, title => title(one.kind), address => drawn.address, seconds => one.time,
        is_drawn => axis.has(one.time), after => one.after.as_ref().map(|after| commits.name(after)), until => commits.name(&one.until),
        tests => counted(one.tests, "test"), configurations => counted(one.configurations, "configuration"), open => one.open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_is_described_by_its_newest_and_its_largest_value() {
        let sample = |from: u64, value: f64| Sample { from: from * DAY, length: DAY, value, says: String::new() };
        let said = description(Unit::Count, "Runs", &[sample(0, 3.0), sample(1, 9.0), sample(2, 4.0)]);
        let expected =
            "Runs: newest 4 (1970-01-03), largest 9 (1970-01-02). The numbers are in the table behind the plot.";
        assert_eq!(said, expected);
        assert_eq!(description(Unit::Count, "Runs", &[]), "Nothing to show.");
    }

    #[test]
    fn counts_have_one_or_several() {
        assert_eq!([counted(1, "test"), counted(2, "test")], ["1 test", "2 tests"]);
    }
}
