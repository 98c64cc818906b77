//! What there is to export: weeks of runs and their results by the week of their commit, and all commits.

use clickhouse::error::Result;
use clickhouse::{Client, Row};
use serde::Deserialize;

use crate::facts::{Facts, WEEK};
use crate::manifest::{Partition, ROOT};

/// What goes into one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Portion {
    pub(crate) facts: Facts,
    /// The Monday of its commits; none for commits.
    pub(crate) week: Option<String>,
    /// A name for what it holds, which changes with every row.
    state: String,
}

impl Portion {
    /// Where its file is. What holds something else is another file.
    pub(crate) fn path(&self) -> String {
        let Self { facts, week, state } = self;
        match week {
            Some(week) => format!("{ROOT}/{}/week={week}/{state}.parquet", facts.name()),
            None => format!("{ROOT}/{}/{state}.parquet", facts.name()),
        }
    }
}

#[derive(Row, Deserialize)]
struct WeekRow {
    week: String,
    state: String,
}

#[derive(Row, Deserialize)]
struct WatermarkRow {
    partition: u32,
    next_offset: u64,
}

/// How far the views are.
pub(crate) async fn shown(client: &Client) -> Result<Vec<Partition>> {
    // The watermark of the largest number stands for rebuilds.
    let sql = "SELECT partition, next_offset FROM watermarks WHERE partition < 4294967295 ORDER BY partition";
    let rows: Vec<WatermarkRow> = client.query(sql).fetch_all().await?;
    Ok(rows.into_iter().map(|WatermarkRow { partition, next_offset }| Partition { partition, next_offset }).collect())
}

/// Every portion of the runs that meet the condition `kept`, in the order of the manifest. A week's state follows from its runs,
/// which their results belong to, and from the configurations that they name.
pub(crate) async fn portions(client: &Client, kept: &str) -> Result<Vec<Portion>> {
    let sql = format!(
        "SELECT toString({WEEK}) AS week, \
               lower(hex(sipHash128(count(), groupBitXor(\
               sipHash64(suite, branch, config_id, uuid, sdk, start_time, version))))) AS state \
               FROM runs WHERE {kept} GROUP BY week ORDER BY week"
    );
    let weeks: Vec<WeekRow> = client.query(&sql).fetch_all().await?;
    let of = |facts: Facts| {
        weeks.iter().map(move |WeekRow { week, state }| Portion {
            facts,
            week: Some(week.clone()),
            state: state.clone(),
        })
    };
    let sql = "SELECT lower(hex(sipHash128(count(), groupBitXor(\
               sipHash64(repository, branch, uuid, hash, revision, identifier, version))))) FROM commits";
    let commits = Portion { facts: Facts::Commits, week: None, state: client.query(sql).fetch_one().await? };
    Ok(of(Facts::Results).chain(of(Facts::Runs)).chain([commits]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_what_it_holds() {
        let week = Some("2026-11-23".to_owned());
        let portion = |facts, week| Portion { facts, week, state: "0f".to_owned() };
        assert_eq!(portion(Facts::Runs, week).path(), "exports/runs/week=2026-11-23/0f.parquet");
        assert_eq!(portion(Facts::Commits, None).path(), "exports/commits/0f.parquet");
    }
}
