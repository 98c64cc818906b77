//! Space on disks.

use std::path::Path;

use anyhow::Context;
use clickhouse::{Client, Row};
use schema::seconds::DAY;
use serde::Deserialize;

use super::finding::Finding;
use super::units::{bytes, time};

/// The free part of a disk, in per cent, below which somebody should look: the store merges parts into larger ones, for which
/// it needs their size once more.
const LOW: u64 = 20;
/// A disk is as good as full below this part and this size, because of a large disk a small part is still much.
const FULL: u64 = 5;
const FULL_BYTES: u64 = 10 << 30;
/// Any disk is full below this: `serve` takes no uploads below 256 MiB, and a merge may need more at any time.
const LEAST: u64 = 1 << 30;
/// Somebody should look at a disk that is full so soon.
const SOON: u64 = 30 * DAY;
/// Growth is that of so many last whole weeks.
const WEEKS: u64 = 4;

/// A disk, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
struct Disk {
    name: String,
    free: u64,
    all: u64,
}

/// Asks the store for its disks, and how fast its tables grow.
pub(super) async fn of_store(client: &Client) -> anyhow::Result<Finding> {
    // Buckets have no size.
    let sql = "SELECT name, unreserved_space AS free, total_space AS all FROM system.disks \
               WHERE total_space > 0 AND total_space < 18446744073709551615 ORDER BY name";
    let disks: Vec<Disk> = client.query(sql).fetch_all().await.context("asking ClickHouse for its disks")?;
    // Tables of runs are partitioned by the week of the commit, which is mostly that of the upload.
    let sql = "SELECT toUInt64(sum(bytes_on_disk)) FROM system.parts \
               WHERE active AND database = currentDatabase() AND match(partition, '^[0-9]{4}-[0-9]{2}-[0-9]{2}$') \
               AND toDateOrZero(partition) >= toMonday(now('UTC')) - ? * 7 AND toDateOrZero(partition) < toMonday(now('UTC'))";
    let written: u64 = client.query(sql).bind(WEEKS).fetch_one().await.context("asking ClickHouse for its growth")?;
    Ok(judge(
        &disks,
        written / (WEEKS * 7),
        "Give ClickHouse a larger disk, or keep results for fewer weeks ([[retention]])",
    ))
}

/// Looks at the file system that a folder is on.
pub(super) fn of_folder(folder: &Path) -> anyhow::Result<Finding> {
    let found = rustix::fs::statvfs(folder).with_context(|| format!("asking for the space of {}", folder.display()))?;
    let disk = Disk {
        name: folder.display().to_string(),
        free: found.f_bavail.saturating_mul(found.f_frsize),
        all: found.f_blocks.saturating_mul(found.f_frsize),
    };
    Ok(judge(&[disk], 0, "Free some space, or give the folder a larger disk"))
}

/// `growth` is in bytes a day, on all disks together; 0 where it is not known.
fn judge(disks: &[Disk], growth: u64, advice: &str) -> Finding {
    let text = |disk: &Disk| {
        let share = disk.free.saturating_mul(100) / disk.all.max(1);
        format!("{} of {} are free on {} ({share} %)", bytes(disk.free), bytes(disk.all), disk.name)
    };
    let free: u64 = disks.iter().map(|disk| disk.free).sum();
    let lasts = (growth > 0).then(|| (free / growth.max(1)).saturating_mul(DAY));
    let grows = match lasts {
        Some(lasts) => format!("; results of a day take {}, which the space holds for {}", bytes(growth), time(lasts)),
        None => String::new(),
    };
    let is_below = |disk: &Disk, share: u64| disk.free.saturating_mul(100) < disk.all.saturating_mul(share);
    let troubles = disks.iter().filter_map(|disk| {
        if disk.free < LEAST || is_below(disk, FULL) && disk.free < FULL_BYTES {
            Some(Finding::wrong(text(disk) + &grows, advice))
        } else if is_below(disk, LOW) || lasts.is_some_and(|lasts| lasts < SOON) {
            Some(Finding::look(text(disk) + &grows, advice))
        } else {
            None
        }
    });
    let well: Vec<String> = disks.iter().map(text).collect();
    Finding::of(troubles.collect(), well.join(", ") + &grows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    const GIB: u64 = 1 << 30;

    fn of(free: u64, all: u64, growth: u64) -> Finding {
        judge(&[Disk { name: "default".to_owned(), free, all }], growth, "Free some")
    }

    #[test]
    fn little_space_is_told_before_it_is_gone() {
        assert_eq!(of(20 * GIB, 100 * GIB, 0), Finding::ok("20.0 GiB of 100.0 GiB are free on default (20 %)"));
        assert_eq!(of(19 * GIB, 100 * GIB, 0).verdict, Verdict::Look);
        assert_eq!(of(4 * GIB, 100 * GIB, 0).verdict, Verdict::Wrong);
        assert_eq!(of(10 * GIB, 1000 * GIB, 0).verdict, Verdict::Look);
        assert_eq!(of(GIB / 2, GIB, 0).verdict, Verdict::Wrong);
    }

    #[test]
    fn growth_tells_how_long_the_space_lasts() {
        let found = of(50 * GIB, 100 * GIB, GIB);
        assert_eq!(found.verdict, Verdict::Ok);
        assert!(found.found.ends_with("results of a day take 1.0 GiB, which the space holds for 50 d"), "{found:?}");
        assert_eq!(of(50 * GIB, 100 * GIB, 2 * GIB).verdict, Verdict::Look);
    }

    #[test]
    fn the_fullest_disk_decides() {
        let disk = |name: &str, free| Disk { name: name.to_owned(), free: free * GIB, all: 100 * GIB };
        let found = judge(&[disk("a", 90), disk("b", 2)], 0, "Free some");
        assert_eq!((found.verdict, found.found.as_str()), (Verdict::Wrong, "2.0 GiB of 100.0 GiB are free on b (2 %)"));
    }
}
