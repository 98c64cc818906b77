//! Clocks of the machines, which should agree.
//!
//! A key counts until its time, the token of a CI or of a person from a time on and until another, and a certificate, too,
//! each by the clock of the service that is asked. By the same clock an upload is over or kept, and a commit exists already
//! or not yet. Kafka forgets by its own.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use clickhouse::Client;
use eventlog::EventLog;
use schema::{EVENTS_TOPIC, event};

use super::finding::Finding;
use super::lag;

/// So much is told, milliseconds: more than machines differ that synchronise their clocks.
const LOOK: i64 = 5000;
/// From here on tokens are refused that are good, milliseconds.
const WRONG: i64 = identity::LEEWAY * 1000;
const ADVICE: &str = "Have all machines set their clocks over the network (NTP)";

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Compares the clock of this machine with the store's.
pub(super) async fn of_store(client: &Client) -> anyhow::Result<Finding> {
    let (before, begun) = (now(), Instant::now());
    let theirs: i64 =
        client.query("SELECT toUnixTimestamp64Milli(now64(3))").fetch_one().await.context("asking for the time")?;
    let way = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
    Ok(judge_store(theirs - before, way))
}

/// `ahead` is how far the store's clock was ahead of this one when it was asked, `way` how long the answer took,
/// milliseconds: the store looked at its clock at some time on the way.
fn judge_store(ahead: i64, way: i64) -> Finding {
    let apart = if ahead < 0 { -ahead } else { (ahead - way).max(0) };
    let word = if ahead < 0 { "behind" } else { "ahead of" };
    if apart < LOOK {
        return Finding::ok(format!(
            "ClickHouse's agrees with this machine's to within {:.1} s",
            (apart + way) as f64 / 1000.0
        ));
    }
    judge(apart, &format!("ClickHouse's is {:.1} s {word} this machine's", apart as f64 / 1000.0))
}

fn judge(apart: i64, found: &str) -> Finding {
    if apart >= WRONG { Finding::wrong(found, ADVICE) } else { Finding::look(found, ADVICE) }
}

/// Times of one of the newest events, milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
struct Times {
    /// When an intake took it, to the second.
    received: i64,
    /// When a broker took it.
    appended: i64,
}

/// Looks at the times of the newest events: an intake and a broker wrote them.
pub(super) async fn of_log(log: &dyn EventLog) -> anyhow::Result<Finding> {
    let ends = log.end_offsets(EVENTS_TOPIC).await?;
    let first = log.first_offsets(EVENTS_TOPIC).await?;
    let mut newest = Vec::new();
    for (partition, (end, first)) in ends.iter().zip(&first).enumerate() {
        if end > first
            && let Some(record) = lag::record(log, partition, end - 1, &ends).await?
            && let Ok(event) = event::decode(&record.value)
        {
            newest.push(Times { received: event.header.received_at * 1000, appended: record.timestamp_ms });
        }
    }
    Ok(judge_log(now(), &newest))
}

/// What comes later cannot have an earlier time: an event is received, then appended, then read. How long each takes is not
/// known, so that a clock which is behind shows only where its time comes later.
fn judge_log(now: i64, newest: &[Times]) -> Finding {
    if newest.is_empty() {
        return Finding::ok("the log has no event that tells the time");
    }
    let worst = |of: &dyn Fn(&Times) -> i64| newest.iter().map(of).max().unwrap_or(0);
    let pairs = [
        (worst(&|times| times.received - times.appended), "an intake's is {} ahead of a broker's"),
        (worst(&|times| times.appended - now), "a broker's is {} ahead of this machine's"),
        (worst(&|times| times.received - now), "an intake's is {} ahead of this machine's"),
    ];
    let troubles = pairs
        .iter()
        .filter(|(apart, _)| *apart >= LOOK)
        .map(|(apart, text)| judge(*apart, &text.replace("{}", &format!("{:.1} s", *apart as f64 / 1000.0))));
    Finding::of(troubles.collect(), "times of the newest events follow each other")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    #[test]
    fn the_way_of_the_answer_does_not_count() {
        let of = |ahead, way| judge_store(ahead, way).verdict;
        assert_eq!([of(0, 0), of(7000, 7000), of(4999, 0), of(-4999, 10)], [Verdict::Ok; 4]);
        assert_eq!([of(5000, 0), of(-5000, 10), of(29_999, 0)], [Verdict::Look; 3]);
        assert_eq!([of(30_000, 0), of(-30_000, 0)], [Verdict::Wrong; 2]);
        assert_eq!(judge_store(-40_000, 5).found, "ClickHouse's is 40.0 s behind this machine's");
    }

    #[test]
    fn times_follow_each_other() {
        let of = |received, appended| judge_log(100_000, &[Times { received, appended }]);
        assert_eq!(
            [of(90_000, 90_100), of(10_000, 99_000), of(101_000, 100_100)].map(|found| found.verdict),
            [Verdict::Ok; 3]
        );
        assert_eq!(of(90_000, 84_000).found, "an intake's is 6.0 s ahead of a broker's");
        assert_eq!(of(90_000, 140_000).found, "a broker's is 40.0 s ahead of this machine's");
        assert_eq!(of(90_000, 140_000).verdict, Verdict::Wrong);
        assert_eq!(of(106_000, 106_000).verdict, Verdict::Look);
        assert_eq!(judge_log(0, &[]).verdict, Verdict::Ok);
    }
}
