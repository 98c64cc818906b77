//! What a check finds in a data directory, and the check of the engine's tables.

use std::sync::Arc;

use serde_json::Value;

use crate::chdb::ChdbError;
use crate::freeze::merge_trees;
use crate::pool::Pool;

/// One damaged place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file, or the folder where no single file can be named.
    pub place: String,
    /// What is wrong there.
    pub cause: String,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.cause)
    }
}

/// Reads every part of every table. Parts that the engine set aside when it opened the tables are damaged as well: their
/// rows are in no answer.
pub(crate) async fn of_tables(pool: &Arc<Pool>) -> Result<Vec<Damage>, ChdbError> {
    let set_aside = "SELECT path, reason FROM system.detached_parts \
                     WHERE startsWith(reason, 'broken') OR startsWith(reason, 'unexpected')";
    let mut damages: Vec<Damage> = pool
        .rows(set_aside)
        .await?
        .iter()
        .map(|row| Damage {
            place: text(row, "path"),
            cause: format!("the engine could not read this part and set it aside ({})", text(row, "reason")),
        })
        .collect();
    for table in merge_trees(pool).await? {
        let check = format!("CHECK TABLE {} SETTINGS check_query_single_value_result = 0", table.quoted());
        match pool.rows(&check).await {
            Ok(parts) => damages.extend(parts.iter().filter(|part| !is_passed(part)).map(|part| Damage {
                place: format!("{}{}", table.folder, text(part, "part_path")),
                cause: format!("table {}: {}", table.name, text(part, "message")),
            })),
            Err(error) => {
                damages.push(Damage { place: table.folder, cause: format!("table {}: {error}", table.name) });
            }
        }
    }
    Ok(damages)
}

fn text(row: &Value, member: &str) -> String {
    row[member].as_str().unwrap_or_default().to_owned()
}

fn is_passed(part: &Value) -> bool {
    part["is_passed"] == true || part["is_passed"] == 1
}
