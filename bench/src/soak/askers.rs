//! Questions at a steady rate; no answer was given before, since uploads come all the time.

use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::ledger::{Ledger, Suite};
use super::setting::Agents;
use super::times::{Times, What};
use super::{Course, Soak};
use crate::documents;
use crate::random::Random;
use crate::server::get;

/// Questions of one connection, after which there is a new one.
const CONNECTED: u32 = 200;
/// How often it is asked whether uploads are shown.
const LOOK: Duration = Duration::from_millis(200);

/// Asks until the run is over.
pub(super) fn ask(soak: &Soak, course: Course, agents: &Agents, times: &Times, ledger: &Ledger) -> anyhow::Result<()> {
    let each = Duration::from_secs(1) / soak.questions.max(1);
    let (names, mut random, mut agent) = (documents::names(200), Random(3), agents.new_agent());
    let first = format!("/api/failures/{}?limit=1", ledger.filled());
    while get(&agent, &agents.url, &first).is_err() && !course.is_over() {
        std::thread::sleep(LOOK);
    }
    let mut due = course.elapsed();
    for number in 1_u32.. {
        std::thread::sleep(due.saturating_sub(course.elapsed()));
        if course.is_over() {
            break;
        }
        let test = &names[random.below(names.len() as u64) as usize];
        let path = path(number, ledger.filled(), &utf8_percent_encode(test, NON_ALPHANUMERIC).to_string());
        let (begun, at) = (Instant::now(), course.elapsed());
        let took = get(&agent, &agents.url, &path).map(|_| begun.elapsed());
        times.keep(What::Answered, at, &took);
        if number.is_multiple_of(CONNECTED) {
            agent = agents.new_agent();
        }
        due += each;
    }
    Ok(())
}

fn path(number: u32, suite: Suite, test: &str) -> String {
    match number % 7 {
        0 => format!("/api/results/{suite}/{test}?limit=100"),
        1 => format!("/api/results/{suite}?limit=20"),
        2 => format!("/api/failures/{suite}?limit=20"),
        3 => format!("/api/flaky?suite={suite}&weeks=1&limit=100"),
        4 => format!("/triage?suite={suite}"),
        5 => format!("/investigate?suite={suite}"),
        _ => format!("/api/results/{suite}/{test}?limit=10"),
    }
}
