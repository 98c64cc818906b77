//! What was read, one line a test: `name = status ms, status ms @ start`, and `! problem`.

use std::ops::ControlFlow;

use reports::{Item, Options, ReportError, RunReader};

/// Reads reports as one run.
pub(crate) fn read_as(options: Options, reports: &[(&str, &[u8])]) -> (Vec<String>, Vec<ReportError>) {
    let mut lines = Vec::new();
    let mut sink = |item| {
        lines.extend(line(&item));
        ControlFlow::Continue(())
    };
    let mut run = RunReader::new(options, &mut sink);
    let mut errors: Vec<_> = reports.iter().filter_map(|(name, bytes)| run.read(name, *bytes).err()).collect();
    errors.extend(run.finish().err());
    (lines, errors)
}

/// Reads one report that can be read.
#[allow(dead_code)]
pub(crate) fn read(report: &str) -> Vec<String> {
    let (lines, errors) = read_as(Options::default(), &[("report", report.as_bytes())]);
    assert!(errors.is_empty(), "{errors:?}");
    lines
}

fn line(item: &Item) -> Option<String> {
    Some(match item {
        Item::Test(test) => {
            let attempt = |attempt: &reports::Attempt| match attempt.milliseconds {
                Some(milliseconds) => format!("{} {milliseconds}", attempt.status),
                None => attempt.status.to_string(),
            };
            let attempts: Vec<_> = test.attempts.iter().map(attempt).collect();
            let started = test.started().map(|started| format!(" @ {started}")).unwrap_or_default();
            format!("{} = {}{started}", test.name, attempts.join(", "))
        }
        Item::Problem(problem) => format!("! {problem}"),
        Item::Source(_) => return None,
    })
}
