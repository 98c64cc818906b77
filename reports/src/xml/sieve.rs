//! Bytes of XML cut down to what a parser may hold in memory.
//!
//! A parser reads a piece of text or a tag as a whole. The sieve hands on one piece at a time, of bounded length: of long
//! text and long attribute values it hands on the beginning, of comments nothing. It refuses document types, lets a `<`
//! that begins no tag stand as text, and counts lines and bytes as they are in the report.

use std::io::{self, BufRead, Read};

use crate::limits::XML_TEXT_BYTES;

/// Whitespace and names inside a tag, without the values of attributes.
const TAG_BYTES: usize = 64 << 10;

/// The reader below the parser.
pub(super) struct Sieve<R> {
    inner: R,
    out: Vec<u8>,
    at: usize,
    line: u64,
    byte: u64,
    /// The last bytes that were read, handed on or not.
    tail: [u8; 3],
    document_type: bool,
}

impl<R: BufRead> Sieve<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, out: Vec::new(), at: 0, line: 1, byte: 0, tail: [0; 3], document_type: false }
    }

    /// The line, from 1, and the byte, from 0, at which the piece that was handed on last ends.
    pub(super) fn position(&self) -> (u64, u64) {
        (self.line, self.byte)
    }

    /// Whether the report holds a document type, at the present position.
    pub(super) fn has_document_type(&self) -> bool {
        self.document_type
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.inner.fill_buf() {
                Ok(bytes) => return Ok(bytes.first().copied()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn next(&mut self) -> io::Result<Option<u8>> {
        let byte = self.peek()?;
        if let Some(byte) = byte {
            self.inner.consume(1);
            self.count(&[byte]);
        }
        Ok(byte)
    }

    fn count(&mut self, bytes: &[u8]) {
        self.byte += bytes.len() as u64;
        self.line += memchr::memchr_iter(b'\n', bytes).count() as u64;
        for &byte in &bytes[bytes.len().saturating_sub(3)..] {
            self.tail = [self.tail[1], self.tail[2], byte];
        }
    }

    /// Reads up to a byte, which stays unread; keeps the first `limit` bytes and says whether others were dropped.
    fn until(&mut self, stop: u8, limit: usize) -> io::Result<bool> {
        let kept_before = self.out.len();
        let mut dropped = false;
        loop {
            self.peek()?;
            let bytes = self.inner.fill_buf()?;
            let end = memchr::memchr(stop, bytes).unwrap_or(bytes.len());
            let found = end < bytes.len();
            let room = limit.saturating_sub(self.out.len() - kept_before).min(end);
            dropped |= room < end;
            self.out.extend_from_slice(&bytes[..room]);
            self.byte += end as u64;
            self.line += memchr::memchr_iter(b'\n', &bytes[..end]).count() as u64;
            for &byte in &bytes[end.saturating_sub(3)..end] {
                self.tail = [self.tail[1], self.tail[2], byte];
            }
            self.inner.consume(end);
            if found || end == 0 {
                return Ok(dropped);
            }
        }
    }

    fn piece(&mut self) -> io::Result<()> {
        self.out.clear();
        self.at = 0;
        if self.peek()? != Some(b'<') {
            return self.until(b'<', XML_TEXT_BYTES).map(drop);
        }
        self.next()?;
        match self.peek()? {
            Some(b'!') => self.declaration(),
            Some(b'?') => {
                self.out.extend_from_slice(b"<?");
                self.next()?;
                self.through(b"?>", TAG_BYTES)
            }
            Some(b'/' | b'_' | b':' | b'a'..=b'z' | b'A'..=b'Z' | 0x80..) | None => {
                self.out.push(b'<');
                self.tag()
            }
            Some(_) => {
                self.out.extend_from_slice(b"&lt;");
                self.until(b'<', XML_TEXT_BYTES).map(drop)
            }
        }
    }

    fn declaration(&mut self) -> io::Result<()> {
        self.next()?;
        match self.peek()? {
            Some(b'-') => {
                // Comments say nothing; an empty one keeps the parser in step.
                self.next()?;
                self.next()?;
                self.out.extend_from_slice(b"<!--");
                self.through(b"-->", 0)
            }
            Some(b'[') => {
                self.out.extend_from_slice(b"<!");
                for _ in 0..7 {
                    let byte = self.next()?;
                    self.out.extend(byte);
                }
                self.through(b"]]>", XML_TEXT_BYTES)
            }
            None => {
                self.out.extend_from_slice(b"<!");
                Ok(())
            }
            Some(_) => {
                self.document_type = true;
                Err(io::Error::new(io::ErrorKind::InvalidData, "document type"))
            }
        }
    }

    /// Reads through an end mark, keeping the first `limit` bytes and the mark.
    fn through(&mut self, mark: &[u8], limit: usize) -> io::Result<()> {
        let start = self.out.len();
        let mut dropped = limit == 0;
        loop {
            dropped |= self.until(b'>', limit.saturating_sub(self.out.len() - start))?;
            let Some(byte) = self.next()? else { return Ok(()) };
            if !dropped {
                self.out.push(byte);
            }
            if self.tail.ends_with(mark) {
                if dropped {
                    self.out.extend_from_slice(mark);
                }
                return Ok(());
            }
        }
    }

    fn tag(&mut self) -> io::Result<()> {
        const MOST: usize = TAG_BYTES + XML_TEXT_BYTES;
        loop {
            let Some(byte) = self.next()? else { return Ok(()) };
            match byte {
                // A tag of megabytes is no tag; the parser sees what is left of it.
                b'"' | b'\'' if self.out.len() > MOST => {
                    self.until(byte, 0)?;
                    self.next()?;
                }
                b'"' | b'\'' => {
                    self.out.push(byte);
                    self.until(byte, (MOST - self.out.len().min(MOST)).min(XML_TEXT_BYTES))?;
                    let byte = self.next()?;
                    self.out.extend(byte);
                }
                b'>' => {
                    self.out.push(byte);
                    return Ok(());
                }
                _ if self.out.len() > MOST => {}
                _ => self.out.push(byte),
            }
        }
    }
}

impl<R: BufRead> Read for Sieve<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?;
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Sieve<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.out.len() {
            self.piece()?;
        }
        Ok(&self.out[self.at..])
    }

    fn consume(&mut self, count: usize) {
        self.at = (self.at + count).min(self.out.len());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Read;

    use super::Sieve;

    fn sieved(xml: &str) -> String {
        let mut out = String::new();
        Sieve::new(xml.as_bytes()).read_to_string(&mut out).unwrap();
        out
    }

    #[test]
    fn what_is_short_passes_and_comments_are_emptied() {
        let xml = "<?xml version=\"1.0\"?><a b='x > y' c=\"<\">t ]]> x<![CDATA[ a ]] > ]]]]><![CDATA[>]]><b/></a>";
        assert_eq!(sieved(xml), xml);
        assert_eq!(sieved("<a><!-- a -- > b --><!----></a>"), "<a><!----><!----></a>");
        assert_eq!(sieved("<a>1 < 2 <3</a>"), "<a>1 &lt; 2 &lt;3</a>");
        assert_eq!(sieved("<a><![CDATA[x"), "<a><![CDATA[x");
        assert_eq!(sieved("<a b=\"c"), "<a b=\"c");
    }

    #[test]
    fn what_is_long_is_cut() {
        let long = "x".repeat(3 << 20);
        let out = sieved(&format!("<a b=\"{long}\">{long}<![CDATA[{long}]]]><!-- {long} --></a>"));
        assert!(out.len() < (4 << 20), "{}", out.len());
        assert!(out.starts_with("<a b=\"xx"));
        assert!(out.ends_with("]]><!----></a>"));
        assert_eq!(out.matches("]]>").count(), 1);
        // All attributes of a tag together, and quotes without any.
        for attributes in [format!(" b=\"{long}\"").repeat(5), "\"\"".repeat(3 << 20)] {
            let out = sieved(&format!("<a{attributes}></a>"));
            assert!(out.len() < (2 << 20) && out.ends_with("></a>"), "{}", out.len());
        }
    }

    #[test]
    fn a_document_type_is_refused_where_it_stands() {
        let mut sieve = Sieve::new("<?xml?>\n<!DOCTYPE a [<!ENTITY b \"c\">]><a/>".as_bytes());
        assert!(sieve.read_to_string(&mut String::new()).is_err());
        assert!(sieve.has_document_type());
        assert_eq!(sieve.position().0, 2);
    }
}
