//! How a report is packed before it is read.

use std::io::{self, Cursor, Write};

use fastrand::Rng;
use flate2::Compression;
use flate2::write::GzEncoder;
use zip::write::SimpleFileOptions;

/// What a report lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    /// A zip that is read from its beginning.
    ZipStream,
    /// A zip that is read by its directory.
    ZipFile,
}

impl Packing {
    /// Reports, packed.
    pub(crate) fn pack(self, rng: &mut Rng, reports: &[Vec<u8>]) -> io::Result<Vec<u8>> {
        match self {
            Self::Plain => Ok(reports.concat()),
            Self::Gzip => reports.iter().try_fold(Vec::new(), |packed, report| gzip(packed, report)),
            Self::ZipStream | Self::ZipFile => zip(rng, reports),
        }
    }
}

fn gzip(into: Vec<u8>, report: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(into, Compression::fast());
    encoder.write_all(report)?;
    encoder.finish()
}

/// A zip with reports, some of them compressed by themselves, and a file that is none.
fn zip(rng: &mut Rng, reports: &[Vec<u8>]) -> io::Result<Vec<u8>> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let method = if rng.bool() { zip::CompressionMethod::Deflated } else { zip::CompressionMethod::Stored };
    let options = SimpleFileOptions::default().compression_method(method);
    archive.start_file("folder/picture.png", options)?;
    archive.write_all(b"x")?;
    for (index, report) in reports.iter().enumerate() {
        if rng.u8(0..4) == 0 {
            archive.start_file(format!("{index}.xml.gz"), options)?;
            archive.write_all(&gzip(Vec::new(), report)?)?;
        } else {
            archive.start_file(format!("folder/{index}.json"), options)?;
            archive.write_all(report)?;
        }
    }
    Ok(archive.finish()?.into_inner())
}
