//! Every metric of every service: what it counts, in which unit, for `/metrics` and for whoever adds one.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Name, kind and meaning of each metric; a name ends with its unit.
pub(crate) const METRICS: [(&str, Kind, &str); 23] = [
    ("resultsdb_denied_requests_total", Kind::Counter, "Requests whose sender may not, by status"),
    ("resultsdb_refused_requests_total", Kind::Counter, "Requests that the intake refused, by status"),
    ("resultsdb_repeated_uploads_total", Kind::Counter, "Uploads that were given the receipt of an earlier one"),
    ("resultsdb_unknown_outcomes_total", Kind::Counter, "Tests that were uploaded with a state that nobody knows"),
    ("resultsdb_owner_readings_total", Kind::Counter, "Readings of a repository's files of owners, by result"),
    ("resultsdb_append_seconds", Kind::Histogram, "How long the log took to make an event durable"),
    ("resultsdb_appended_events_total", Kind::Counter, "Events that were appended to the log, by result"),
    ("resultsdb_appended_bytes_total", Kind::Counter, "Bytes of these events, compressed"),
    ("resultsdb_lag_events", Kind::Gauge, "Events that the views do not show yet, by partition"),
    ("resultsdb_batch_events", Kind::Histogram, "Events of the batches that the processor wrote"),
    ("resultsdb_insert_seconds", Kind::Histogram, "How long the store took to insert rows, by table"),
    ("resultsdb_inserted_rows_total", Kind::Counter, "Rows that were inserted, by table"),
    ("resultsdb_visible_seconds", Kind::Histogram, "From the oldest event of a batch to its rows in the views"),
    ("resultsdb_dead_letters_total", Kind::Counter, "Events that could not be processed"),
    ("resultsdb_archived_events_total", Kind::Counter, "Events that were copied to the archive"),
    ("resultsdb_swept_blobs_total", Kind::Counter, "Blobs that no event named and that were removed"),
    ("resultsdb_archive_lag_events", Kind::Gauge, "Events that are not in the archive yet, by partition"),
    ("resultsdb_request_seconds", Kind::Histogram, "How long the query service took to answer, by endpoint and method"),
    ("resultsdb_requests_total", Kind::Counter, "Answers of the query service, by endpoint, method and status"),
    ("resultsdb_cacheable_requests_total", Kind::Counter, "Questions whose answers are kept"),
    ("resultsdb_cache_misses_total", Kind::Counter, "Those of them that no kept answer held for"),
    ("resultsdb_alerts_total", Kind::Counter, "Findings that hooks were told of, by hook"),
    ("resultsdb_alert_failures_total", Kind::Counter, "Rounds in which a hook could not be told, by hook"),
];

/// Tells the recorder what each metric means.
pub(crate) fn describe() {
    for (name, kind, meaning) in METRICS {
        match kind {
            Kind::Counter => describe_counter!(name, meaning),
            Kind::Gauge => describe_gauge!(name, meaning),
            Kind::Histogram => describe_histogram!(name, meaning),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn sources(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("metrics.rs") {
                found.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }

    /// The names that services record under, as their sources have them.
    fn recorded() -> BTreeSet<String> {
        let mut texts = Vec::new();
        for service in ["access", "ingest", "processor", "query", "alerts", "resultsdb"] {
            sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(service).join("src"), &mut texts);
        }
        let layer = Path::new(env!("CARGO_MANIFEST_DIR")).join("../query/src/layers/metrics.rs");
        texts.push(std::fs::read_to_string(layer).unwrap());
        let quoted = texts.iter().flat_map(|text| text.split('"').skip(1).step_by(2));
        // Cookies have names of the same form.
        let is_cookie = |name: &str| ["resultsdb_session", "resultsdb_sign_in"].contains(&name);
        let is_metric =
            |name: &&str| name.starts_with("resultsdb_") && !name.contains([' ', '{', '=']) && !is_cookie(name);
        quoted.filter(is_metric).map(str::to_owned).collect()
    }

    #[test]
    fn every_recorded_metric_is_in_the_list_and_no_other() {
        let listed: BTreeSet<String> = METRICS.iter().map(|(name, ..)| (*name).to_owned()).collect();
        assert_eq!(recorded(), listed);
    }

    #[test]
    fn names_end_with_their_units() {
        for (name, kind, _) in METRICS {
            assert_eq!(name.ends_with("_total"), kind == Kind::Counter, "{name}");
            assert!(kind == Kind::Counter || name.ends_with("_seconds") || name.ends_with("_events"), "{name}");
        }
    }
}
