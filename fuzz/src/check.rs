//! What holds for every report.

use std::collections::HashSet;
use std::io;
use std::time::{Duration, Instant};

use fastrand::Rng;
use reports::{Item, Test};

use crate::memory;
use crate::packing::Packing;
use crate::reading::{self, Reading};
use crate::subject::Checked;
use crate::targets::Target;

/// The longest that reading may take, without the bytes, and for each byte: a hundredth of the usual speed.
pub(crate) const TIME: Duration = Duration::from_millis(500);
const TIME_OF_BYTE: Duration = Duration::from_micros(1);
/// How often an input that took too long is read again: what another process took of the machine is not the reader's.
const TRIES: usize = 3;
/// The most memory that reading may take.
pub(crate) const MEMORY: usize = 64 << 20;

/// Reads an input several times, and says what is wrong.
pub(crate) fn check(target: &Target, bytes: &[u8], rng: &mut Rng) -> io::Result<Checked> {
    let begun = Instant::now();
    let (reading, peak) = memory::peak(|| reading::read(target, bytes));
    let (reading, time) = (reading?, begun.elapsed());
    let tests = tests(&reading).count();
    let wrong = wrong(target, bytes, rng, &reading, time, peak)?;
    Ok(Checked { time, peak, tests, wrong })
}

fn wrong(
    target: &Target,
    bytes: &[u8],
    rng: &mut Rng,
    reading: &Reading,
    time: Duration,
    peak: usize,
) -> io::Result<Option<String>> {
    if peak > MEMORY {
        return Ok(Some(format!("{} MiB of memory for {} bytes", peak >> 20, bytes.len())));
    }
    let again = reading::read(target, bytes)?;
    if again != *reading {
        return Ok(Some("read twice, it says something else".to_owned()));
    }
    if let Some(wrong) = names(reading).or_else(|| count(target, bytes, reading)) {
        return Ok(Some(wrong));
    }
    let document = reading::write(target, bytes)?;
    if let Err(error) = serde_json::from_slice::<serde_json::Value>(&document) {
        return Ok(Some(format!("the document made of it is no JSON: {error}")));
    }
    if target.streams
        && let Some(wrong) = beginning(target, bytes, rng, reading)?
    {
        return Ok(Some(wrong));
    }
    let most = TIME + TIME_OF_BYTE * u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let mut fastest = time;
    for _ in 0..TRIES {
        if fastest <= most {
            return Ok(None);
        }
        let begun = Instant::now();
        reading::read(target, bytes)?;
        fastest = fastest.min(begun.elapsed());
    }
    Ok((fastest > most).then(|| format!("{} ms for {} bytes", fastest.as_millis(), bytes.len())))
}

fn tests(reading: &Reading) -> impl Iterator<Item = &Test> {
    reading.items.iter().filter_map(|item| if let Item::Test(test) = item { Some(test) } else { None })
}

/// No two tests have one name, and each has an attempt.
fn names(reading: &Reading) -> Option<String> {
    let mut names = HashSet::new();
    tests(reading).find_map(|test| {
        let repeated = !names.insert(test.name.as_str());
        (repeated || test.attempts.is_empty()).then(|| format!("{:?} is there twice, or has no attempt", test.name))
    })
}

/// There are no more tests than the bytes can hold. What an archive holds is not known here.
fn count(target: &Target, bytes: &[u8], reading: &Reading) -> Option<String> {
    let most = bytes.len().div_ceil(target.bytes_per_test);
    let tests = tests(reading).count();
    let plain = target.packing == Packing::Plain && !bytes.starts_with(b"PK") && !bytes.starts_with(b"\x1f\x8b");
    (plain && tests > most).then(|| format!("{tests} tests in {} bytes", bytes.len()))
}

/// A report that is cut off has the first tests of the whole one; the one that was cut may be another.
fn beginning(target: &Target, bytes: &[u8], rng: &mut Rng, whole: &Reading) -> io::Result<Option<String>> {
    let end = rng.usize(0..=bytes.len());
    let cut = reading::read(target, &bytes[..end])?;
    let cut: Vec<&Test> = tests(&cut).collect();
    let first = cut.len().saturating_sub(1);
    let differs = cut[..first]
        .iter()
        .zip(tests(whole).map(Some).chain(std::iter::repeat(None)))
        .find(|(cut, whole)| whole.is_none_or(|whole| **cut != whole));
    Ok(differs.map(|(test, _)| format!("cut at byte {end}, {:?} is another test than in the whole", test.name)))
}
