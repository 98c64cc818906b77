//! Parts of forms that have files.

use axum::extract::multipart::{Field, MultipartError};

use crate::error::{IntakeError, bad};

/// The error of a form that ends within a part.
pub(crate) fn cut(error: MultipartError) -> IntakeError {
    bad(format!("The form was cut off: {error}"))
}

/// A field as a whole; none if it has more bytes than so many.
pub(crate) async fn field(part: &mut Field<'_>, most: usize) -> Result<Option<Vec<u8>>, IntakeError> {
    let mut read = Vec::new();
    while let Some(chunk) = part.chunk().await.map_err(cut)? {
        if read.len() + chunk.len() > most {
            return Ok(None);
        }
        read.extend_from_slice(&chunk);
    }
    Ok(Some(read))
}
