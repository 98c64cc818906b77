//! Where objects are kept, as a person writes it: a folder, or a bucket.

use std::path::PathBuf;
use std::str::FromStr;

/// Where objects are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A folder of this machine.
    Folder(PathBuf),
    /// An S3 bucket and a prefix in it, as `s3://bucket/prefix`.
    Bucket(String),
}

/// Why a text is no place; each is a sentence for who wrote it.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// There is nothing.
    #[error("the name of a place is empty; give a folder, or s3://bucket/prefix")]
    Empty,
    /// It has a scheme that is not known; a folder of that name is hardly meant.
    #[error("'{0}' is no place that can be used; give a folder, or s3://bucket/prefix")]
    Scheme(String),
    /// It has no bucket.
    #[error("'{0}' names no bucket; give s3://bucket/prefix")]
    NoBucket(String),
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        if text.is_empty() {
            return Err(PlaceError::Empty);
        }
        let Some((scheme, rest)) = text.split_once(":/").filter(|(scheme, _)| is_scheme(scheme)) else {
            return Ok(Self::Folder(PathBuf::from(text)));
        };
        // A scheme is the same in capitals (RFC 3986, section 3.1).
        if !scheme.eq_ignore_ascii_case("s3") {
            return Err(PlaceError::Scheme(text.to_owned()));
        }
        match rest.strip_prefix('/') {
            Some(bucket) if !bucket.is_empty() && !bucket.starts_with('/') => {
                Ok(Self::Bucket(format!("s3://{bucket}")))
            }
            _ => Err(PlaceError::NoBucket(text.to_owned())),
        }
    }
}

/// Whether a text may be the scheme of an address (RFC 3986, section 3.1).
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Place, String> {
        text.parse().map_err(|error: PlaceError| error.to_string())
    }

    #[test]
    fn a_place_is_a_folder_or_a_bucket() {
        let bucket = |text: &str| Ok(Place::Bucket(text.to_owned()));
        assert_eq!(read("s3://backups/of/today"), bucket("s3://backups/of/today"));
        assert_eq!(read("S3://backups"), bucket("s3://backups"));
        for folder in ["/var/backups", "backups", "./s3:", "a b/c:/d", "..", "2:/x"] {
            assert_eq!(read(folder), Ok(Place::Folder(folder.into())), "{folder}");
        }
        for other in ["file:///var/backups", "gs://bucket", "https://example.org/x", "FILE:/x"] {
            assert!(read(other).is_err_and(|error| error.contains("is no place that can be used")), "{other}");
        }
        for nowhere in ["s3://", "s3:/bucket", "s3:///x"] {
            assert!(read(nowhere).is_err_and(|error| error.contains("names no bucket")), "{nowhere}");
        }
        assert!(read("").is_err());
    }
}
