//! Commands of the chart.

use crate::rule_packs::GivenPack;
use money::Currency;
use serde::{Deserialize, Serialize};

/// Opens the internal accounts of the shard and activates its first rule packs. Harmless when done before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetUp {
    /// Currency of the business; channels of this release take only CNY.
    #[serde(default = "renminbi")]
    pub currency: Currency,
    /// Packs that decide in a shard in which none do yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packs: Vec<GivenPack>,
}

fn renminbi() -> Currency {
    Currency::CNY
}

impl Default for SetUp {
    fn default() -> SetUp {
        SetUp {
            currency: Currency::CNY,
            packs: Vec::new(),
        }
    }
}
