//! Reads a whole log and says what is damaged: checksums of records, missing offsets, what nobody described.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use eventlog::{LogError, Position};

use super::copy::parse_committed;
use super::stored::{decode, parse_record_key};
use super::{LocalLog, Shared};
use crate::damage::Damage;

/// What a check of a log found.
#[derive(Debug, Default)]
pub struct LogCheck {
    /// Records whose checksum was compared.
    pub records: u64,
    /// What is damaged.
    pub damages: Vec<Damage>,
    /// What is worth a word and loses nothing that was acknowledged.
    pub notes: Vec<String>,
}

impl LocalLog {
    /// Reads everything in a log that no process uses. Fails where the log is in use or cannot be reached; whatever is
    /// damaged is in the answer.
    pub fn check(directory: &Path) -> Result<LogCheck, LogError> {
        let before = journals(directory);
        let mut check = LogCheck::default();
        let log = match Self::open(directory) {
            Ok(log) => log,
            Err(LogError::Damaged { cause, .. }) => {
                let names: Vec<String> = before.iter().map(|(path, _)| path.display().to_string()).collect();
                let place = if cause.contains("JournalRecovery") && !names.is_empty() {
                    names.join(" or ")
                } else {
                    directory.display().to_string()
                };
                check.damages.push(Damage { place, cause: format!("the log cannot be opened: {cause}") });
                return Ok(check);
            }
            Err(other) => return Err(other),
        };
        for (path, length) in &before {
            let left = written_length(path);
            if left < *length {
                let torn = length - left;
                check.notes.push(format!(
                    "{}: an append was broken off; its {torn} bytes, which were never acknowledged, are removed",
                    path.display()
                ));
            }
        }
        log.shared.check_records(&mut check);
        log.shared.check_offsets(&mut check);
        Ok(check)
    }
}

impl Shared {
    fn check_records(&self, check: &mut LogCheck) {
        // The offset that has to come next, by topic and partition.
        let mut next: BTreeMap<(String, u32), u64> = BTreeMap::new();
        let mut last = "before the first record".to_owned();
        let tables = self.records.path().display().to_string();
        let mut damage = |cause: String| check.damages.push(Damage { place: tables.clone(), cause });
        for entry in self.records.iter() {
            let (key, stored) = match entry.into_inner() {
                Ok(found) => found,
                Err(error) => {
                    damage(format!("records {last} cannot be read, nor what follows them: {error}"));
                    return;
                }
            };
            let Some((topic, partition, offset)) = parse_record_key(&key) else {
                damage(format!("a record {last} has no place: its key cannot be read"));
                continue;
            };
            let place = format!("topic {topic}, partition {partition}, offset {offset}");
            check.records += 1;
            if decode(&key, &stored, Position { partition, offset }).is_none() {
                damage(format!("{place}: the checksum does not match"));
            }
            let expected = next.entry((topic.clone(), partition)).or_insert(0);
            if *expected == 0
                && !self.topic(&topic, |found| partition < found.partitions).is_ok_and(|is_there| is_there)
            {
                damage(format!("{place}: no topic has this partition"));
            }
            if offset != *expected {
                let gone = format!("offsets {} to {}", expected, offset - 1);
                damage(format!("topic {topic}, partition {partition}: {gone} are missing"));
            }
            *expected = offset + 1;
            last = format!("after {place}");
        }
    }

    /// A group cannot have done what is not there: records were lost at the end, where no gap shows it.
    fn check_offsets(&self, check: &mut LogCheck) {
        let place = self.offsets.path().display().to_string();
        let mut damage = |cause: String| check.damages.push(Damage { place: place.clone(), cause });
        for entry in self.offsets.iter() {
            let (key, next) = match entry.into_inner() {
                Ok(found) => found,
                Err(error) => return damage(format!("what groups have done cannot be read: {error}")),
            };
            let Some(committed) = parse_committed(&key, &next) else {
                damage("what a group has done cannot be read".to_owned());
                continue;
            };
            let (topic, partition) = (&committed.topic, committed.partition);
            match self.end_offset(topic, partition) {
                Ok(end) if committed.next > end => damage(format!(
                    "topic {topic}, partition {partition}: group {} has done the records before offset {}, and the log \
                     ends at offset {end}",
                    committed.group, committed.next
                )),
                Ok(_) => {}
                Err(error) => damage(format!("topic {topic}, partition {partition}: the end cannot be read: {error}")),
            }
        }
    }
}

/// The journals, and how many bytes were written to each.
fn journals(directory: &Path) -> Vec<(PathBuf, u64)> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let journals = paths.filter(|path| path.extension().is_some_and(|extension| extension == "jnl"));
    let mut journals: Vec<(PathBuf, u64)> = journals.map(|path| (path.clone(), written_length(&path))).collect();
    journals.sort();
    journals
}

/// Journals have space reserved at their end, which is zero.
fn written_length(journal: &Path) -> u64 {
    let bytes = std::fs::read(journal).unwrap_or_default();
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1)
}
