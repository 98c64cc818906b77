//! Makes sure that the user of others' SQL may read views and do nothing else.

use clickhouse::Client;
use clickhouse::error::Error;

use super::user::{MAX_ROWS, SETTINGS_OF_LIMITS, VIEWS};

/// The store's numbers for what is not allowed: by rights, and by settings that cannot be changed.
const DENIALS: [&str; 2] = ["Code: 497.", "Code: 164."];

/// Statements that would reach beyond the views. They name nothing that exists, so that they do no harm where they are allowed.
const BEYOND: [(&str, &str); 8] = [
    ("read files", "SELECT * FROM file('resultsdb-none.csv', CSV, 'a String')"),
    ("ask other hosts", "SELECT * FROM url('http://resultsdb.invalid/', CSV, 'a String')"),
    ("ask other servers", "SELECT * FROM remote('resultsdb.invalid', system.one)"),
    ("read buckets", "SELECT * FROM s3('http://resultsdb.invalid/none.csv', NOSIGN, 'CSV', 'a String')"),
    ("run programs", "SELECT * FROM executable('resultsdb-none', TSV, 'a String')"),
    ("write rows", "INSERT INTO runs (suite) VALUES ('none')"),
    ("drop tables", "DROP TABLE IF EXISTS resultsdb_none"),
    ("change settings", "SELECT 1 SETTINGS max_result_rows = 0"),
];

/// Makes sure that the user may read views and nothing else, and tells the most rows that a statement may show: one less than the
/// store answers. The error is a sentence without its full stop.
pub(super) async fn of(client: &Client, database: &str) -> Result<u64, String> {
    let grants = text(client, "SHOW GRANTS").await.map_err(|error| format!("the user of [sql] cannot ask: {error}"))?;
    only_views(&grants, database)?;
    let mut most = 0;
    for (name, least) in SETTINGS_OF_LIMITS {
        let found = text(client, &format!("SELECT getSetting('{name}')")).await;
        let found = found.map_err(|error| format!("the settings of the user of [sql] cannot be asked for: {error}"))?;
        let limit = found.trim().parse::<u64>().unwrap_or(0);
        if limit < least {
            return Err(format!(
                "the user of [sql] has {name} = {}; make it as `resultsdb sql-user` says",
                found.trim()
            ));
        }
        if name == MAX_ROWS {
            most = limit - 1;
        }
    }
    for (what, statement) in BEYOND {
        match text(client, statement).await {
            Err(error) if DENIALS.iter().any(|denial| error.to_string().contains(denial)) => {}
            Ok(_) => return Err(format!("the user of [sql] may {what}; make it as `resultsdb sql-user` says")),
            Err(error) => return Err(format!("whether the user of [sql] may {what} cannot be told: {error}")),
        }
    }
    Ok(most)
}

/// Refuses grants of anything but reading views.
fn only_views(grants: &str, database: &str) -> Result<(), String> {
    for line in grants.lines().filter(|line| !line.trim().is_empty()) {
        let plain = line.replace('`', "");
        let table = plain
            .strip_prefix("GRANT SELECT ON ")
            .and_then(|rest| rest.split_once(" TO "))
            .filter(|(_, to)| !to.contains("WITH GRANT OPTION"))
            .and_then(|(table, _)| table.split_once('.'));
        let is_view = table.is_some_and(|(found, view)| {
            (found == database || found == format!("{database}_tables")) && VIEWS.contains(&view)
        });
        if !is_view {
            return Err(format!(
                "the user of [sql] may do more than read views ({line}); make it as `resultsdb sql-user` says"
            ));
        }
    }
    Ok(())
}

async fn text(client: &Client, statement: &str) -> Result<String, Error> {
    let answer = client.query(statement).fetch_bytes("TSVRaw")?.collect().await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reading_of_views_is_let_through() {
        let of = |grants: &str| only_views(grants, "resultsdb").is_ok();
        assert!(of("GRANT SELECT ON resultsdb.runs TO reader\nGRANT SELECT ON `resultsdb`.`results` TO `reader`\n"));
        assert!(of("GRANT SELECT ON resultsdb_tables.runs TO reader"));
        for more in [
            "GRANT SELECT ON *.* TO reader",
            "GRANT SELECT ON resultsdb.* TO reader",
            "GRANT SELECT ON resultsdb.access_keys TO reader",
            "GRANT SELECT ON other.runs TO reader",
            "GRANT SELECT, INSERT ON resultsdb.runs TO reader",
            "GRANT SELECT ON resultsdb.runs TO reader WITH GRANT OPTION",
            "GRANT READ ON FILE TO reader",
            "GRANT somebody TO reader",
        ] {
            assert!(!of(more), "{more}");
        }
    }
}
