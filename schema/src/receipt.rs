//! Receipts: what an uploader is given to ask later what became of its upload. Nothing is stored for them, because a
//! receipt says where in the log the event stands and the views say how far they are.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// The header that carries a receipt.
pub const RECEIPT_HEADER: &str = "resultsdb-receipt";

/// `<partition>-<offset>-<event id>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Partition of the events' topic.
    pub partition: u32,
    /// Offset in it.
    pub offset: u64,
    /// The event.
    pub event_id: Uuid,
}

impl Receipt {
    /// When the intake made the event, seconds since 1970: the event's id is a UUIDv7, which begins with it. None for other ids.
    pub fn made_at(&self) -> Option<u64> {
        Some(self.event_id.get_timestamp()?.to_unix().0)
    }
}

/// A text that is no receipt.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{0}' is not a receipt; receipts look like 0-17-0190163d-8694-739b-aea5-966c26f8ad91")]
pub struct NotAReceipt(String);

impl fmt::Display for Receipt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}-{}", self.partition, self.offset, self.event_id)
    }
}

impl FromStr for Receipt {
    type Err = NotAReceipt;

    fn from_str(text: &str) -> Result<Self, NotAReceipt> {
        let parts = || -> Option<Self> {
            let mut parts = text.splitn(3, '-');
            Some(Self {
                partition: parts.next()?.parse().ok()?,
                offset: parts.next()?.parse().ok()?,
                event_id: parts.next()?.parse().ok()?,
            })
        };
        parts().ok_or_else(|| NotAReceipt(text.to_owned()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_say_when_an_event_was_made() {
        let made_at = |text: &str| text.parse::<Receipt>().unwrap().made_at();
        // The first 48 bits are milliseconds since 1970 (RFC 9562, section 5.7).
        assert_eq!(made_at("0-17-0190163d-8694-739b-aea5-966c26f8ad91"), Some(0x0190_163d_8694 / 1000));
        assert_eq!(made_at("0-17-919108f7-52d1-4320-9bac-f847db4148a8"), None);
    }

    proptest! {
        #[test]
        fn texts_read_back(partition: u32, offset: u64, id: u128) {
            let receipt = Receipt { partition, offset, event_id: Uuid::from_u128(id) };
            prop_assert_eq!(receipt.to_string().parse::<Receipt>().unwrap(), receipt);
        }

        #[test]
        fn other_texts_are_refused(text in ".{0,40}") {
            prop_assert!(text.parse::<Receipt>().is_err());
        }
    }
}
