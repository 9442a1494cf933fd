//! Bill files that were announced and wait to be fetched.

use crate::clock::later;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// A download address is good for five minutes.
const VALID_MILLIS: u64 = 5 * 60_000;

/// Files by token.
#[derive(Debug, Default)]
pub(crate) struct Downloads(BTreeMap<String, File>);

#[derive(Debug)]
struct File {
    merchant_id: String,
    content: Vec<u8>,
    valid_until: Timestamp,
}

impl Downloads {
    pub(crate) fn offer(
        &mut self,
        token: String,
        merchant_id: &str,
        content: Vec<u8>,
        now: Timestamp,
    ) {
        self.0.retain(|_, file| file.valid_until >= now);
        self.0.insert(
            token,
            File {
                merchant_id: merchant_id.to_owned(),
                content,
                valid_until: later(now, VALID_MILLIS),
            },
        );
    }

    /// The file, for the merchant that asked for it and within its time.
    pub(crate) fn fetch(&self, token: &str, merchant_id: &str, now: Timestamp) -> Option<&[u8]> {
        let file = self.0.get(token)?;
        (file.merchant_id == merchant_id && now <= file.valid_until)
            .then_some(file.content.as_slice())
    }
}
