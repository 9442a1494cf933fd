//! Single transfers, one per request.

use super::ids::Ids;
use super::load::Client;
use super::wire;
use super::world::headers;
use crate::failure::Failure;
use server::Role;
use std::io::Write;
use std::sync::Arc;

const PATH: &str = "/v1/transfers";

/// Between which accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// From any to any.
    All,
    /// From any to the same one.
    Hot,
}

/// One client.
pub struct TransferClient {
    accounts: Arc<[u64]>,
    spread: Spread,
    ids: Ids,
    body: Vec<u8>,
}

impl TransferClient {
    /// The client of a number. There must be two accounts.
    pub fn new(accounts: Arc<[u64]>, spread: Spread, number: u64) -> TransferClient {
        TransferClient {
            accounts,
            spread,
            ids: Ids::new(number),
            body: Vec::new(),
        }
    }

    fn accounts(&mut self) -> (u64, u64) {
        let count = self.accounts.len();
        let credit = match self.spread {
            Spread::All => self.ids.below(count),
            Spread::Hot => 0,
        };
        let debit = (credit + 1 + self.ids.below(count - 1)) % count;
        let number = |position: usize| self.accounts.get(position).copied().unwrap_or_default();
        (number(debit), number(credit))
    }
}

impl Client for TransferClient {
    fn request(&mut self, out: &mut Vec<u8>) -> &'static str {
        let id = self.ids.next();
        let (debit, credit) = self.accounts();
        let amount = 1 + self.ids.below(100_000);
        self.body.clear();
        // Writing into memory does not fail.
        let _ = write!(
            self.body,
            r#"{{"id":"{id}","debit":{debit},"credit":{credit},"amount":{{"amount":{amount},"currency":"CNY"}},"code":1001}}"#
        );
        wire::post(out, PATH, &headers(Role::Ledger, &id), &self.body);
        PATH
    }

    fn answered(&mut self, _body: &[u8]) -> Result<bool, Failure> {
        Ok(true)
    }
}
