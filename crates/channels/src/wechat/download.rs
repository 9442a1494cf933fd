//! The bill file. Its response is unsigned by design: the SHA-1 of the verified location vouches.

use super::parse::unknown;
use crate::answer::{Answer, Report};
use crate::crypto::sha1_hex;
use crate::http::Response;
use flate2::read::MultiGzDecoder;
use std::io::Read as _;

/// Largest bill after decompression, in bytes; a bigger one is refused rather than exhausting
/// memory.
pub const MAX_BILL_BYTES: u64 = 1 << 30;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Checks the hash over the bytes as sent or decompressed (the channel's documents leave open
/// which) and returns them decompressed.
pub(super) fn parse(response: &Response, sha1: &str) -> Report {
    if response.status != 200 {
        return unknown(format!("HTTP {} to a bill download", response.status));
    }
    let matches = |bytes: &[u8]| sha1_hex(bytes).eq_ignore_ascii_case(sha1);
    let plain;
    let bytes = if response.body.starts_with(&GZIP_MAGIC) {
        plain = match gunzip(&response.body) {
            Ok(plain) => plain,
            Err(reason) => return unknown(reason),
        };
        if !matches(&plain) && !matches(&response.body) {
            return mismatch();
        }
        plain
    } else {
        if !matches(&response.body) {
            return mismatch();
        }
        response.body.clone()
    };
    Report::Answered {
        answer: Answer::Bill { bytes },
    }
}

fn mismatch() -> Report {
    unknown("the bill's SHA-1 is not the announced one: ask for its location again".to_owned())
}

fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut plain = Vec::new();
    MultiGzDecoder::new(bytes)
        .take(MAX_BILL_BYTES + 1)
        .read_to_end(&mut plain)
        .map_err(|_| "the bill's gzip stream is damaged".to_owned())?;
    if plain.len() as u64 > MAX_BILL_BYTES {
        return Err(format!("the bill is larger than {MAX_BILL_BYTES} bytes"));
    }
    Ok(plain)
}
