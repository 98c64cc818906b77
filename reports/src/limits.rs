//! What a report may cost: every bound on its size, and on what is kept of it.

/// Bytes of one run's reports after decompression. What is beyond is not read.
pub const REPORT_BYTES: u64 = 4 << 30;

/// Tests of one run: as many as the table of names takes in 19 MiB, and a multiple of what one process runs. A run of more
/// has to be uploaded in parts.
pub const TESTS: usize = 1_800_000;

/// Elements inside each other, in XML. Keywords of Robot Framework nest deepest.
pub const DEPTH: usize = 512;

/// Attributes of one XML element.
pub const ATTRIBUTES: usize = 256;

/// Bytes of one attribute value or of one run of text that an XML reader sees. The rest is dropped unread.
pub const XML_TEXT_BYTES: usize = 1 << 20;

/// Bytes of the attributes of all XML elements around a place. Elements further in have no attributes.
pub const OPEN_BYTES: usize = 8 << 20;

/// Bytes of one string that a JSON reader sees. The rest is dropped unread.
pub const JSON_STRING_BYTES: usize = 256 << 10;

/// Bytes of one member of a JSON report that is kept whole: one test with all its attempts. Each of its values counts as
/// some more, so that a list of many small ones takes no multiple of that in memory.
pub const JSON_VALUE_BYTES: u64 = 4 << 20;

/// Bytes of one line, in formats that are lines.
pub const LINE_BYTES: usize = 1 << 20;

/// Bytes of an attempt's message that are kept.
pub const MESSAGE_BYTES: usize = 64 << 10;

/// Bytes of an attempt's output that are kept. The whole output is in the report itself.
pub const OUTPUT_BYTES: usize = 64 << 10;

/// Bytes of a part of a name that are kept.
pub const NAME_BYTES: usize = 4 << 10;

/// Bytes of all parts of a name that are kept, some for each part among them. Suites nest, and each test has the names of
/// all that stand around it.
pub const NAME_PARTS_BYTES: usize = 16 << 10;

/// Attempts of one test that are kept. Later ones replace the last.
pub const ATTEMPTS: usize = 256;

/// Properties of one test, or of one report, that are kept.
pub const PROPERTIES: usize = 128;

/// Bytes of tests that are held back, because a later element of the report may be another attempt of theirs. When there
/// are more, the oldest are handed on; a further attempt of such a test counts as a test of its own.
pub const HELD_BYTES: usize = 12 << 20;

/// Bytes of output that are kept of all tests that run at the same time, in formats that are streams of events.
pub const RUNNING_BYTES: usize = 8 << 20;

/// Tests of one name that a further element of that name is compared with, the first ones.
pub const SAME_NAME: usize = 256;

/// Files inside one archive, or inside one folder and those below it.
pub const FILES: usize = 20_000;
