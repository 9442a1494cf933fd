//! What a payout's purpose may say.

use crate::support::*;
use domain::payout::CreatePayout;
use domain::{Code, Request};

/// They delimit the fields of the channel's answer, which repeats the purpose: it could not be read.
#[test]
fn a_purpose_with_a_delimiter_of_the_channels_messages_is_refused() {
    let mut book = Book::new();
    let merchant = book.open_on_request("m1");
    book.paid(&merchant, "o1", 10_000);
    book.turn_day();
    let command = |purpose: &str| {
        Request::CreatePayout(CreatePayout {
            purpose: purpose.into(),
            ..payout_command(&merchant, "p1", 4_000)
        })
    };
    for delimiter in ["&", "=", "{", "}", "[", "]"] {
        let request = command(&format!("goods{delimiter}1"));
        let refused = book.ask(&as_merchant(&merchant), request).unwrap_err();
        assert_eq!(
            (refused.code, refused.field.as_deref()),
            (Code::InvalidField, Some("purpose")),
            "{delimiter}"
        );
    }
    book.ask(&as_merchant(&merchant), command("货款 no. 1; goods"))
        .unwrap();
}
