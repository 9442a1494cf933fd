//! Commands of the chart.

use money::Currency;
use serde::{Deserialize, Serialize};

/// Opens the internal accounts of the shard. Harmless when done before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetUp {
    /// Currency of the business; channels of this release take only CNY.
    #[serde(default = "renminbi")]
    pub currency: Currency,
}

fn renminbi() -> Currency {
    Currency::CNY
}

impl Default for SetUp {
    fn default() -> SetUp {
        SetUp {
            currency: Currency::CNY,
        }
    }
}
