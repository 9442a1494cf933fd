//! What is not put into a form message.

use crate::support::*;
use channels::connector::ConnectorError;
use channels::{Connector, Operation};

#[test]
fn a_purpose_that_would_break_the_answer_is_not_sent() {
    for delimiter in ["&", "=", "{", "}", "[", "]"] {
        let mut operation = payout();
        if let Operation::Payout { purpose, .. } = &mut operation {
            purpose.push_str(delimiter);
        }
        let refused = unionpay()
            .request(&operation, Some(&payee()), signed_at(), NONCE)
            .unwrap_err();
        assert!(
            matches!(
                refused,
                ConnectorError::Field {
                    field: "purpose",
                    ..
                }
            ),
            "{delimiter}: {refused}"
        );
    }
}
