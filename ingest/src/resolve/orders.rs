//! Gives each commit its place among the commits of its second.
//!
//! A commit's place is its time and its order within that second. A sender that knows one commit cannot know which orders
//! are taken, so that a commit that is known keeps its order, and another one that asks for a taken order gets the next
//! free one. The event carries the order, so that replays agree.
//!
//! Within this process commits of one second are placed one after the other, and what was placed is remembered until
//! long after the views show it. Another intake can give the same place away before the views show this one's event; both
//! commits are then kept and found under one place ([`Commit::merged`]).

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use clickhouse::Client;
use clickhouse::query::Query;
use eventlog::EventLog;
use moka::sync::Cache;
use schema::commit::{Commit, ORDERS, position_of};
use schema::configuration::stable_hash;
use schema::ids::CommitKey;
use schema::intake_report::UploadFault;
use schema::store::commits::select;
use tokio::sync::Mutex;

use crate::error::{IntakeError, faulty};
use crate::lookups::Lookups;
use crate::wait::{STORE_TIMEOUT, wait_until_all_shown};

/// What is remembered of placed commits may take so much memory, bytes.
const REMEMBERED_BYTES: u64 = 32 << 20;
const REMEMBERED_FOR: Duration = Duration::from_secs(6 * 3600);
/// Seconds that lie no further apart are looked for in one range of commits.
const NEAR: u64 = 3600;
/// Commits of so many seconds can be placed at the same time.
const LANES: usize = 64;

/// Hands out the orders of seconds.
pub(super) struct CommitOrders {
    log: Arc<dyn EventLog>,
    lookups: Lookups<Second, Vec<Commit>>,
    /// The commits that this process has placed, without authors and messages, by a hash of repository, branch and
    /// second.
    placed: Cache<u64, Vec<Commit>>,
    /// One lock for each share of the seconds.
    lanes: Vec<Mutex<()>>,
}

impl CommitOrders {
    pub(super) fn new(log: Arc<dyn EventLog>, client: Client) -> Self {
        Self {
            log,
            lookups: Lookups::new("commits of one second cannot be told apart", move |seconds| {
                of_seconds(client.clone(), seconds)
            }),
            placed: Cache::builder()
                .max_capacity(REMEMBERED_BYTES)
                .weigher(|_, placed: &Vec<Commit>| {
                    u32::try_from(placed.iter().map(bytes).sum::<usize>()).unwrap_or(u32::MAX)
                })
                .time_to_live(REMEMBERED_FOR)
                .build(),
            lanes: (0..LANES).map(|_| Mutex::default()).collect(),
        }
    }

    /// The commit with the order under which it is known; else with its own, unless another commit has that.
    pub(super) async fn place(&self, mut commit: Commit) -> Result<Commit, IntakeError> {
        let second =
            stable_hash(&[commit.repository_id.as_bytes(), commit.branch.as_bytes(), &commit.timestamp.to_le_bytes()]);
        let lane = self.lanes.get(second as usize % LANES);
        let _alone = match lane {
            Some(lane) => Some(lane.lock().await),
            None => None,
        };
        let mut placed: Vec<Commit> = self.placed.get(&second).unwrap_or_default();
        if let Some(known) = placed.iter().find(|placed| placed.is_same(&commit) == Some(true)) {
            commit.order = known.order;
            return Ok(commit);
        }
        let mut known = self.stored(&commit).await;
        known.extend(placed.iter().cloned());
        // Which orders are taken is only known once the views show what was appended before.
        let is_another = !known.is_empty() && position_of(&known, &commit).is_none();
        if is_another && wait_until_all_shown(self.log.as_ref(), STORE_TIMEOUT).await {
            known.extend(self.stored(&commit).await);
        }
        commit.order = order(&known, &commit).ok_or_else(|| all_orders_taken(&commit))?;
        placed.push(Commit { message: None, author: None, ..commit.clone() });
        self.placed.insert(second, placed);
        Ok(commit)
    }

    /// What the store has of a commit's second; nothing where it is away.
    async fn stored(&self, commit: &Commit) -> Vec<Commit> {
        self.lookups.look_up(Second::of(commit)).await.unwrap_or_default()
    }
}

/// A second of a branch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Second {
    repository: String,
    branch: String,
    /// Since 1970.
    time: u64,
}

impl Second {
    fn of(commit: &Commit) -> Self {
        let time = u64::try_from(commit.timestamp).unwrap_or_default();
        Self { repository: commit.repository_id.clone(), branch: commit.branch.clone(), time }
    }
}

/// The commits of some seconds. Nearly all seconds have none yet, which a statement tells that reads nothing but keys.
async fn of_seconds(client: Client, seconds: Vec<Second>) -> clickhouse::error::Result<HashMap<Second, Vec<Commit>>> {
    let wanted: BTreeSet<Second> = seconds.into_iter().collect();
    let ranges = ranges(&wanted);
    let statement = format!(
        "SELECT DISTINCT repository, branch, intDiv(uuid, 100) FROM commits WHERE {} SETTINGS final = 0",
        condition(&ranges)
    );
    let taken: Vec<(String, String, u64)> = bind(client.query(&statement), &ranges).fetch_all().await?;
    let of_key = |(repository, branch, time)| Second { repository, branch, time };
    let taken: BTreeSet<Second> = taken.into_iter().map(of_key).collect();
    let mut commits: HashMap<Second, Vec<Commit>> = HashMap::new();
    if taken.is_empty() {
        return Ok(commits);
    }
    let ranges = self::ranges(&taken);
    for commit in select(&client, &condition(&ranges), |query| bind(query, &ranges)).await? {
        commits.entry(Second::of(&commit)).or_default().push(commit);
    }
    Ok(commits)
}

/// Seconds that lie near each other.
fn ranges(seconds: &BTreeSet<Second>) -> Vec<Vec<&Second>> {
    let sorted: Vec<&Second> = seconds.iter().collect();
    let is_near = |one: &&Second, other: &&Second| {
        one.repository == other.repository && one.branch == other.branch && other.time - one.time <= NEAR
    };
    sorted.chunk_by(is_near).map(<[&Second]>::to_vec).collect()
}

/// The condition that a commit is of one of some ranges. The key leads to a range; of what lies in it, a list of seconds
/// leaves the wanted ones.
fn condition(ranges: &[Vec<&Second>]) -> String {
    const RANGE: &str = "(repository = ? AND branch = ? AND uuid BETWEEN ? AND ? AND intDiv(uuid, 100) IN ?)";
    vec![RANGE; ranges.len()].join(" OR ")
}

/// The values of the condition.
fn bind(query: Query, ranges: &[Vec<&Second>]) -> Query {
    ranges.iter().fold(query, |query, range| {
        let (Some(first), Some(last)) = (range.first(), range.last()) else { return query };
        let (begin, end) = (CommitKey::start_of(first.time), CommitKey::end_of(last.time));
        let times: Vec<u64> = range.iter().map(|second| second.time).collect();
        query.bind(&first.repository).bind(&first.branch).bind(begin.0).bind(end.0).bind(times)
    })
}

/// The memory that a commit takes here, about.
fn bytes(commit: &Commit) -> usize {
    let Commit { repository_id, branch, hash, identifier, .. } = commit;
    let texts = [Some(repository_id), Some(branch), hash.as_ref(), identifier.as_ref()];
    size_of::<Commit>() + texts.into_iter().flatten().map(String::len).sum::<usize>()
}

/// The order of a commit in a second whose other commits are these; none if all orders are taken.
fn order(known: &[Commit], commit: &Commit) -> Option<i64> {
    if let Some(position) = position_of(known, commit) {
        return known.get(position).map(|known| known.order);
    }
    let is_free = |order: &i64| known.iter().all(|known| known.order != *order);
    let last = known.iter().map(|known| known.order).max().unwrap_or(-1);
    // Later ones come after earlier ones as long as there is room.
    std::iter::once(commit.order).chain(last + 1..ORDERS).chain(0..ORDERS).find(is_free)
}

fn all_orders_taken(commit: &Commit) -> IntakeError {
    let Commit { repository_id, branch, timestamp, .. } = commit;
    let text = format!(
        "'{branch}' of '{repository_id}' has {ORDERS} commits at second {timestamp} already, which is as many as there can \
         be: check the commit's timestamp"
    );
    faulty(UploadFault::Commit, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(hash: &str, order: i64) -> Commit {
        Commit {
            repository_id: "webkit".into(),
            branch: "main".into(),
            timestamp: 1_700_000_000,
            order,
            hash: Some(hash.into()),
            revision: None,
            identifier: None,
            message: None,
            author: None,
        }
    }

    #[test]
    fn a_known_commit_keeps_its_order() {
        let known = [commit("a1", 0), commit("b2", 7)];
        assert_eq!(order(&known, &commit("b2", 0)), Some(7));
        assert_eq!(order(&known, &commit("b2c3", 3)), Some(7));
    }

    #[test]
    fn another_commit_gets_the_order_it_asks_for_or_the_next_free_one() {
        assert_eq!(order(&[], &commit("a1", 0)), Some(0));
        assert_eq!(order(&[], &commit("a1", 5)), Some(5));
        assert_eq!(order(&[commit("a1", 0)], &commit("b2", 0)), Some(1));
        assert_eq!(order(&[commit("a1", 0), commit("b2", 5)], &commit("c3", 0)), Some(6));
        assert_eq!(order(&[commit("a1", 0), commit("b2", 5)], &commit("c3", 2)), Some(2));
        assert_eq!(order(&[commit("a1", 0), commit("b2", 99)], &commit("c3", 0)), Some(1));
    }

    #[test]
    fn a_full_second_takes_no_other_commit() {
        let full: Vec<Commit> = (0..ORDERS).map(|order| commit(&format!("a{order:02}"), order)).collect();
        assert_eq!(order(&full, &commit("b2", 0)), None);
        assert_eq!(order(&full, &commit("a42", 0)), Some(42));
        let text = all_orders_taken(&commit("b2", 0)).to_string();
        assert!(text.starts_with("'main' of 'webkit' has 100 commits at second 1700000000"), "{text}");
    }
}
