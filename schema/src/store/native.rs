//! Blocks of rows in the engine's own columnar format, `Native`: it copies columns as they are instead of reading row
//! after row. The client's library writes such blocks value by value, and no `LowCardinality`; a run's results share
//! most of their columns, so that here a column is filled at once.
//!
//! A block is the number of columns and of rows, then for each column its name, its type and its values. Numbers of a
//! length are written as LEB128, values in little endian.

/// The version of how a dictionary is written.
const SHARED_DICTIONARIES: u64 = 1;
/// Keys follow, indexes into them are of 32 bits, and the reader begins a dictionary anew.
const KEYS_AND_WIDE_INDEXES: u64 = (1 << 9) | (1 << 10) | 2;

/// One block, column by column.
#[derive(Debug)]
pub struct Block {
    bytes: Vec<u8>,
    rows: usize,
}

impl Block {
    /// Of that many columns, which are to be written next, and rows.
    pub fn new(columns: usize, rows: usize) -> Self {
        let mut bytes = Vec::new();
        length(&mut bytes, columns);
        length(&mut bytes, rows);
        Self { bytes, rows }
    }

    /// A column whose values have a fixed size.
    pub fn fixed<const N: usize>(&mut self, name: &str, kind: &str, values: impl Iterator<Item = [u8; N]>) {
        self.head(name, kind);
        self.bytes.reserve(self.rows * N);
        for value in values {
            self.bytes.extend_from_slice(&value);
        }
    }

    /// A column of texts.
    pub fn texts<'a>(&mut self, name: &str, texts: impl Iterator<Item = &'a str>) {
        self.head(name, "String");
        texts.for_each(|value| text(&mut self.bytes, value));
    }

    /// A column of few different texts: each row has one of `texts`, by its place.
    pub fn repeated<'a>(
        &mut self,
        name: &str,
        texts: impl Iterator<Item = &'a str>,
        rows: impl Iterator<Item = usize>,
    ) {
        self.head(name, "LowCardinality(String)");
        let mut keys: Vec<&str> = Vec::new();
        let places: Vec<u32> = texts
            .map(|text| {
                let known = keys.iter().position(|key| *key == text);
                if known.is_none() {
                    keys.push(text);
                }
                known.unwrap_or(keys.len() - 1) as u32
            })
            .collect();
        for number in [SHARED_DICTIONARIES, KEYS_AND_WIDE_INDEXES, keys.len() as u64] {
            self.bytes.extend_from_slice(&number.to_le_bytes());
        }
        keys.iter().for_each(|key| text(&mut self.bytes, key));
        self.bytes.extend_from_slice(&(self.rows as u64).to_le_bytes());
        rows.for_each(|row| self.bytes.extend_from_slice(&places[row].to_le_bytes()));
    }

    /// What is sent.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn head(&mut self, name: &str, kind: &str) {
        text(&mut self.bytes, name);
        text(&mut self.bytes, kind);
    }
}

fn text(to: &mut Vec<u8>, text: &str) {
    length(to, text.len());
    to.extend_from_slice(text.as_bytes());
}

fn length(to: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}
