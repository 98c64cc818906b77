//! Events that could not be processed, and that nobody has decided about.

use anyhow::Context;
use clickhouse::Client;
use schema::clock::now_signed;
use schema::store::rows::DeadLetterState;

use super::finding::Finding;
use super::units::time;

/// Counts the dead letters that wait.
pub(super) async fn of(client: &Client) -> anyhow::Result<Finding> {
    let sql = "SELECT count(), min(found_at) FROM dead_letters WHERE state = ?";
    let (letters, oldest): (u64, u32) =
        client.query(sql).bind(DeadLetterState::Waiting.name()).fetch_one().await.context("counting dead letters")?;
    Ok(judge(letters, now_signed() - i64::from(oldest)))
}

/// `oldest` is how long the oldest waits, seconds.
fn judge(letters: u64, oldest: i64) -> Finding {
    if letters == 0 {
        return Finding::ok("none waits");
    }
    let wait = if letters == 1 { "1 waits".to_owned() } else { format!("{letters} wait") };
    Finding::look(
        format!("{wait}, the oldest for {}", time(u64::try_from(oldest).unwrap_or(0))),
        "Open `/dead-letters`, which gives the cause, and replay or discard them",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_wait_are_to_be_looked_at() {
        assert_eq!(judge(0, 1_700_000_000), Finding::ok("none waits"));
        let advice = "Open `/dead-letters`, which gives the cause, and replay or discard them";
        assert_eq!(judge(2, 7200), Finding::look("2 wait, the oldest for 2 h", advice));
        assert_eq!(judge(1, -5).found, "1 waits, the oldest for 0 s");
    }
}
