//! What is too old to be stored when it is uploaded. The intake tells the sender, and the processor keeps what it told; both
//! find it by the same rule from the event and the configured retention.

use std::fmt;

use crate::commit::{Commit, branch_keys, run_uuid};
use crate::retention::{ARCHIVE_SECONDS, Retention, is_over};
use crate::seconds::DAY;

/// Why an upload is not stored: its time was over when it came. Days are whole ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// What was uploaded.
    pub kind: ExpiredKind,
    /// Days that it is kept.
    pub kept_days: u32,
    /// Days that it was old.
    pub age_days: u32,
}

/// What can be too old to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpiredKind {
    /// The results of a run, which are kept from its commit's time on.
    Run,
    /// The files of a run, which are kept from the run's start on.
    Archive,
}

impl Expiry {
    /// Of a run that was received at a time, both in seconds since 1970: none if any branch key of its commits still
    /// keeps it.
    pub fn of_run(retention: &Retention, suite: &str, commits: &[Commit], received_at: i64) -> Option<Self> {
        let time = i64::try_from(run_uuid(commits) / 100).unwrap_or(i64::MAX);
        let kept = branch_keys(commits).iter().map(|branch| retention.seconds(suite, branch)).max()?;
        Self::of(ExpiredKind::Run, time, kept, received_at)
    }

    /// Of the files of a run that started at a time and that were received at another, both in seconds since 1970.
    pub fn of_archive(start: i64, received_at: i64) -> Option<Self> {
        Self::of(ExpiredKind::Archive, start, ARCHIVE_SECONDS, received_at)
    }

    fn of(kind: ExpiredKind, from: i64, kept: i64, received_at: i64) -> Option<Self> {
        let days = |seconds: i64| u32::try_from(seconds / DAY as i64).unwrap_or(u32::MAX);
        is_over(from, kept, received_at).then(|| Self {
            kind,
            kept_days: days(kept),
            age_days: days(received_at.saturating_sub(from)),
        })
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, kept_days, age_days } = self;
        match kind {
            ExpiredKind::Run => write!(
                formatter,
                "Expired: results are kept for {kept_days} days from their commit's time on, and the commit was {age_days} \
                 days old when they were uploaded; the commit is known, and nothing of the run is stored"
            ),
            ExpiredKind::Archive => write!(
                formatter,
                "Expired: archives are kept for {kept_days} days from the start of their run on, and the run had started \
                 {age_days} days before the upload; the archive is not stored"
            ),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::retention::RetentionRule;
    use serde_json::json;

    const COMMITTED: i64 = 1_700_000_000;
    const WEEK: i64 = 7 * DAY as i64;

    fn commit(branch: &str) -> Commit {
        let members = json!({"repository_id": "w", "branch": branch, "timestamp": COMMITTED, "revision": 1});
        serde_json::from_value(members).unwrap()
    }

    #[test]
    fn a_run_is_too_old_once_no_branch_keeps_it() {
        let rule = RetentionRule { suite: None, branch: Some("long".into()), weeks: 8 };
        let retention = Retention::new(Some(4), vec![rule]).unwrap();
        let of = |branches: &[&str], age: i64| {
            let commits: Vec<Commit> = branches.iter().map(|branch| commit(branch)).collect();
            Expiry::of_run(&retention, "s", &commits, COMMITTED + age)
        };
        assert_eq!(of(&["main"], 4 * WEEK - 1), None);
        let expiry = of(&["main"], 4 * WEEK).unwrap();
        assert_eq!((expiry.kind, expiry.kept_days, expiry.age_days), (ExpiredKind::Run, 28, 28));
        assert_eq!(of(&["short", "long"], 5 * WEEK), None);
        assert_eq!(of(&["short", "long"], 9 * WEEK).map(|expiry| expiry.kept_days), Some(56));
        let text = expiry.to_string();
        assert!(text.starts_with("Expired: results are kept for 28 days from their commit's time on"), "{text}");
    }

    #[test]
    fn an_archive_lives_from_the_start_of_its_run_on() {
        assert_eq!(Expiry::of_archive(COMMITTED, COMMITTED + 8 * WEEK - 1), None);
        let expiry = Expiry::of_archive(COMMITTED, COMMITTED + 9 * WEEK).unwrap();
        assert_eq!((expiry.kind, expiry.kept_days, expiry.age_days), (ExpiredKind::Archive, 56, 63));
        assert!(expiry.to_string().contains("the run had started 63 days before"), "{expiry}");
    }
}
